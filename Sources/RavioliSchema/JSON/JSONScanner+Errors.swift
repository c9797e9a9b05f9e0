// SPDX-License-Identifier: Apache-2.0

// Errors name the place by line and column, since people write JSON by hand. Both are counted only when an error is
// made. Kept out of line, so that the common path stays short.
extension JSONScanner {
    /// The place of `cursor`, counted from 1; a column is a character, not a byte.
    private var place: String {
        var line = 1
        var column = 1
        var position = start
        while position < cursor, position < end {
            if position.pointee == 0x0a {
                line += 1
                column = 1
            } else if position.pointee & 0xc0 != 0x80 {
                column += 1
            }
            position += 1
        }
        return "line \(line), column \(column)"
    }

    /// What stands at `cursor`, in words.
    private var found: String {
        switch next {
        case _ where cursor >= end: "the end of the text"
        case UInt8(ascii: "{"): "an object"
        case UInt8(ascii: "["): "an array"
        case UInt8(ascii: "\""): "a string"
        case UInt8(ascii: "n"): "null"
        case UInt8(ascii: "t"), UInt8(ascii: "f"): "a word"
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): "a number"
        case 0x21...0x7e: "'\(Unicode.Scalar(next))'"
        default: "an unexpected byte"
        }
    }

    @inline(never)
    func malformed(_ what: String) -> SchemaError {
        SchemaError(.invalidData, "\(what) (\(place))", path: path.text, offset: cursor - start)
    }

    @inline(never)
    func expected(_ what: StaticString) -> SchemaError { malformed("expected \(what), found \(found)") }

    /// A refusal of the value that started at `value`.
    @inline(never)
    mutating func refused(_ what: String, at value: UnsafePointer<UInt8>) -> SchemaError {
        cursor = value
        return malformed(what)
    }

    @inline(never)
    func tooDeep() -> SchemaError {
        SchemaError(
            .limitExceeded, "nested deeper than \(limits.depthMax) levels (\(place))", path: path.text,
            offset: cursor - start)
    }

    @inline(never)
    func outOfMemory() -> SchemaError {
        SchemaError(
            .limitExceeded, "decoding needs more memory than its budget (\(place))", path: path.text,
            offset: cursor - start)
    }

    @inline(never)
    func overBudget() -> SchemaError {
        let what =
            elements > limits.elementsMax
            ? "more than \(limits.elementsMax) elements"
            : "decoding needs more than \(limits.decodedBytesMax) bytes"
        return SchemaError(.limitExceeded, "\(what) (\(place))", path: path.text, offset: cursor - start)
    }
}
