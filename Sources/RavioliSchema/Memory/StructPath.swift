// SPDX-License-Identifier: Apache-2.0

/// Names the place of a struct inside a message, for errors about it.
enum StructPath {
    /// The path from the message at `message` to the struct at `target`, as `items.price`; empty if it is not inside.
    static func path(
        to target: UnsafeRawPointer, in message: UnsafeRawPointer, _ type: MessageDescriptor
    ) -> String {
        names(to: target, FieldReader(message), type)?.reversed().joined(separator: ".") ?? ""
    }

    /// The names from the struct outwards. It goes as deep as structs have been made, which the depth limit has
    /// bounded.
    private static func names(
        to target: UnsafeRawPointer, _ message: FieldReader, _ type: MessageDescriptor
    ) -> [String]? {
        if message.base == target { return [] }
        for field in type.fields where field.kind == .message {
            guard let slot = field.slot, let inner = field.messageType else { continue }
            if field.oneofIndex != nil, message.oneofCase(slot.mark) != field.number { continue }
            let single = message.load(slot.offset, as: UnsafeRawPointer?.self)
            let children: [UnsafeRawPointer?] =
                field.isRepeated ? Array(message.elements(at: slot.offset, count: slot.mark)) : [single]
            for case let child? in children {
                if let found = names(to: target, FieldReader(child), inner) { return found + [field.name] }
            }
        }
        return nil
    }
}
