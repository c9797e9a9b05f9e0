// SPDX-License-Identifier: Apache-2.0

/// A service of a schema: its name and its methods.
public final class ServiceDescriptor: Sendable {
    /// The name with its package, as `showroom.catalog.v1.Catalog`.
    public let fullName: String
    /// The methods in order of declaration.
    public let methods: [MethodDescriptor]
    /// The encoded `google.protobuf.ServiceOptions`, custom options included.
    public let options: UnknownFields
    /// The file that declares the service.
    public var file: FileDescriptor { declaringFile! }

    /// Set once, by the file itself, before the file is handed out; constant from then on.
    nonisolated(unsafe) var declaringFile: FileDescriptor?

    init(_ record: ServiceRecord, scope: String, types: TypeScope) throws(SchemaError) {
        let fullName = qualified(record.name, in: scope)
        self.fullName = fullName
        options = try UnknownFields(encoded: Array(record.options))
        var methods: [MethodDescriptor] = []
        var names: Set<String> = []
        for method in record.methods {
            try DescriptorRules.check(method.name, fullName: "\(fullName).\(method.name)")
            guard names.insert(method.name).inserted else {
                throw SchemaError(.invalidSchema, "service \(fullName) has two methods named \(method.name)")
            }
            methods.append(try MethodDescriptor(method, service: fullName, types: types))
        }
        self.methods = methods
    }

    /// The method of this name, case-sensitive; `nil` if there is none.
    public func method(named name: String) -> MethodDescriptor? { methods.first { $0.name == name } }
}

/// A method of a service.
public final class MethodDescriptor: Sendable {
    /// What a method promises about being executed again: `google.protobuf.MethodOptions.IdempotencyLevel`.
    public enum Idempotency: UInt64, Sendable, Hashable {
        /// Nothing is promised: execute at most once.
        case unknown = 0
        /// Reads only; may be repeated, hedged and sent as HTTP GET.
        case noSideEffects = 1
        /// Executing it twice has the effect of executing it once.
        case idempotent = 2
    }

    /// The name inside the service, as `GetVehicle`.
    public let name: String
    /// The full name of the service.
    public let serviceName: String
    /// What the caller sends: one, or a stream of them.
    public let input: MessageDescriptor
    /// What the service answers: one, or a stream of them.
    public let output: MessageDescriptor
    /// Whether the caller sends a stream of messages.
    public let clientStreaming: Bool
    /// Whether the service answers with a stream of messages.
    public let serverStreaming: Bool
    /// What the schema promises about executing it again.
    public let idempotency: Idempotency
    /// Whether the schema says `deprecated`.
    public let isDeprecated: Bool
    /// The encoded `google.protobuf.MethodOptions`, custom options included.
    public let options: UnknownFields

    /// `service/method`, as it goes over the wire and into URLs.
    public var path: String { "\(serviceName)/\(name)" }

    init(_ record: MethodRecord, service: String, types: TypeScope) throws(SchemaError) {
        name = record.name
        serviceName = service
        input = try types.message(record.inputType, for: "\(service).\(record.name)")
        output = try types.message(record.outputType, for: "\(service).\(record.name)")
        clientStreaming = record.clientStreaming
        serverStreaming = record.serverStreaming
        options = try UnknownFields(encoded: Array(record.options))
        idempotency = options.lastVarint(numbered: 34).flatMap(Idempotency.init(rawValue:)) ?? .unknown
        isDeprecated = options.lastVarint(numbered: 33) == 1
    }
}

extension UnknownFields {
    /// The value of a singular varint field, such as an option.
    func lastVarint(numbered number: Int32) -> UInt64? {
        records(numbered: number).compactMap { if case .varint(let value) = $0.value { value } else { nil } }
            .last
    }
}
