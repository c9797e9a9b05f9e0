// SPDX-License-Identifier: Apache-2.0

/// JSON text while it is being printed, in arena memory that grows by moving to twice the room.
///
/// Most methods write without looking at the room that is left: ``reserve(_:)`` comes before them, once for several.
struct JSONBuffer {
    private var start: UnsafeMutablePointer<UInt8>
    private(set) var cursor: UnsafeMutablePointer<UInt8>
    private var end: UnsafeMutablePointer<UInt8>
    private let arena: Arena
    /// How large the text may become, in bytes.
    private let bytesMax: Int

    private static let firstSize = 1 << 10

    init(bytesMax: Int, arena: Arena) throws(SchemaError) {
        guard let memory = Arena.allocate(Self.firstSize, from: arena.state) else {
            throw Self.outOfMemory(bytesMax)
        }
        start = memory.assumingMemoryBound(to: UInt8.self)
        cursor = start
        end = start + Self.firstSize
        self.arena = arena
        self.bytesMax = bytesMax
    }

    /// What was printed, valid until the arena is reset.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: cursor - start) }

    private static func outOfMemory(_ bytesMax: Int) -> SchemaError {
        SchemaError(.limitExceeded, "the JSON text is over its limit of \(bytesMax) bytes")
    }

    /// Makes room for `count` more bytes.
    @inline(__always)
    mutating func reserve(_ count: Int) throws(SchemaError) {
        if end - cursor < count { try grow(count) }
    }

    @inline(never)
    private mutating func grow(_ count: Int) throws(SchemaError) {
        let used = cursor - start
        let needed = used.addingSaturated(count)
        guard needed <= bytesMax else { throw Self.outOfMemory(bytesMax) }
        let size = max(needed, min((end - start) * 2, bytesMax))
        guard let memory = Arena.allocate(size, from: arena.state) else { throw Self.outOfMemory(bytesMax) }
        memory.copyMemory(from: start, byteCount: used)
        start = memory.assumingMemoryBound(to: UInt8.self)
        cursor = start + used
        end = start + size
    }

    // MARK: Into reserved room

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        cursor.pointee = byte
        cursor += 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        cursor.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        cursor += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        cursor.update(from: source, count: bytes.count)
        cursor += bytes.count
    }

    /// Takes back the last byte.
    mutating func dropLast() { if cursor > start { cursor -= 1 } }

    /// At most 20 bytes.
    @inline(__always)
    mutating func put(_ value: UInt64) {
        if value < 10 { return put(UInt8(truncatingIfNeeded: value) | 0x30) }
        let count = Self.digitCount(value)
        cursor += count
        var target = cursor
        var rest = value
        let pairs = Self.pairs.utf8Start
        while rest >= 100 {
            let pair = Int(rest % 100) &* 2
            rest /= 100
            target -= 2
            target[0] = pairs[pair]
            target[1] = pairs[pair &+ 1]
        }
        if rest >= 10 {
            target[-1] = pairs[Int(rest) &* 2 &+ 1]
            target[-2] = pairs[Int(rest) &* 2]
        } else {
            target[-1] = UInt8(truncatingIfNeeded: rest) | 0x30
        }
    }

    /// At most 20 bytes.
    @inline(__always)
    mutating func put(_ value: Int64) {
        if value < 0 { put(UInt8(ascii: "-")) }
        put(value.magnitude)
    }

    /// With zeros in front, `count` digits.
    mutating func put(_ value: Int64, digits count: Int) {
        var rest = value
        for position in (0..<count).reversed() {
            cursor[position] = UInt8(truncatingIfNeeded: rest % 10) | 0x30
            rest /= 10
        }
        cursor += count
    }

    @inline(__always)
    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while value >= limit {
            count &+= 1
            if count == 20 { break }
            limit &*= 10
        }
        return count
    }

    private static let pairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    // MARK: Strings

    /// Prints UTF-8 text as a JSON string: quotes, backslashes and control characters escaped, all else as it is.
    @inline(__always)
    mutating func putString(_ text: UnsafeRawBufferPointer) throws(SchemaError) {
        try reserve(text.count &+ 10)
        put(UInt8(ascii: "\""))
        var position = 0
        while text.count &- position >= 8 {
            let word = text.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
            guard JSONText.specials(in: word) == 0 else { break }
            UnsafeMutableRawPointer(cursor).storeBytes(of: word.littleEndian, as: UInt64.self)
            cursor += 8
            position &+= 8
        }
        while position < text.count {
            let byte = text[position]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else {
                return try putEscaped(text, from: position)
            }
            put(byte)
            position &+= 1
        }
        put(UInt8(ascii: "\""))
    }

    /// The long way, for text with something to escape.
    @inline(never)
    private mutating func putEscaped(_ text: UnsafeRawBufferPointer, from first: Int) throws(SchemaError) {
        var position = first
        while position < text.count {
            let byte = text[position]
            position &+= 1
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                put(byte)
                continue
            }
            // Six bytes for this one, one for each that follows, and the closing quote.
            try reserve(text.count &- position &+ 8)
            putEscape(byte)
        }
        put(UInt8(ascii: "\""))
    }

    private mutating func putEscape(_ byte: UInt8) {
        let letter = JSONText.shortEscape(of: byte)
        put(UInt8(ascii: "\\"))
        guard letter == 0 else { return put(letter) }
        put("u00")
        let digits: StaticString = "0123456789abcdef"
        put(digits.utf8Start[Int(byte >> 4)])
        put(digits.utf8Start[Int(byte & 15)])
    }

    /// Prints bytes as a string in standard base64, padded.
    mutating func putBase64(_ bytes: UnsafeRawBufferPointer) throws(SchemaError) {
        let size = Base64.encodedSize(bytes.count)
        try reserve(size + 3)
        put(UInt8(ascii: "\""))
        Base64.encode(bytes, into: cursor)
        cursor += size
        put(UInt8(ascii: "\""))
    }
}
