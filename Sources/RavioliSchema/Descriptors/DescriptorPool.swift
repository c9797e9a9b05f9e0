// SPDX-License-Identifier: Apache-2.0

/// A set of files that were read at run time, as from `protoc --descriptor_set_out` or a server's reflection.
public struct DescriptorPool: Sendable {
    /// What the pool holds, built once: a copy of the pool then costs one reference, and of an empty one nothing.
    private final class Contents: Sendable {
        let files: [FileDescriptor]
        let filesByName: [String: FileDescriptor]
        let messages: [String: MessageDescriptor]
        let services: [String: ServiceDescriptor]
        let extensionsByName: [String: CarriedField]
        let extensionsByExtendee: [String: [Int32: CarriedField]]

        init(_ builder: PoolBuilder) {
            files = builder.files
            filesByName = builder.filesByName
            messages = builder.messages
            services = builder.services
            extensionsByName = builder.extensionsByName
            extensionsByExtendee = builder.extensionsByExtendee
        }
    }

    private let contents: Contents?

    /// A pool of no files.
    public init() { contents = nil }

    /// A pool of files that are linked already, with all that they import.
    public init(_ files: [FileDescriptor]) {
        var builder = PoolBuilder()
        for file in files { for needed in file.withDependencies { builder.insert(needed) } }
        contents = Contents(builder)
    }

    /// The files, each after those that it imports.
    public var files: [FileDescriptor] { contents?.files ?? [] }

    /// Reads an encoded `google.protobuf.FileDescriptorSet`, in any order; it may come from a peer.
    ///
    /// - Throws: ``SchemaError/Code/invalidSchema`` if imports are missing or form a cycle, or a file contradicts
    ///   itself or another.
    public init(fileDescriptorSet: [UInt8]) throws(SchemaError) {
        var waiting: [(record: FileRecord, bytes: [UInt8])] = []
        var records = WireRecords(fileDescriptorSet)
        while let record = try records.next() {
            guard case (1, .bytes(let bytes)) = (record.number, record.value) else { continue }
            guard waiting.count < DescriptorRules.filesMax else {
                throw SchemaError(.invalidSchema, "the set has more than \(DescriptorRules.filesMax) files")
            }
            waiting.append((try FileRecord(Array(bytes)), Array(bytes)))
        }
        var builder = PoolBuilder()
        try builder.link(waiting)
        contents = Contents(builder)
    }

    /// The message type of this full name; `nil` if no file declares it.
    public func message(named fullName: String) -> MessageDescriptor? { contents?.messages[fullName] }
    /// The service of this full name; `nil` if no file declares it.
    public func service(named fullName: String) -> ServiceDescriptor? { contents?.services[fullName] }
    /// The file of this import path.
    public func file(named name: String) -> FileDescriptor? { contents?.filesByName[name] }
    /// The extension of this full name; `nil` if no file declares it.
    func extensionField(named fullName: String) -> CarriedField? { contents?.extensionsByName[fullName] }
    /// The extensions of the message of this full name, by number.
    func extensions(of message: String) -> [Int32: CarriedField] {
        contents?.extensionsByExtendee[message] ?? [:]
    }
    /// All services, in order of their files and declarations.
    public var allServices: [ServiceDescriptor] { files.flatMap(\.services) }

    /// The pool as an encoded `google.protobuf.FileDescriptorSet`, imports first.
    public var fileDescriptorSet: [UInt8] {
        var result: [UInt8] = []
        for file in files {
            result.append(0x0a)
            var length = file.serialized.count
            while length >= 0x80 {
                result.append(UInt8(truncatingIfNeeded: length | 0x80))
                length >>= 7
            }
            result.append(UInt8(truncatingIfNeeded: length))
            result += file.serialized
        }
        return result
    }
}

/// Gathers a pool's files, linking those that are not linked yet.
private struct PoolBuilder {
    var files: [FileDescriptor] = []
    var filesByName: [String: FileDescriptor] = [:]
    var messages: [String: MessageDescriptor] = [:]
    var services: [String: ServiceDescriptor] = [:]
    var extensionsByName: [String: CarriedField] = [:]
    var extensionsByExtendee: [String: [Int32: CarriedField]] = [:]
    /// The full names of all types and services that were read from a set.
    private var declared: Set<String> = []

    /// Links files in an order in which each comes after those that it imports.
    mutating func link(_ waiting: [(record: FileRecord, bytes: [UInt8])]) throws(SchemaError) {
        var users: [String: [Int]] = [:]
        var missing: [Int] = []
        for (index, file) in waiting.enumerated() {
            let imports = Set(file.record.dependencies)
            missing.append(imports.count)
            for name in imports { users[name, default: []].append(index) }
        }
        var ready = waiting.indices.filter { missing[$0] == 0 }
        var next = 0
        while next < ready.count {
            let file = waiting[ready[next]]
            try add(file.bytes, importing: file.record.dependencies)
            for user in users[file.record.name] ?? [] {
                missing[user] -= 1
                if missing[user] == 0 { ready.append(user) }
            }
            next += 1
        }
        guard next == waiting.count else {
            throw Self.stuck(
                waiting.indices.filter { missing[$0] > 0 }.map { waiting[$0].record }, have: filesByName)
        }
    }

    private mutating func add(_ bytes: [UInt8], importing names: [String]) throws(SchemaError) {
        let file = try FileDescriptor(serialized: bytes, dependencies: names.compactMap { filesByName[$0] })
        guard filesByName[file.name] == nil else {
            throw SchemaError(
                .invalidSchema, "the file \(SchemaError.excerpt(file.name)) is in the set twice")
        }
        let names = file.messages.map(\.fullName) + file.enums.map(\.fullName) + file.services.map(\.fullName)
        for name in names where !declared.insert(name).inserted {
            throw SchemaError(.invalidSchema, "\(name) is declared by two files")
        }
        insert(file)
    }

    mutating func insert(_ file: FileDescriptor) {
        guard filesByName[file.name] == nil else { return }
        files.append(file)
        filesByName[file.name] = file
        for message in file.messages { messages[message.fullName] = message }
        for service in file.services { services[service.fullName] = service }
        for field in file.extensions {
            extensionsByName[field.name] = field
            extensionsByExtendee[field.extendee, default: [:]][field.number] = field
        }
    }

    private static func stuck(_ waiting: [FileRecord], have: [String: FileDescriptor]) -> SchemaError {
        let present = Set(waiting.map(\.name)).union(have.keys)
        for file in waiting {
            if let missing = file.dependencies.first(where: { !present.contains($0) }) {
                return .missingImport(missing, of: file.name)
            }
        }
        let name = SchemaError.excerpt(waiting.first?.name ?? "the set")
        return SchemaError(.invalidSchema, "the imports of \(name) form a cycle")
    }
}
