// SPDX-License-Identifier: Apache-2.0

/// How a message is printed as JSON. Everything is off by default: the output is then what the ProtoJSON guide asks for.
public struct JSONEncodingOptions: Sendable {
    /// Whether fields without presence are printed at their default: zeros, empty strings, enums at zero, empty lists
    /// and maps. Fields with presence (`optional`, members of a oneof, messages) stay absent when they are not set.
    public var emitsFieldsWithoutPresence = false
    /// Whether keys are the names in the `.proto` file instead of the lowerCamelCase names.
    public var usesOriginalNames = false
    /// Whether enums are printed as numbers instead of names.
    public var printsEnumsAsNumbers = false
    /// Whether 64-bit integers are printed as numbers instead of strings. Not standard: most clients read such
    /// numbers exactly only below 2^53.
    public var prints64BitIntegersAsNumbers = false
    /// Whether a `google.protobuf.Any` whose type is unknown, or whose bytes are broken, is printed as its type and its
    /// bytes in base64 instead of failing. For error details, so that the original error still gets out.
    public var printsUnresolvedAnyAsBase64 = false
    /// Where the types inside `google.protobuf.Any`, and extensions, are looked up first; then in the message's own file, in its imports
    /// and among the well-known types.
    public var types = DescriptorPool()

    /// What the ProtoJSON guide asks for.
    public static var defaults: JSONEncodingOptions { JSONEncodingOptions() }

    /// The documented defaults.
    public init() {}
}

/// How JSON is read into a message. Everything is off by default: the strict reading of the ProtoJSON guide.
public struct JSONDecodingOptions: Sendable {
    /// Whether unknown keys and unknown enum names are skipped instead of refused. What is skipped is still checked
    /// for syntax and counts towards the limits.
    public var ignoresUnknown = false
    /// Whether the last one wins when a key, a map key or a oneof is given twice, instead of refusing it. For foreign
    /// senders that send both spellings of a name.
    public var acceptsDuplicates = false
    /// Where the types inside `google.protobuf.Any`, and extensions, are looked up first; then in the message's own file, in its imports
    /// and among the well-known types.
    public var types = DescriptorPool()

    /// The strict reading.
    public static var defaults: JSONDecodingOptions { JSONDecodingOptions() }

    /// The documented defaults.
    public init() {}
}
