// SPDX-License-Identifier: Apache-2.0

/// What a user can choose, given to protoc as `--ravioli_opt=name=value,…`.
public struct GeneratorOptions: Sendable, Hashable {
    /// The access level of everything generated.
    public enum Visibility: String, Sendable, CaseIterable {
        case `internal`, `package`, `public`
    }

    /// Which Swift module holds what was generated from a file, or from all files in a folder.
    public struct ModuleMapping: Sendable, Hashable {
        /// A file's path as others import it, or a folder with a slash at its end.
        public var path: String
        /// The Swift module.
        public var module: String

        /// A mapping of one file or folder.
        public init(path: String, module: String) {
            self.path = path
            self.module = module
        }

        fileprivate func covers(_ file: String) -> Bool {
            path == file || (path.hasSuffix("/") && file.hasPrefix(path))
        }
    }

    /// `visibility=internal|package|public`. Default `internal`.
    public var visibility = Visibility.internal
    /// `prefix=Name`: stands before every type's name. Default: the file's `swift_prefix` option, else nothing.
    public var prefix: String?
    /// `module=path/to/file.proto:Module` or `module=folder/:Module`, repeatable: the Swift module that holds what
    /// was generated from an imported file or from those in a folder. Default: the module being generated.
    public var modules: [ModuleMapping] = []
    /// `services=false` leaves clients, service protocols and fakes out. Default `true`.
    public var services = true
    /// `comments=true` embeds the comments of the `.proto` files, so that reflection tells them to whoever documents the
    /// service. Default `false`: they cost as many bytes in the program as they have.
    public var comments = false

    /// The defaults.
    public init() {}

    /// Reads protoc's parameter text.
    public init(parameter: String) throws(GeneratorError) {
        for part in parameter.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else {
                throw GeneratorError("option \"\(part)\" has no value; write name=value")
            }
            try set(pair[0], to: pair[1])
        }
    }

    private mutating func set(_ name: String, to value: String) throws(GeneratorError) {
        switch (name, value) {
        case ("visibility", _):
            guard let visibility = Visibility(rawValue: value) else {
                throw GeneratorError("visibility is internal, package or public, not \"\(value)\"")
            }
            self.visibility = visibility
        case ("prefix", _): prefix = value
        case ("services", "true"): services = true
        case ("services", "false"): services = false
        case ("comments", "true"): comments = true
        case ("comments", "false"): comments = false
        case ("module", _):
            let pair = value.split(separator: ":").map(String.init)
            guard pair.count == 2 else {
                throw GeneratorError("module is given as path:Module, not \"\(value)\"")
            }
            modules.append(ModuleMapping(path: pair[0], module: pair[1]))
        default:
            throw GeneratorError(
                "option \"\(name)=\(value)\" does not exist; there are visibility, prefix, module, services and comments"
            )
        }
    }

    /// The module of a file other than those being generated; `nil` for the module being generated.
    func module(of path: String) -> String? {
        if let mapping = modules.last(where: { $0.covers(path) }) { return mapping.module }
        if path == "google/protobuf/compiler/plugin.proto" { return "RavioliCodeGen" }
        return path.hasPrefix("google/protobuf/") ? "RavioliSchema" : nil
    }
}

/// Why nothing can be generated; protoc shows the text to the user.
public struct GeneratorError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public var description: String
    /// An error with this text, a sentence without a full stop.
    public init(_ description: String) { self.description = description }
}
