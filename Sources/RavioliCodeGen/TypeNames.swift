// SPDX-License-Identifier: Apache-2.0
//
// A type is declared where the schema declares it: at the top level or nested in the struct of the message around
// it. Swift looks a name up from the inside to the outside, so three things can go wrong, and are settled here for
// the whole request before a line is written:
//
// - Two types of one Swift module want one name: the first keeps it, others take their package in front.
// - A nested type hides a top-level one that code beside it refers to: the nested type gets an underscore.
// - A type hides one of the standard library: that one is written as `Swift.String` everywhere.

import RavioliSchema

/// The Swift names of all types of a request: those being generated and those that they import.
struct TypeNames {
    /// How each message and enum type is referred to, by its full name in the schema.
    private(set) var types: [String: String] = [:]
    /// How the enum of each oneof is called, without the message around it, by the oneof's full name in the schema.
    private(set) var oneofs: [String: String] = [:]
    /// How each service's group of declarations is called, by its full name in the schema.
    private(set) var services: [String: String] = [:]
    /// The constant that holds each file's schema, by the file's path.
    private(set) var schemas: [String: String] = [:]

    /// Simple names of everything declared: a Swift type of the same name must be qualified.
    private var declared: Set<String> = []
    /// The names taken at the top level of each module; the module being generated is "".
    private var scopes: [String: SwiftNames.Scope] = [:]
    /// The full name of the outermost type around each type, or of the type itself.
    private var outermost: [String: String] = [:]
    private let options: GeneratorOptions
    private let ownModule: String?
    /// Modules that generated code may refer to. A type of such a name would hide the module.
    private let modules: Set<String>

    /// - Parameter generated: the path of a file to be generated; its module is the one being generated.
    init(files: [FileDescriptor], generated: String?, options: GeneratorOptions) {
        self.options = options
        ownModule = generated.flatMap(options.module(of:))
        modules = Set(options.modules.map(\.module)).union(["Swift", "Ravioli", "RavioliSchema"])
        for file in files { declareSchema(of: file) }
        for file in files { declareTypes(of: file) }
        // Services come after messages: a message keeps its plain name, a service of the same name gives way.
        for file in files { declareServices(of: file) }
        qualifyHiddenImports(files)
        for file in files { declareNestedTypes(of: file) }
    }

    /// A standard library type, qualified if the schema has a type of its name.
    func swift(_ name: String) -> String { declared.contains(name) ? "Swift.\(name)" : name }

    /// The name of a type without the types around it.
    func simple(_ fullName: String) -> String { simpleName(types[fullName] ?? fullName) }

    /// The module of a file; "" for the one being generated.
    func module(of file: FileDescriptor) -> String {
        let module = options.module(of: file.name)
        return module == ownModule ? "" : module ?? ""
    }

    // MARK: Top level

    private mutating func claim(_ candidates: String..., in file: FileDescriptor) -> String {
        let module = module(of: file)
        var scope = scopes[module] ?? SwiftNames.Scope(modules)
        defer { scopes[module] = scope }
        return scope.claim(candidates)
    }

    private mutating func declareSchema(of file: FileDescriptor) {
        schemas[file.name] = claim(Self.schema(of: file.name), in: file)
    }

    /// The name of the constant that holds a file's schema: `showroom/car.proto` → `ShowroomCarSchema`.
    private static func schema(of path: String) -> String {
        let stem = path.hasSuffix(".proto") ? path.dropLast(6) : path[...]
        let words = stem.split { !$0.isASCII || (!$0.isLetter && !$0.isNumber) }
        let name = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Schema"
        return name.first?.isNumber == true ? "_" + name : name
    }

    private func prefix(of file: FileDescriptor) -> String {
        if file.package.hasPrefix("google.protobuf") { return Self.packagePrefix(file.package) }
        if let prefix = options.prefix, module(of: file).isEmpty { return prefix }
        // FileOptions.swift_prefix
        guard case .bytes(let text)? = file.options.records(numbered: 39).last?.value else { return "" }
        return String(decoding: text, as: UTF8.self)
    }

    /// `google.protobuf` → `Google_Protobuf_`, the way types of several packages are kept apart in one module.
    private static func packagePrefix(_ package: String) -> String {
        package.split(separator: ".").map { SwiftNames.upperCamel(String($0)) + "_" }.joined()
    }

