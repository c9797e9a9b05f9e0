// SPDX-License-Identifier: Apache-2.0

/// Checks that bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629, section 4).
enum UTF8Check {
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The position of the first byte that does not belong to valid UTF-8; `nil` if all do.
    @inline(__always)
    static func firstInvalid(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let start = UnsafeRawPointer(bytes.baseAddress) else { return nil }
        let count = bytes.count
        var position = 0
        while position &+ 8 <= count {
            guard isASCII(start + position, UInt64.self) else {
                return firstInvalid(in: bytes, from: position)
            }
            position &+= 8
        }
        // The rest in one or two loads that may overlap what has been seen: a loop over it would be mispredicted.
        let isRestASCII =
            if position == count { true } else if count >= 8 {
                isASCII(start + (count &- 8), UInt64.self)
            } else if count >= 4 {
                isASCII(start, UInt32.self) && isASCII(start + (count &- 4), UInt32.self)
            } else { bytes[0] | bytes[count / 2] | bytes[count &- 1] < 0x80 }
        return isRestASCII ? nil : firstInvalid(in: bytes, from: position)
    }

    @inline(__always)
    private static func isASCII<Word: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawPointer, _: Word.Type
    ) -> Bool {
        bytes.loadUnaligned(as: Word.self) & Word(truncatingIfNeeded: highBits) == 0
    }

    @inline(never)
    private static func firstInvalid(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        var position = start
        while position < bytes.count {
            let length = sequenceLength(bytes, at: position)
            guard length > 0 else { return position }
            position &+= length
        }
        return nil
    }

    /// How many bytes the valid sequence at `position` has; 0 if there is none.
    @inline(__always)
    static func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
        let first = bytes[position]
        if first < 0x80 { return 1 }
        let rest = bytes.count &- position
        func tail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xbf) -> Bool {
            offset < rest && range.contains(bytes[position &+ offset])
        }
        switch first {
        case 0xc2...0xdf: return tail(1) ? 2 : 0
        case 0xe0: return tail(1, 0xa0...0xbf) && tail(2) ? 3 : 0
        case 0xed: return tail(1, 0x80...0x9f) && tail(2) ? 3 : 0
        case 0xe1...0xef: return tail(1) && tail(2) ? 3 : 0
        case 0xf0: return tail(1, 0x90...0xbf) && tail(2) && tail(3) ? 4 : 0
        case 0xf4: return tail(1, 0x80...0x8f) && tail(2) && tail(3) ? 4 : 0
        case 0xf1...0xf3: return tail(1) && tail(2) && tail(3) ? 4 : 0
        default: return 0
        }
    }
}
