// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// `swift package generate`: generates Swift from the `.proto` files of a package's targets into the targets
/// themselves, for packages that commit it.
@main
struct RavioliGeneratePlugin: CommandPlugin {
    private static let usage = """
        USAGE: swift package generate [--target NAME]…

        Generates Swift from the .proto files of each target, into the folder Generated inside the target. It replaces the
        *.ravioli.swift files there and touches nothing else. A target that uses the build-tool plugin RavioliPlugin
        generates while it is built and needs no command.

          --target NAME   only this target; can be repeated
          --help          show this

        A target's ravioli.json can set visibility, prefix, services, comments, modules and importPaths.
        """

    func performCommand(context: PluginContext, arguments: [String]) async throws {
        var extractor = ArgumentExtractor(arguments)
        if extractor.extractFlag(named: "help") > 0 { return print(Self.usage) }
        let names = extractor.extractOption(named: "target")
        if let unknown = extractor.remainingArguments.first {
            throw PluginError("\(unknown) is no option\n\n\(Self.usage)")
        }
        let targets = names.isEmpty ? context.package.targets : try context.package.targets(named: names)
        let protoc = try Generation.findProtoc()
        let generator = try context.tool(named: "protoc-gen-ravioli").url
        var isIdle = true
        for target in targets.compactMap({ $0 as? any SourceModuleTarget }) {
            // Not the target's own list: .proto files that no plugin of the target's build uses are excluded from it.
            let files = FileManager.default.enumerator(
                at: target.directoryURL, includingPropertiesForKeys: nil)
            guard let generation = try Generation(folder: target.directoryURL, files: files?.urls ?? [])
            else { continue }
            isIdle = false
            try generate(
                generation, protoc: protoc, generator: generator, work: context.pluginWorkDirectoryURL)
        }
        if isIdle { print("No target has .proto files.") }
    }

    /// Generates into a folder of the plugin, then replaces what differs.
    private func generate(_ generation: Generation, protoc: URL, generator: URL, work: URL) throws {
        let fresh = work.appending(path: UUID().uuidString)
        let files = FileManager.default
        try files.createDirectory(at: fresh, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: fresh) }
        try run(
            protoc, generation.arguments(generator: generator, output: fresh, protoc: protoc),
            in: generation.folder)

        let folder = generation.folder.appending(path: "Generated")
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in try files.contentsOfDirectory(atPath: folder.path).sorted()
        where name.hasSuffix(".ravioli.swift") && !generation.outputNames.contains(name) {
            try files.removeItem(at: folder.appending(path: name))
            print("removed \(folder.appending(path: name).path)")
        }
        for name in generation.outputNames {
            let (source, target) = (fresh.appending(path: name), folder.appending(path: name))
            if files.contentsEqual(atPath: source.path, andPath: target.path) {
                print("unchanged \(target.path)")
                continue
            }
            try Data(contentsOf: source).write(to: target, options: .atomic)
            print("wrote \(target.path)")
        }
    }

    private func run(_ program: URL, _ arguments: [String], in folder: URL) throws {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // A plugin's own standard input is closed, and protoc cannot hand a closed one on to its plugins.
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw PluginError("protoc failed for \(folder.path); what it found wrong stands above")
        }
    }
}

extension FileManager.DirectoryEnumerator {
    fileprivate var urls: [URL] { compactMap { $0 as? URL } }
}