    private mutating func declareTypes(of file: FileDescriptor) {
        let (prefix, qualifiedPrefix) = (prefix(of: file), Self.packagePrefix(file.package))
        for fullName in file.typeNames(in: file.package) {
            let name = simpleName(fullName)
            let claimed = claim(
                SwiftNames.type(prefix + name), SwiftNames.type(qualifiedPrefix + name), in: file)
            types[fullName] = claimed
            declared.insert(claimed)
        }
        for fullName in file.messages.map(\.fullName) + file.enums.map(\.fullName) {
            let inner = file.package.isEmpty ? fullName[...] : fullName.dropFirst(file.package.count + 1)
            outermost[fullName] = qualified(String(inner.prefix { $0 != "." }), file.package)
        }
    }

    private func qualified(_ name: String, _ scope: String) -> String {
        scope.isEmpty ? name : "\(scope).\(name)"
    }

    /// A service declares four types, so its name is moved on until all four are free.
    private mutating func declareServices(of file: FileDescriptor) {
        for service in file.services {
            var base = SwiftNames.type(prefix(of: file) + simpleName(service.fullName))
            while true {
                let before = scopes
                let group = ["", "Client", "Service", "Fake"].map { base + $0 }
                if group.allSatisfy({ claim($0, in: file) == $0 }) {
                    services[service.fullName] = base
                    declared.formUnion(group)
                    break
                }
                scopes = before
                base += base.hasSuffix("RPC") ? "_" : "RPC"
            }
        }
    }

    /// An imported type whose name exists in another module, too, is referred to with its module.
    private mutating func qualifyHiddenImports(_ files: [FileDescriptor]) {
        for file in files where !module(of: file).isEmpty {
            let module = module(of: file)
            for fullName in file.typeNames(in: file.package) {
                guard let name = types[fullName] else { continue }
                let isHidden = scopes.contains { $0.key != module && $0.value.contains(name) }
                if isHidden { types[fullName] = "\(module).\(name)" }
            }
        }
    }

    // MARK: Nested types

    private mutating func declareNestedTypes(of file: FileDescriptor) {
        for message in file.messages where scopeOf(message.fullName) == file.package {
            declareNestedTypes(in: message, file, hidden: references(in: message, file).union(modules))
        }
    }

    /// The first parts of all names that code inside a message, however deep, refers to.
    private func references(in outer: MessageDescriptor, _ file: FileDescriptor) -> Set<String> {
        let inside = file.messages.filter { $0 === outer || $0.fullName.hasPrefix(outer.fullName + ".") }
        let used = inside.flatMap(\.fields).compactMap { $0.messageType?.fullName ?? $0.enumType?.fullName }
        return Set(
            used.compactMap { outermost[$0].flatMap { types[$0] } }.map { String($0.prefix { $0 != "." }) })
    }

    /// - Parameter hidden: names that must stay visible, those of the types around included.
    private mutating func declareNestedTypes(
        in outer: MessageDescriptor, _ file: FileDescriptor, hidden: Set<String>
    ) {
        let outerName = types[outer.fullName] ?? ""
        let hidden = hidden.union([simpleName(outerName)])
        var scope = SwiftNames.Scope(hidden)
        for fullName in file.typeNames(in: outer.fullName) {
            let name = scope.claim([SwiftNames.type(simpleName(fullName))])
            types[fullName] = "\(outerName).\(name)"
            declared.insert(name)
        }
        for oneof in outer.oneofs {
            let name = SwiftNames.type(SwiftNames.upperCamel(oneof.name))
            let claimed = scope.claim([name, "\(name)Oneof"])
            oneofs["\(outer.fullName).\(oneof.name)"] = claimed
            declared.insert(claimed)
        }
        for message in file.messages where scopeOf(message.fullName) == outer.fullName && !message.isMapEntry
        {
            declareNestedTypes(in: message, file, hidden: hidden)
        }
    }
}

extension FileDescriptor {
    /// The full names of the messages and enums declared directly in a package or message.
    fileprivate func typeNames(in scope: String) -> [String] {
        (messages.filter { !$0.isMapEntry }.map(\.fullName) + enums.map(\.fullName)).filter {
            scopeOf($0) == scope
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
