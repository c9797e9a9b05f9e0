// SPDX-License-Identifier: Apache-2.0

/// What `syntax` or `edition` and the `features` options decide about a field. proto2 and proto3 are two fixed
/// sets of features, so everything behind this type knows features only.
/// Source: protobuf.dev, "Feature Settings for Editions"; `google.protobuf.FeatureSet`.
struct FeatureSet: Hashable, Sendable {
    enum FieldPresence: UInt64 { case explicit = 1, implicit, legacyRequired }
    enum EnumType: UInt64 { case open = 1, closed }
    enum RepeatedEncoding: UInt64 { case packed = 1, expanded }
    enum MessageEncoding: UInt64 { case lengthPrefixed = 1, delimited }

    var presence: FieldPresence
    var enumType: EnumType
    var repeatedEncoding: RepeatedEncoding
    var messageEncoding: MessageEncoding

    static let proto2 = FeatureSet(
        presence: .explicit, enumType: .closed, repeatedEncoding: .expanded, messageEncoding: .lengthPrefixed)
    static let proto3 = FeatureSet(
        presence: .implicit, enumType: .open, repeatedEncoding: .packed, messageEncoding: .lengthPrefixed)
    static let edition2023 = FeatureSet(
        presence: .explicit, enumType: .open, repeatedEncoding: .packed, messageEncoding: .lengthPrefixed)

    /// The number of `EDITION_2023` in `google.protobuf.Edition`.
    private static let edition2023Number: UInt64 = 1000

    init(
        presence: FieldPresence, enumType: EnumType, repeatedEncoding: RepeatedEncoding,
        messageEncoding: MessageEncoding
    ) {
        self.presence = presence
        self.enumType = enumType
        self.repeatedEncoding = repeatedEncoding
        self.messageEncoding = messageEncoding
    }

    /// The defaults of a file's `syntax` and `edition`.
    init(syntax: String, edition: UInt64) throws(SchemaError) {
        switch syntax {
        case "", "proto2": self = .proto2
        case "proto3": self = .proto3
        case "editions" where edition == Self.edition2023Number: self = .edition2023
        case "editions":
            throw SchemaError(.invalidSchema, "edition \(edition) is not supported; 2023 (1000) is")
        default:
            throw SchemaError(.invalidSchema, "syntax \"\(SchemaError.excerpt(syntax))\" is not supported")
        }
    }

    /// Overrides by the `features` field, of this number, in an options message.
    func overridden(by options: ArraySlice<UInt8>, at number: Int32) throws(SchemaError) -> FeatureSet {
        var result = self
        var records = WireRecords(options)
        while let record = try records.next() {
            guard record.number == number, case .bytes(let features) = record.value else { continue }
            try result.merge(features)
        }
        return result
    }

    private mutating func merge(_ features: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(features)
        while let record = try records.next() {
            guard case .varint(let value) = record.value else { continue }
            switch record.number {
            case 1: presence = FieldPresence(rawValue: value) ?? presence
            case 2: enumType = EnumType(rawValue: value) ?? enumType
            case 3: repeatedEncoding = RepeatedEncoding(rawValue: value) ?? repeatedEncoding
            case 5: messageEncoding = MessageEncoding(rawValue: value) ?? messageEncoding
            default: break
            }
        }
    }
}
