// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Generates Swift from a target's `.proto` files whenever the target is built.
@main
struct RavioliPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
        guard let target = target as? any SourceModuleTarget,
            let generation = try Generation(folder: target.directoryURL, files: target.sourceFiles.map(\.url))
        else { return [] }
        let protoc = try Generation.findProtoc()
        let generator = try context.tool(named: "protoc-gen-ravioli").url
        let output = context.pluginWorkDirectoryURL
        return [
            .buildCommand(
                displayName: "Generating Swift from \(generation.protos.joined(separator: ", "))",
                executable: protoc,
                arguments: generation.arguments(generator: generator, output: output, protoc: protoc),
                // The generator is an input: generated code follows its changes.
                inputFiles: generation.protos.map { generation.folder.appending(path: $0) }
                    + (generation.settingsFile.map { [$0] } ?? []) + [generator],
                outputFiles: generation.outputNames.map { output.appending(path: $0) })
        ]
    }
}
