// SPDX-License-Identifier: Apache-2.0
//
// What both plugins do: find protoc and a target's `.proto` files, and put the call of protoc together. Plugins cannot
// share a library, so RavioliGeneratePlugin has this file by a symbolic link.

import Foundation
import PackagePlugin

/// The Swift to be generated for one target: one call of protoc for all of its `.proto` files, since the names of all
/// types of a module are settled together.
struct Generation {
    /// The target's folder, from which imports of its own files are resolved.
    let folder: URL
    /// The target's `.proto` files, as paths inside its folder.
    let protos: [String]
    /// What the target's `ravioli.json` says.
    let settings: Settings
    /// The target's `ravioli.json`, if it has one.
    let settingsFile: URL?

    /// - Parameter files: the target's files.
    /// - Returns: nothing for a target without `.proto` files.
    init?(folder: URL, files: some Sequence<URL>) throws {
        self.folder = folder.standardizedFileURL
        let root = self.folder.path.hasSuffix("/") ? self.folder.path : self.folder.path + "/"
        let paths = files.map(\.standardizedFileURL.path).filter { $0.hasPrefix(root) }
        protos = paths.filter { $0.hasSuffix(".proto") }.map { String($0.dropFirst(root.count)) }.sorted()
        guard !protos.isEmpty else { return nil }
        let file = self.folder.appending(path: "ravioli.json")
        settingsFile = FileManager.default.fileExists(atPath: file.path) ? file : nil
        settings = try settingsFile.map(Settings.init(contentsOf:)) ?? Settings()
    }

    /// The names of the generated files. `Generator.outputName(of:)` says the same.
    var outputNames: [String] {
        protos.map { $0.dropLast(6).map { $0 == "/" ? "_" : String($0) }.joined() + ".ravioli.swift" }
    }

    /// The arguments for protoc.
    func arguments(generator: URL, output: URL, protoc: URL) -> [String] {
        let imports =
            [folder] + settings.importPaths.map { folder.appending(path: $0) } + Self.systemImports(protoc)
        return ["--plugin=protoc-gen-ravioli=\(generator.path)", "--ravioli_out=\(output.path)"]
            + settings.options.map { "--ravioli_opt=\($0)" } + imports.map { "--proto_path=\($0.path)" }
            + protos
    }

    /// The folder that holds `google/protobuf/*.proto`.
    private static func systemImports(_ protoc: URL) -> [URL] {
        let beside = protoc.resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        let folders = [
            beside.appending(path: "include").path, "/usr/include", "/usr/local/include",
            "/opt/homebrew/include",
        ]
        let found = folders.first {
            FileManager.default.fileExists(atPath: $0 + "/google/protobuf/descriptor.proto")
        }
        return found.map { [URL(filePath: $0)] } ?? []
    }

    /// Finds protoc: where `PROTOC_PATH` says, in `PATH`, or where systems usually put it.
    static func findProtoc() throws -> URL {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["PROTOC_PATH"] {
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw PluginError("PROTOC_PATH is \(path), where no program is")
            }
            return URL(filePath: path)
        }
        let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in folders + ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"] {
            let path = folder + "/protoc"
            if FileManager.default.isExecutableFile(atPath: path) { return URL(filePath: path) }
        }
        throw PluginError(
            "protoc, which reads .proto files, is missing. Install it: apt install protobuf-compiler libprotobuf-dev"
        )
    }
}

/// What a target's `ravioli.json` can say. All of it can be left out.
struct Settings: Decodable {
    /// `internal` (the default), `package` or `public`.
    var visibility: String?
    /// Stands before every type's name.
    var prefix: String?
    /// Whether clients, service protocols and fakes are generated; `true` unless it says otherwise.
    var services: Bool?
    /// Whether the comments of the `.proto` files are embedded, so that reflection tells them; `false` unless it says
    /// otherwise.
    var comments: Bool?
    /// The Swift modules of imported `.proto` files, by their path or by a folder with a slash at its end.
    var modules: [String: String]?
    /// Further folders in which imports are looked up, relative to the target's.
    var importPaths: [String] = []

    private enum Key: String, CodingKey, CaseIterable {
        case visibility, prefix, services, comments, modules, importPaths
    }

    init() {}

    init(contentsOf file: URL) throws {
        do {
            self = try JSONDecoder().decode(Settings.self, from: Data(contentsOf: file))
        } catch {
            throw PluginError("\(file.path) cannot be used: \(error)")
        }
    }

    init(from decoder: any Decoder) throws {
        let names = try decoder.singleValueContainer().decode([String: Anything].self).keys
        for name in names where Key(rawValue: name) == nil {
            let known = Key.allCases.map(\.rawValue).joined(separator: ", ")
            throw PluginError("\"\(name)\" is no setting; there are \(known)")
        }
        let container = try decoder.container(keyedBy: Key.self)
        visibility = try container.decodeIfPresent(String.self, forKey: .visibility)
        prefix = try container.decodeIfPresent(String.self, forKey: .prefix)
        services = try container.decodeIfPresent(Bool.self, forKey: .services)
        comments = try container.decodeIfPresent(Bool.self, forKey: .comments)
        modules = try container.decodeIfPresent([String: String].self, forKey: .modules)
        importPaths = try container.decodeIfPresent([String].self, forKey: .importPaths) ?? []
    }

    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    /// The options of protoc-gen-ravioli.
    var options: [String] {
        var options: [String] = []
        if let visibility { options.append("visibility=\(visibility)") }
        if let prefix { options.append("prefix=\(prefix)") }
        if let services { options.append("services=\(services)") }
        if let comments { options.append("comments=\(comments)") }
        for (path, module) in (modules ?? [:]).sorted(by: { $0.key < $1.key }) {
            options.append("module=\(path):\(module)")
        }
        return options
    }
}

/// Why a plugin cannot do its work.
struct PluginError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
