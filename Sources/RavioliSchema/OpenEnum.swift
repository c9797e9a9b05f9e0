// SPDX-License-Identifier: Apache-2.0

/// An enum of a schema as a Swift value. It is a number with names: numbers that the schema does not know are kept,
/// so that a value from a newer peer passes through unharmed. Generated code conforms to it.
public protocol OpenEnum: RawRepresentable, Sendable, Hashable, CustomStringConvertible
where RawValue == Int32 {
    /// Takes any number, known or not.
    init(rawValue: Int32)
    /// The schema's enum type.
    static var descriptor: EnumDescriptor { get }
}

extension OpenEnum {
    /// The first name declared for the number, as in the `.proto` file; the number if it has none.
    public var description: String { Self.descriptor.name(of: rawValue) ?? String(rawValue) }
}
