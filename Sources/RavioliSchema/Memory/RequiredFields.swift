// SPDX-License-Identifier: Apache-2.0

/// Checks proto2's `required` on C structs. protobuf-c is told that every field is optional, because it says NULL
/// without a reason when one is missing.
enum RequiredFields {
    /// Throws with the path of the first required field that is absent, at any depth.
    @inline(__always)
    static func check(
        _ message: UnsafeMutableRawPointer, _ type: MessageDescriptor, _ code: SchemaError.Code
    ) throws(SchemaError) {
        guard type.mayLackRequired else { return }
        try walk(FieldReader(message), type, code, path: "")
    }

    private static func walk(
        _ message: FieldReader, _ type: MessageDescriptor, _ code: SchemaError.Code, path: String
    ) throws(SchemaError) {
        for field in type.fields {
            guard let slot = field.slot else { continue }
            let path = path.isEmpty ? field.name : "\(path).\(field.name)"
            if field.presence == .required, !isPresent(field, slot, in: message) {
                throw SchemaError(code, "a required value is missing", path: path)
            }
            guard field.kind == .message, let inner = field.messageType, inner.mayLackRequired else { continue }
            for child in children(of: message, field, slot) {
                try walk(FieldReader(child), inner, code, path: path)
            }
        }
    }

    private static func isPresent(_ field: FieldDescriptor, _ slot: MessageLayout.Slot, in message: FieldReader) -> Bool {
        field.kind == .message
            ? message.load(slot.offset, as: UnsafeRawPointer?.self) != nil : message.isPresent(slot.mark)
    }

    private static func children(
        of message: FieldReader, _ field: FieldDescriptor, _ slot: MessageLayout.Slot
    ) -> [UnsafeRawPointer] {
        if field.isRepeated { return Array(message.elements(at: slot.offset, count: slot.mark)) }
        if field.oneofIndex != nil, message.oneofCase(slot.mark) != field.number { return [] }
        return message.load(slot.offset, as: UnsafeRawPointer?.self).map { [$0] } ?? []
    }
}
