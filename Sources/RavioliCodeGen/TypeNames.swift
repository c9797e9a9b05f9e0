// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The Swift names of all types of a request: those being generated and those that they import.
struct TypeNames {
    /// How each message and enum type is referred to, by its full name in the schema.
    private(set) var types: [String: String] = [:]
    /// How each service's group of declarations is called, by its full name in the schema.
    private(set) var services: [String: String] = [:]
    /// Simple names of everything declared: a Swift type of the same name must be qualified.
    private var declared: Set<String> = []

    init(files: [FileDescriptor], options: GeneratorOptions) {
        var scopes: [String: SwiftNames.Scope] = [:]
        for file in files {
            let module = options.module(of: file.name) ?? ""
            var scope = scopes[module] ?? SwiftNames.Scope()
            declare(file, prefix: Self.prefix(of: file, options), in: &scope)
            scopes[module] = scope
        }
        // Services come last: a message keeps its plain name, a service of the same name gives way.
        for file in files {
            let module = options.module(of: file.name) ?? ""
            let prefix = Self.prefix(of: file, options)
            for service in file.services {
                services[service.fullName] = claimService(prefix + simpleName(service.fullName), in: &scopes[module]!)
            }
        }
    }

    /// A standard library type, qualified if the schema has a type of its name.
    func swift(_ name: String) -> String { declared.contains(name) ? "Swift.\(name)" : name }

    /// The name of the constant that holds a file's schema: `showroom/car.proto` → `ShowroomCarSchema`.
    static func schema(of path: String) -> String {
        let stem = path.hasSuffix(".proto") ? path.dropLast(6) : path[...]
        let words = stem.split { !$0.isLetter && !$0.isNumber }
        return words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Schema"
    }

    private static func prefix(of file: FileDescriptor, _ options: GeneratorOptions) -> String {
        if file.package.hasPrefix("google.protobuf") { return packagePrefix(file.package) }
        if let prefix = options.prefix, options.module(of: file.name) == nil { return prefix }
        // FileOptions.swift_prefix
        guard case .bytes(let text)? = file.options.records(numbered: 39).last?.value else { return "" }
        return String(decoding: text, as: UTF8.self)
    }

    /// `google.protobuf` → `Google_Protobuf_`, the way types of several packages are kept apart in one module.
    private static func packagePrefix(_ package: String) -> String {
        package.split(separator: ".").map { SwiftNames.upperCamel(String($0)) + "_" }.joined()
    }

    private mutating func declare(_ file: FileDescriptor, prefix: String, in scope: inout SwiftNames.Scope) {
        let qualifiedPrefix = Self.packagePrefix(file.package)
        func claim(_ fullName: String, _ scope: inout SwiftNames.Scope) -> String {
            let name = simpleName(fullName)
            return scope.claim(SwiftNames.type(prefix + name), SwiftNames.type(qualifiedPrefix + name))
        }
        for message in file.messages where scopeOf(message.fullName) == file.package && !message.isMapEntry {
            let name = claim(message.fullName, &scope)
            record(message.fullName, as: name, simple: name)
            declareNested(in: message.fullName, file, swiftName: name)
        }
        for enumeration in file.enums where scopeOf(enumeration.fullName) == file.package {
            let name = claim(enumeration.fullName, &scope)
            record(enumeration.fullName, as: name, simple: name)
        }
    }

    private mutating func declareNested(in outer: String, _ file: FileDescriptor, swiftName: String) {
        // A nested type must not hide the name of the type around it.
        var scope = SwiftNames.Scope([simpleName(swiftName)])
        for message in file.messages where scopeOf(message.fullName) == outer && !message.isMapEntry {
            let name = scope.claim(SwiftNames.type(simpleName(message.fullName)))
            record(message.fullName, as: "\(swiftName).\(name)", simple: name)
            declareNested(in: message.fullName, file, swiftName: "\(swiftName).\(name)")
        }
        for enumeration in file.enums where scopeOf(enumeration.fullName) == outer {
            let name = scope.claim(SwiftNames.type(simpleName(enumeration.fullName)))
            record(enumeration.fullName, as: "\(swiftName).\(name)", simple: name)
        }
    }

    private mutating func record(_ fullName: String, as name: String, simple: String) {
        types[fullName] = name
        declared.insert(simple)
    }

    /// A service declares four types, so the base is moved on until all four are free.
    private func claimService(_ wanted: String, in scope: inout SwiftNames.Scope) -> String {
        var base = SwiftNames.type(wanted)
        while true {
            var attempt = scope
            let claimed = [base, base + "Client", base + "Service", base + "Fake"].filter { attempt.claim($0) == $0 }
            if claimed.count == 4 {
                scope = attempt
                return base
            }
            base += base.hasSuffix("RPC") ? "_" : "RPC"
        }
    }
}

/// The part of a full name behind the last dot.
func simpleName(_ fullName: String) -> String {
    fullName.split(separator: ".").last.map(String.init) ?? fullName
}

/// The part of a full name before the last dot: the package or the type around it.
func scopeOf(_ fullName: String) -> String {
    fullName.split(separator: ".").dropLast().joined(separator: ".")
}
