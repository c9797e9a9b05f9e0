// SPDX-License-Identifier: Apache-2.0

/// A `.proto` file: the types and services that it declares, linked with those of the files that it imports.
public final class FileDescriptor: Sendable {
    /// The path by which other files import it, as `showroom/catalog/v1/catalog.proto`.
    public let name: String
    /// The protobuf package, as `showroom.catalog.v1`.
    public let package: String
    /// The imported files, in order.
    public let dependencies: [FileDescriptor]
    /// Every message type of the file, nested ones included, each before the types inside it.
    public let messages: [MessageDescriptor]
    /// Every enum type of the file, nested ones included.
    public let enums: [EnumDescriptor]
    /// The services in order of declaration.
    public let services: [ServiceDescriptor]
    /// The encoded `google.protobuf.FileOptions`, custom options included.
    public let options: UnknownFields
    /// The encoded `google.protobuf.FileDescriptorProto` from which all this was read.
    public let serialized: [UInt8]

    private let messagesByName: [String: MessageDescriptor]
    private let enumsByName: [String: EnumDescriptor]
    private let publicDependencies: [FileDescriptor]

    /// Reads and links a file.
    ///
    /// - Parameters:
    ///   - serialized: an encoded `google.protobuf.FileDescriptorProto`; it may come from a peer.
    ///   - dependencies: at least the files that it imports; others are ignored.
    /// - Throws: ``SchemaError/Code/invalidSchema`` if an import is missing or the schema contradicts itself.
    public init(serialized: [UInt8], dependencies: [FileDescriptor]) throws(SchemaError) {
        let record = try FileRecord(serialized)
        self.serialized = serialized
        name = record.name
        package = record.package
        options = try UnknownFields(encoded: Array(record.options))
        let imported = try Self.imports(of: record, among: dependencies)
        self.dependencies = imported
        publicDependencies = record.publicDependencies.compactMap { imported.indices.contains($0) ? imported[$0] : nil }

        let features = try FeatureSet(syntax: record.syntax, edition: record.edition)
            .overridden(by: record.options, at: 50)
        var declared = Declarations()
        for message in record.messages { try declared.add(message, scope: record.package, features: features) }
        for enumeration in record.enums { try declared.add(enumeration, scope: record.package, features: features) }
        messages = declared.messages.map(\.descriptor)
        enums = declared.enums
        messagesByName = declared.messagesByName
        enumsByName = declared.enumsByName

        let types = TypeScope(messages: messagesByName, enums: enumsByName, imports: imported)
        var services: [ServiceDescriptor] = []
        for service in record.services {
            services.append(try ServiceDescriptor(service, scope: record.package, types: types))
        }
        self.services = services
        for message in declared.messages {
            try message.descriptor.link(message.record, features: message.features, types: types, file: self)
        }
        for service in services { service.declaringFile = self }
        while messages.filter({ $0.updateMayLackRequired() }).isEmpty == false {}
        // Tables refer to each other by address; see `MessageDescriptor`.
        _ = Unmanaged.passRetained(self)
    }

    /// The message type of this full name, if the file declares it.
    public func message(named fullName: String) -> MessageDescriptor? { messagesByName[fullName] }
    /// The enum type of this full name, if the file declares it.
    public func enumeration(named fullName: String) -> EnumDescriptor? { enumsByName[fullName] }
    /// The service of this full name, if the file declares it.
    public func service(named fullName: String) -> ServiceDescriptor? { services.first { $0.fullName == fullName } }

    /// This file and all that it needs, each once, imports first: a `google.protobuf.FileDescriptorSet` in order.
    public var withDependencies: [FileDescriptor] {
        var seen: Set<ObjectIdentifier> = []
        var result: [FileDescriptor] = []
        var open: [(file: FileDescriptor, nextImport: Int)] = [(self, 0)]
        while let (file, next) = open.popLast() {
            if next < file.dependencies.count {
                open.append((file, next + 1))
                let dependency = file.dependencies[next]
                if !seen.contains(ObjectIdentifier(dependency)) { open.append((dependency, 0)) }
            } else if seen.insert(ObjectIdentifier(file)).inserted {
                result.append(file)
            }
        }
        return result
    }

