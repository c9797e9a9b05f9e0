// SPDX-License-Identifier: Apache-2.0

/// Checks proto2's `required` on C structs. protobuf-c is told that every field is optional, because it says NULL
/// without a reason when one is missing. Groups have no struct, so nothing inside them is checked.
enum RequiredFields {
    /// Throws with the path of the first required field that is absent, at any depth.
    @inline(__always)
    static func check(
        _ message: UnsafeMutableRawPointer, _ type: MessageDescriptor, _ code: SchemaError.Code
    ) throws(SchemaError) {
        guard type.mayLackRequired, let missing = firstMissing(in: FieldReader(message), type) else { return }
        throw SchemaError(
            code, "a required value is missing", path: missing.reversed().joined(separator: "."))
    }

    /// The names from the absent field outwards; `nil` if all are there. It goes as deep as the message, which the
    /// depth limit has bounded.
    private static func firstMissing(in message: FieldReader, _ type: MessageDescriptor) -> [String]? {
        for field in type.fieldsToCheck {
            guard let slot = field.slot else { continue }
            if field.kind != .message {
                if !message.isPresent(slot.mark) { return [field.name] }
                continue
            }
            guard let inner = field.messageType else { continue }
            if field.isRepeated {
                for child in message.elements(at: slot.offset, count: slot.mark, as: UnsafeRawPointer.self) {
                    if let missing = firstMissing(in: FieldReader(child), inner) {
                        return missing + [field.name]
                    }
                }
            } else if field.oneofIndex == nil || message.oneofCase(slot.mark) == field.number {
                if let missing = firstMissing(in: message, field, slot, inner) {
                    return missing + [field.name]
                }
            }
        }
        return nil
    }

    /// The same for a singular message field. A map entry without a value has the empty message for one.
    private static func firstMissing(
        in message: FieldReader, _ field: FieldDescriptor, _ slot: MessageLayout.Slot,
        _ inner: MessageDescriptor
    ) -> [String]? {
        if let child = message.load(slot.offset, as: UnsafeRawPointer?.self) {
            return inner.mayLackRequired ? firstMissing(in: FieldReader(child), inner) : nil
        }
        if field.presence == .required { return [] }
        guard field.isValueOfMap else { return nil }
        return inner.fieldsToCheck.first { $0.presence == .required }.map { [$0.name] }
    }
}
