// SPDX-License-Identifier: Apache-2.0
//
// The strict reading of JSON text (RFC 8259) over UTF-8 bytes. Every read is bounded by `end`. Strings without
// escapes are not copied: their bytes are used where they stand in the text, which outlives the C structs.

/// Reads JSON text token by token and counts what it costs.
struct JSONScanner {
    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var cursor: UnsafePointer<UInt8>
    let arena: Arena
    let limits: SchemaLimits
    /// How many messages and lists are open around the value at hand.
    var depth = 0
    /// How many more fields, elements and entries may be read; negative once there were too many.
    private var elementsLeft: Int
    /// How many more bytes the message may take in memory; negative once it took too many.
    private var bytesLeft: Int
    var path: JSONPath
    /// Memory that was cleared, from the first byte that was not taken then.
    private var zeroed: (start: UnsafeMutableRawPointer, end: UnsafeMutableRawPointer)

    init(_ bytes: UnsafeRawBufferPointer, limits: SchemaLimits, arena: Arena) throws(SchemaError) {
        guard bytes.count <= limits.jsonBytesMax else {
            throw SchemaError(
                .limitExceeded,
                "JSON text of \(bytes.count) bytes is over the limit of \(limits.jsonBytesMax)")
        }
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            throw SchemaError(.invalidData, "expected a JSON value, found nothing", offset: 0)
        }
        start = base.assumingMemoryBound(to: UInt8.self)
        end = start + bytes.count
        cursor = start
        self.arena = arena
        self.limits = limits
        elementsLeft = max(limits.elementsMax, 0)
        bytesLeft = max(limits.decodedBytesMax, -1)
        zeroed = (arena.state.pointee.cursor, arena.state.pointee.cursor)
        path = try JSONPath(depthMax: limits.depthMax, arena: arena)
    }

    // MARK: Cost

    /// How many fields, elements and entries were read.
    var elements: Int { max(limits.elementsMax, 0) &- elementsLeft }
    /// What the message takes in memory so far, in bytes.
    var decodedBytes: Int { max(limits.decodedBytesMax, -1) &- bytesLeft }

    /// Counts an element that takes so many bytes in memory.
    @inline(__always)
    mutating func charge(_ bytes: Int) throws(SchemaError) {
        if !isCharged(bytes) { throw overBudget() }
    }

    /// Counts an element that takes so many bytes in memory; false if that is too much, and then always.
    @inline(__always)
    mutating func isCharged(_ bytes: Int) -> Bool {
        elementsLeft &-= 1
        bytesLeft &-= bytes
        return elementsLeft | bytesLeft >= 0
    }

    /// Counts memory that an element takes beside its place.
    @inline(__always)
    mutating func charge(contents bytes: Int) throws(SchemaError) {
        bytesLeft &-= bytes
        if bytesLeft < 0 { throw overBudget() }
    }

    @inline(__always)
    mutating func enter() throws(SchemaError) {
        guard depth < limits.depthMax else { throw tooDeep() }
        depth &+= 1
    }

    @inline(__always)
    mutating func leave() { depth &-= 1 }

    /// Takes memory, which the caller has charged for.
    @inline(__always)
    mutating func allocate(_ count: Int) throws(SchemaError) -> UnsafeMutableRawPointer {
        guard let memory = Arena.allocate(count, from: arena.state) else { throw outOfMemory() }
        return memory
    }

    /// Takes memory for a struct, all zeros. A few structs' worth are cleared at a time: most are small, and whatever is
    /// taken next lies behind.
    @inline(__always)
    mutating func allocateZeroed(_ count: Int) throws(SchemaError) -> UnsafeMutableRawPointer {
        let memory = try allocate(count)
        if memory < zeroed.start || memory + count > zeroed.end { clear(from: memory, count) }
        return memory
    }

    @inline(never)
    private mutating func clear(from memory: UnsafeMutableRawPointer, _ count: Int) {
        // What lies behind the cursor is nobody's. A block of its own has nothing behind it.
        let isLast = memory + ((count &+ 7) & ~7) == arena.state.pointee.cursor
        let room = isLast ? arena.state.pointee.end - memory : count
        let size = max(count, min(Self.zeroedAhead, room))
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        zeroed = (memory, memory + size)
    }

    /// In bytes.
    private static let zeroedAhead = 512

    // MARK: Punctuation

    /// The next byte, 0 at the end: NUL is nowhere legal in JSON text.
    @inline(__always)
    var next: UInt8 { cursor < end ? cursor.pointee : 0 }

    @inline(__always)
    mutating func skipSpace() {
        while cursor < end, cursor.pointee <= 0x20, Self.isSpace(cursor.pointee) { cursor += 1 }
    }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    /// Takes the opening bracket and the space behind it. Returns whether the closing one follows, which it takes too.
    @inline(__always)
    mutating func open(_ bracket: UInt8, _ closing: UInt8, _ what: StaticString) throws(SchemaError) -> Bool {
        guard next == bracket else { throw expected(what) }
        cursor += 1
        skipSpace()
        guard next == closing else { return false }
        cursor += 1
        return true
    }

    /// Takes the comma before another member, or the closing bracket. Returns whether another member follows.
    @inline(__always)
    mutating func continues(before closing: UInt8) throws(SchemaError) -> Bool {
        skipSpace()
        let byte = next
        guard byte == UInt8(ascii: ",") || byte == closing else {
            throw expected(closing == UInt8(ascii: "}") ? "',' or '}'" : "',' or ']'")
        }
        cursor += 1
        guard byte != closing else { return false }
        skipSpace()
        return true
    }

    /// Takes the colon behind a key and the space around it.
    @inline(__always)
    mutating func colon() throws(SchemaError) {
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw expected("':'") }
        cursor += 1
        skipSpace()
    }

    /// Takes `null`, `true` or `false`; what follows must not continue the word.
    mutating func literal(_ word: StaticString, _ what: StaticString) throws(SchemaError) {
        let count = word.utf8CodeUnitCount
        guard end - cursor >= count, equalBytes(cursor, word.utf8Start, count) else { throw expected(what) }
        cursor += count
    }

    @inline(__always)
    mutating func bool() throws(SchemaError) -> Bool {
        let isTrue = next == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false", "true or false")
        return isTrue
    }

    // MARK: Strings

    /// Takes a string and returns its decoded bytes, which are valid UTF-8 and stay valid as long as text and arena.
    @inline(__always)
    mutating func string(_ what: StaticString) throws(SchemaError) -> UnsafeBufferPointer<UInt8> {
        guard next == UInt8(ascii: "\"") else { throw expected(what) }
        let contents = cursor + 1
        if let quote = plainEnd(of: contents) {
            cursor = quote + 1
            return UnsafeBufferPointer(start: contents, count: quote - contents)
        }
        cursor = contents
        return try restOfString(from: contents)
    }

    /// The quote that ends a string without escapes; `nil` where it takes the long way to find it.
    @inline(__always)
    func plainEnd(of contents: UnsafePointer<UInt8>) -> UnsafePointer<UInt8>? {
        var place = contents
        while end - place >= 8 {
            let word = UnsafeRawPointer(place).loadUnaligned(as: UInt64.self).littleEndian
            let hits = JSONText.specialsOrNonASCII(in: word)
            if hits == 0 {
                place += 8
                continue
            }
            place += hits.trailingZeroBitCount &>> 3
            if place.pointee == UInt8(ascii: "\"") { return place }
            return place.pointee < 0x80 ? nil : plainEndOutsideASCII(from: place)
        }
        return plainEndInTail(from: place)
    }

    /// The same among the last seven bytes of the text: they are loaded with those before them, which are shifted out.
    @inline(never)
    private func plainEndInTail(from place: UnsafePointer<UInt8>) -> UnsafePointer<UInt8>? {
        let count = end - place
        guard count > 0, end - start >= 8 else { return nil }
        let word = UnsafeRawPointer(end - 8).loadUnaligned(as: UInt64.self).littleEndian
        let hits = JSONText.specialsOrNonASCII(in: word &>> UInt64(64 &- 8 &* count))
        let first = hits.trailingZeroBitCount &>> 3
        return first < count && place[first] == UInt8(ascii: "\"") ? place + first : nil
    }

    /// The same from a byte outside ASCII on; `nil` for invalid UTF-8 too.
    @inline(never)
    private func plainEndOutsideASCII(from wide: UnsafePointer<UInt8>) -> UnsafePointer<UInt8>? {
        var place = wide
        while end - place >= 8 {
            if place.pointee >= 0x80 {
                let length = UTF8Check.sequenceLength(
                    UnsafeBufferPointer(start: place, count: end - place), at: 0)
                guard length > 0 else { return nil }
                place += length
                continue
            }
            let word = UnsafeRawPointer(place).loadUnaligned(as: UInt64.self).littleEndian
            let hits = JSONText.specialsOrNonASCII(in: word)
            place += hits.trailingZeroBitCount &>> 3
            if hits != 0, place.pointee < 0x80 { return place.pointee == UInt8(ascii: "\"") ? place : nil }
        }
        return nil
    }

    /// The long way: near the end of the text, outside ASCII, or with escapes.
    private mutating func restOfString(
        from contents: UnsafePointer<UInt8>
    ) throws(SchemaError) -> UnsafeBufferPointer<UInt8> {
        var hasEscapes = false
        while cursor < end {
            let byte = cursor.pointee
            if byte == UInt8(ascii: "\"") {
                let raw = UnsafeBufferPointer(start: contents, count: cursor - contents)
                cursor += 1
                return hasEscapes ? try unescape(raw) : raw
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                cursor += end - cursor >= 2 && cursor[1] < 0x80 ? 2 : 1
            } else if byte < 0x20 {
                throw malformed("an unescaped control character in a string")
            } else if byte < 0x80 {
                cursor += 1
            } else {
                let rest = UnsafeBufferPointer(start: cursor, count: end - cursor)
                let length = UTF8Check.sequenceLength(rest, at: 0)
                guard length > 0 else { throw malformed("invalid UTF-8") }
                cursor += length
            }
            skipPlain()
        }
        throw malformed("a string does not end")
    }

    /// Passes over as many bytes as need no look of their own.
    @inline(__always)
    private mutating func skipPlain() {
        var place = cursor
        while end - place >= 8 {
            let word = UnsafeRawPointer(place).loadUnaligned(as: UInt64.self).littleEndian
            let hits = JSONText.specialsOrNonASCII(in: word)
            place += hits.trailingZeroBitCount &>> 3
            if hits != 0 { break }
        }
        cursor = place
    }

    private mutating func unescape(
        _ raw: UnsafeBufferPointer<UInt8>
    ) throws(SchemaError) -> UnsafeBufferPointer<UInt8> {
        let target = try allocate(raw.count).assumingMemoryBound(to: UInt8.self)
        var written = 0
        var position = 0
        let after = cursor
        while position < raw.count {
            let byte = raw[position]
            position &+= 1
            guard byte == UInt8(ascii: "\\") else {
                target[written] = byte
                written &+= 1
                continue
            }
            let letter = position < raw.count ? raw[position] : 0
            position &+= 1
            if let plain = JSONText.unescaped(letter) {
                target[written] = plain
                written &+= 1
                continue
            }
            guard letter == UInt8(ascii: "u"), let scalar = Self.unicodeEscape(raw, &position) else {
                cursor = after - (raw.count - min(position, raw.count)) - 1
                throw malformed(letter == UInt8(ascii: "u") ? "an invalid \\u escape" : "an unknown escape")
            }
            // An escape is at least as long as what it stands for.
            for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                target[written] = unit
                written &+= 1
            }
        }
        return UnsafeBufferPointer(start: target, count: written)
    }

    /// Reads the digits behind `\u`, and a second escape where they are the first half of a surrogate pair.
    private static func unicodeEscape(
        _ raw: UnsafeBufferPointer<UInt8>, _ position: inout Int
    ) -> Unicode.Scalar? {
        guard let first = hexDigits(raw, &position) else { return nil }
        guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) }
        guard position + 1 < raw.count, raw[position] == UInt8(ascii: "\\"),
            raw[position + 1] == UInt8(ascii: "u")
        else { return nil }
        position += 2
        guard let second = hexDigits(raw, &position), (0xdc00...0xdfff).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    }

    private static func hexDigits(_ raw: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> UInt32? {
        guard raw.count - position >= 4 else { return nil }
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(raw[position])).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
