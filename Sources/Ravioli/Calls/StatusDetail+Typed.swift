// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

extension StatusDetail {
    /// A detail that holds a message.
    public init<Detail: Message>(_ message: Detail) throws(SchemaError) {
        self.init(
            typeURL: "type.googleapis.com/" + Detail.descriptor.fullName, value: try message.encoded())
    }

    /// The message, decoded with the guard as any payload; nil when the detail is of another type.
    public func message<Detail: Message>(as type: Detail.Type = Detail.self) throws(SchemaError) -> Detail? {
        guard typeName == Detail.descriptor.fullName else { return nil }
        return try Detail(decoding: value)
    }
}
