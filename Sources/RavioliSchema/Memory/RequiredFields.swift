// SPDX-License-Identifier: Apache-2.0

/// Checks proto2's `required` on C structs. protobuf-c is told that every field is optional, because it says NULL
/// without a reason when one is missing.
enum RequiredFields {
    /// Throws with the path of the first required field that is absent, at any depth.
    @inline(__always)
    static func check(
        _ message: UnsafeMutableRawPointer, _ type: MessageDescriptor, _ code: SchemaError.Code
    ) throws(SchemaError) {
        guard type.mayLackRequired, let path = firstMissing(FieldReader(message), type) else { return }
        throw SchemaError(code, "a required value is missing", path: path)
    }

    /// The path of the first required field that is absent; made on the way back, so that finding none costs no text.
    private static func firstMissing(_ message: FieldReader, _ type: MessageDescriptor) -> String? {
        for field in type.fields {
            guard let slot = field.slot else { continue }
            if field.presence == .required, !isPresent(field, slot, in: message) { return field.name }
            guard field.kind == .message, let inner = field.messageType, inner.mayLackRequired else { continue }
            for child in children(of: message, field, slot) {
                if let path = firstMissing(FieldReader(child), inner) { return "\(field.name).\(path)" }
            }
        }
        return nil
    }

    private static func isPresent(_ field: FieldDescriptor, _ slot: MessageLayout.Slot, in message: FieldReader) -> Bool
    {
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
