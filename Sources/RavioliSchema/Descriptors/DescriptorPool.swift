// SPDX-License-Identifier: Apache-2.0

/// A set of files that were read at run time, as from `protoc --descriptor_set_out` or a server's reflection.
public struct DescriptorPool: Sendable {
    /// The files, each after those that it imports.
    public private(set) var files: [FileDescriptor] = []

    private var filesByName: [String: FileDescriptor] = [:]
    private var messages: [String: MessageDescriptor] = [:]
    private var services: [String: ServiceDescriptor] = [:]

    /// A pool of files that are linked already, with all that they import.
    public init(_ files: [FileDescriptor] = []) {
        for file in files { for needed in file.withDependencies { insert(needed) } }
    }

    /// Reads an encoded `google.protobuf.FileDescriptorSet`, in any order; it may come from a peer.
    ///
    /// - Throws: ``SchemaError/Code/invalidSchema`` if imports are missing or form a cycle, or a file contradicts
    ///   itself or another.
    public init(fileDescriptorSet: [UInt8]) throws(SchemaError) {
        var waiting: [(record: FileRecord, bytes: [UInt8])] = []
        var records = WireRecords(fileDescriptorSet)
        while let record = try records.next() {
            guard case (1, .bytes(let bytes)) = (record.number, record.value) else { continue }
            waiting.append((try FileRecord(Array(bytes)), Array(bytes)))
        }
        // Files whose imports are all here are linked in rounds; a round without progress means that one is missing.
        while !waiting.isEmpty {
            let ready = waiting.filter { $0.record.dependencies.allSatisfy { filesByName[$0] != nil } }
            waiting.removeAll { $0.record.dependencies.allSatisfy { filesByName[$0] != nil } }
            guard !ready.isEmpty else { throw Self.stuck(waiting.map(\.record), have: filesByName) }
            for (record, bytes) in ready { try add(bytes, importing: record.dependencies) }
        }
    }

    /// The message type of this full name; `nil` if no file declares it.
    public func message(named fullName: String) -> MessageDescriptor? { messages[fullName] }
    /// The service of this full name; `nil` if no file declares it.
    public func service(named fullName: String) -> ServiceDescriptor? { services[fullName] }
    /// The file of this import path.
    public func file(named name: String) -> FileDescriptor? { filesByName[name] }
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

    private mutating func add(_ bytes: [UInt8], importing names: [String]) throws(SchemaError) {
        let file = try FileDescriptor(serialized: bytes, dependencies: names.compactMap { filesByName[$0] })
        guard filesByName[file.name] == nil else {
            throw SchemaError(.invalidSchema, "the file \(file.name) is in the set twice")
        }
        for message in file.messages where messages[message.fullName] != nil {
            throw SchemaError(.invalidSchema, "\(message.fullName) is declared by two files")
        }
        insert(file)
    }

    private mutating func insert(_ file: FileDescriptor) {
        guard filesByName[file.name] == nil else { return }
        files.append(file)
        filesByName[file.name] = file
        for message in file.messages { messages[message.fullName] = message }
        for service in file.services { services[service.fullName] = service }
    }

    private static func stuck(_ waiting: [FileRecord], have: [String: FileDescriptor]) -> SchemaError {
        let present = Set(waiting.map(\.name)).union(have.keys)
        for file in waiting {
            if let missing = file.dependencies.first(where: { !present.contains($0) }) {
                return SchemaError(.invalidSchema, "\(file.name) imports \(missing), which is missing")
            }
        }
        return SchemaError(.invalidSchema, "the imports of \(waiting.first?.name ?? "the set") form a cycle")
    }
}