    private static func imports(
        of record: FileRecord, among files: [FileDescriptor]
    ) throws(SchemaError) -> [FileDescriptor] {
        var result: [FileDescriptor] = []
        for path in record.dependencies {
            guard let file = files.first(where: { $0.name == path }) else {
                throw SchemaError(.invalidSchema, "\(record.name) imports \(path), which is missing")
            }
            result.append(file)
        }
        return result
    }

    /// The files whose types are visible to a file with these imports: they and, through any number of them,
    /// their public imports.
    fileprivate static func visible(through imports: [FileDescriptor]) -> [FileDescriptor] {
        var seen: Set<ObjectIdentifier> = []
        var result = imports
        var next = 0
        while next < result.count {
            for file in result[next].publicDependencies where seen.insert(ObjectIdentifier(file)).inserted {
                result.append(file)
            }
            next += 1
        }
        return result
    }
}

/// The types of one file while it is being read.
private struct Declarations {
    struct Message {
        var descriptor: MessageDescriptor
        var record: MessageRecord
        var features: FeatureSet
    }

    var messages: [Message] = []
    var enums: [EnumDescriptor] = []
    var messagesByName: [String: MessageDescriptor] = [:]
    var enumsByName: [String: EnumDescriptor] = [:]

    /// Nesting was bounded when the record was read.
    mutating func add(_ record: MessageRecord, scope: String, features: FeatureSet) throws(SchemaError) {
        let fullName = qualified(record.name, in: scope)
        let features = try features.overridden(by: record.options, at: 12)
        try checkNew(fullName)
        let descriptor = try MessageDescriptor(record, fullName: fullName)
        messagesByName[fullName] = descriptor
        messages.append(Message(descriptor: descriptor, record: record, features: features))
        for nested in record.nested { try add(nested, scope: fullName, features: features) }
        for enumeration in record.enums { try add(enumeration, scope: fullName, features: features) }
    }

    mutating func add(_ record: EnumRecord, scope: String, features: FeatureSet) throws(SchemaError) {
        let descriptor = try EnumDescriptor(record, scope: scope, features: features)
        try checkNew(descriptor.fullName)
        enumsByName[descriptor.fullName] = descriptor
        enums.append(descriptor)
    }

    private func checkNew(_ name: String) throws(SchemaError) {
        guard messagesByName[name] == nil, enumsByName[name] == nil else {
            throw SchemaError(.invalidSchema, "\(name) is declared twice")
        }
    }
}

/// The types that a file may refer to: its own and those of its imports.
struct TypeScope {
    private let messages: [String: MessageDescriptor]
    private let enums: [String: EnumDescriptor]
    private let imports: [FileDescriptor]

    init(messages: [String: MessageDescriptor], enums: [String: EnumDescriptor], imports: [FileDescriptor]) {
        self.messages = messages
        self.enums = enums
        self.imports = FileDescriptor.visible(through: imports)
    }

    /// The message type that `user` refers to by a fully qualified name with a leading dot.
    func message(_ reference: String, for user: String) throws(SchemaError) -> MessageDescriptor {
        let name = reference.hasPrefix(".") ? String(reference.dropFirst()) : reference
        if let own = messages[name] { return own }
        for file in imports { if let found = file.message(named: name) { return found } }
        throw SchemaError(.invalidSchema, "\(user) refers to the unknown message type \(name)")
    }

    /// The enum type that `user` refers to by a fully qualified name with a leading dot.
    func enumeration(_ reference: String, for user: String) throws(SchemaError) -> EnumDescriptor {
        let name = reference.hasPrefix(".") ? String(reference.dropFirst()) : reference
        if let own = enums[name] { return own }
        for file in imports { if let found = file.enumeration(named: name) { return found } }
        throw SchemaError(.invalidSchema, "\(user) refers to the unknown enum type \(name)")
    }
}
