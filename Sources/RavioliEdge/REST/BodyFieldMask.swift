// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The fields that a JSON body names, as the paths of a field mask: what a PATCH without a mask means to change.
///
/// Only for text that has been read as a message already: it is walked, not checked.
struct BodyFieldMask {
    private let text: UnsafeRawBufferPointer
    private var position = 0
    private var paths: [String] = []

    /// The paths, by the names in the `.proto` file, in the order of the body. Messages are gone into, down to what is
    /// a value, a list, a map, or an empty object.
    static func paths(in text: UnsafeRawBufferPointer, as type: MessageDescriptor) -> [String] {
        var walk = BodyFieldMask(text: text)
        walk.skipSpace()
        walk.object(type, prefix: "")
        return walk.paths
    }

    private init(text: UnsafeRawBufferPointer) { self.text = text }

    private var next: UInt8 { position < text.count ? text[position] : 0 }

    private mutating func skipSpace() {
        while [0x20, 0x09, 0x0a, 0x0d].contains(next) { position += 1 }
    }

    /// Walks the members of an object. Returns whether there were any.
    @discardableResult
    private mutating func object(_ type: MessageDescriptor, prefix: String) -> Bool {
        guard next == UInt8(ascii: "{") else {
            skipValue()
            return false
        }
        position += 1
        skipSpace()
        var isEmpty = true
        while next != UInt8(ascii: "}"), position < text.count {
            isEmpty = false
            let name = key()
            skipSpace()
            position += 1
            skipSpace()
            member(type.field(named: name), prefix: prefix)
            skipSpace()
            if next == UInt8(ascii: ",") { position += 1 }
            skipSpace()
        }
        position += 1
        return !isEmpty
    }

    private mutating func member(_ field: FieldDescriptor?, prefix: String) {
        guard let field else { return skipValue() }
        let path = prefix + field.name
        let isMessage = field.kind == .message && !field.isRepeated && next == UInt8(ascii: "{")
        if isMessage, let type = field.messageType, type.form == .ordinary {
            if object(type, prefix: path + ".") { return }
        } else {
            skipValue()
        }
        paths.append(path)
    }

    // MARK: Tokens

    /// A key, its escapes decoded by the one who knows them.
    private mutating func key() -> String {
        let start = position
        skipString()
        let raw = text[start..<position]
        let inner = raw.dropFirst().dropLast()
        if !inner.contains(UInt8(ascii: "\\")) { return String(decoding: inner, as: UTF8.self) }
        return Self.unescaped(Array(raw))
    }

    private static func unescaped(_ quoted: [UInt8]) -> String {
        guard let type = GoogleProtobufWrappersSchema.file.message(named: "google.protobuf.StringValue"),
            let encoded = try? JSONTranscoder.encoded(fromJSON: quoted, as: type),
            case .bytes(let text)? = encoded.lastValue(of: Array(type.fields.prefix(1)))
        else { return "" }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func skipString() {
        position += 1
        while position < text.count, next != UInt8(ascii: "\"") {
            position += next == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
    }

    /// Passes over one value, counting brackets.
    private mutating func skipValue() {
        var depth = 0
        repeat {
            switch next {
            case UInt8(ascii: "\""): skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: skipWord()
            }
        } while depth > 0 && position < text.count
    }

    private mutating func skipWord() {
        let ends: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0a, 0x0d]
        while position < text.count, !ends.contains(next) { position += 1 }
    }
}
