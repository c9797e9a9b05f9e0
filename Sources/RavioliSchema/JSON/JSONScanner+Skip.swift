// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// Takes any value without using it. It is checked and counted like any other: syntax, depth, elements.
    mutating func skipValue() throws(SchemaError) {
        // One bit for each open container, the innermost lowest: whether it is an object.
        var open: UInt128 = 0
        var openCount = 0
        while true {
            skipSpace()
            try charge(0)
            let byte = next
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                guard depth + openCount < limits.depthMax else { throw tooDeep() }
                let isObject = byte == UInt8(ascii: "{")
                cursor += 1
                skipSpace()
                if next != Self.closing(isObject) {
                    open = open << 1 | (isObject ? 1 : 0)
                    openCount += 1
                    if isObject { try skipKey() }
                    continue
                }
                cursor += 1
            } else {
                try skipScalar(byte)
            }
            // A value has ended; it may end containers around it.
            while true {
                guard openCount > 0 else { return }
                let isObject = open & 1 == 1
                if try continues(before: Self.closing(isObject)) {
                    if isObject { try skipKey() }
                    break
                }
                open >>= 1
                openCount -= 1
            }
        }
    }

    private static func closing(_ isObject: Bool) -> UInt8 {
        isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    }

    private mutating func skipKey() throws(SchemaError) {
        _ = try string("a key")
        try colon()
    }

    private mutating func skipScalar(_ byte: UInt8) throws(SchemaError) {
        switch byte {
        case UInt8(ascii: "\""): _ = try string("a string")
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
        case UInt8(ascii: "n"): try literal("null", "null")
        default:
            guard let number = JSONNumber(at: cursor, before: end) else { throw expected("a JSON value") }
            cursor = number.end
        }
    }
}
