// SPDX-License-Identifier: Apache-2.0

/// An enum type of a schema.
public final class EnumDescriptor: Sendable {
    /// One declared name of a number.
    public struct Value: Sendable, Hashable {
        /// The name in the `.proto` file.
        public let name: String
        /// The number on the wire; aliases share one.
        public let number: Int32
    }

    /// The name with its package, as `showroom.catalog.v1.Fuel`.
    public let fullName: String
    /// All declared names in order of declaration, aliases included.
    public let values: [Value]
    /// Whether numbers without a name are unknown fields (proto2) instead of values.
    public let isClosed: Bool
    /// The encoded `google.protobuf.EnumOptions`, custom options included.
    public let options: UnknownFields

    /// The JSON codec's table, which lives as long as the process.
    nonisolated(unsafe) let json: UnsafePointer<JSONEnum>

    private let byNumber: [Int32: String]
    private let byName: [String: Int32]

    init(_ record: EnumRecord, scope: String, features: FeatureSet) throws(SchemaError) {
        fullName = qualified(record.name, in: scope)
        guard !record.values.isEmpty else {
            throw SchemaError(.invalidSchema, "enum \(fullName) has no values")
        }
        values = record.values.map { Value(name: $0.name, number: $0.number) }
        isClosed = try features.overridden(by: record.options, at: 7).enumType == .closed
        options = try UnknownFields(encoded: Array(record.options))
        byNumber = Dictionary(values.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
        byName = Dictionary(values.map { ($0.name, $0.number) }, uniquingKeysWith: { first, _ in first })
        json = JSONEnum.make(values, isClosed: isClosed, fullName: fullName)
    }

    /// The first declared name of a number; `nil` if it has none.
    public func name(of number: Int32) -> String? { byNumber[number] }

    /// The number of a name or alias; `nil` if there is no such name.
    public func number(named name: String) -> Int32? { byName[name] }
}

/// `name` inside a package or message type.
func qualified(_ name: String, in scope: String) -> String {
    scope.isEmpty ? name : "\(scope).\(name)"
}
