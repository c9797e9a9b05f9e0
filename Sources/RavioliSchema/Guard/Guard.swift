// SPDX-License-Identifier: Apache-2.0
//
// protobuf-c's unpack recurses without a limit, allocates what the sender asks for, says NULL without a reason and
// loses or rejects some legal data. So no byte reaches it that the guard has not passed: one walk over the wire
// beside the schema, with an explicit stack and counted budgets. Ordinary input is only read. Input that protobuf-c
// would get wrong is merely noticed here, and the ``Normalizer`` rewrites it before it is unpacked.

/// Checks encoded messages before protobuf-c sees them.
struct Guard {
    /// What the walk found out about valid input.
    enum Verdict {
        /// protobuf-c decodes it rightly as it is.
        case clean
        /// It has a duplicate submessage, a group, an unexpected wire type or an unknown value of a closed enum.
        case needsRewrite
    }

    /// A message that is open, while one inside it is being walked.
    struct Frame {
        var table: UnsafeMutablePointer<GuardTable>
        var end: UnsafePointer<UInt8>
        var seen: UInt64
        /// The index of the field through which the inner message was entered.
        var field: Int
    }

    /// protobuf-c's note of a field occurrence. Its list doubles, so there may be room for twice as many.
    private static let occurrenceSize = 32
    /// `ProtobufCMessageUnknownField`.
    private static let unknownSize = 24

    private let start: UnsafePointer<UInt8>
    private let limits: SchemaLimits
    private let frames: UnsafeMutablePointer<Frame>

    private var cursor: UnsafePointer<UInt8>
    private var end: UnsafePointer<UInt8>
    private var table: UnsafeMutablePointer<GuardTable>
    private var seen: UInt64 = 0
    private var depth = 0
    // The two counters lie apart: side by side, the compiler adds to both in one load of 16 bytes, which has to wait
    // for the two stores of 8 bytes before it to reach the cache, at every field.
    private var elements = 0
    /// Where the message at hand begins.
    private var body: UnsafePointer<UInt8>
    private var decodedBytes: Int
    private var verdict = Verdict.clean

    /// Walks `bytes` as a message of type `type`.
    ///
    /// - Parameter arena: lends the memory for the stack of open messages.
    static func check(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, limits: SchemaLimits, arena: Arena
    ) throws(SchemaError) -> Verdict {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return .clean }
        guard bytes.count <= SchemaLimits.encodedBytesCeiling else {
            throw SchemaError(
                .limitExceeded, "message of \(bytes.count) bytes is over protobuf's limit of 2 GiB")
        }
        guard
            let stack = Arena.allocate((limits.depthMax + 1) * MemoryLayout<Frame>.stride, from: arena.state)
        else {
            throw SchemaError(.limitExceeded, "no memory is left in the budget")
        }
        var walk = Guard(
            base.assumingMemoryBound(to: UInt8.self), count: bytes.count, type: type, limits: limits,
            frames: stack.assumingMemoryBound(to: Frame.self))
        try walk.run()
        return walk.verdict
    }

    private init(
        _ start: UnsafePointer<UInt8>, count: Int, type: MessageDescriptor, limits: SchemaLimits,
        frames: UnsafeMutablePointer<Frame>
    ) {
        self.start = start
        self.limits = limits
        self.frames = frames
        cursor = start
        body = start
        end = start + count
        table = type.guardTable
        decodedBytes = type.structSize
    }

    // MARK: The walk

    private mutating func run() throws(SchemaError) {
        while true {
            while cursor == end {
                guard depth > 0 else { return }
                leave()
            }
            let (number, wireType) = try readTag()
            elements &+= 1
            decodedBytes &+= Self.occurrenceSize
            let index = table.pointee.index(of: number)
            if index >= 0 {
                try known(index, wireType: wireType)
            } else {
                try unknown(number, wireType: wireType)
            }
            if elements > limits.elementsMax || decodedBytes > limits.decodedBytesMax {
                throw overBudget(index)
            }
        }
    }

    @inline(__always)
    private mutating func known(_ index: Int, wireType: UInt8) throws(SchemaError) {
        let field = table.pointee.fields + index
        seen &= ~field.pointee.siblingBits
        if wireType == field.pointee.wireType {
            try single(field, index)
        } else if wireType == 2 && field.pointee.isPackable {
            try packed(field, index)
        } else {
            // Another wire type than the schema's: it is kept as an unknown field.
            verdict = .needsRewrite
            try unknown(field.pointee.number, wireType: wireType)
        }
    }

    @inline(__always)
    private mutating func single(_ field: UnsafeMutablePointer<GuardField>, _ index: Int) throws(SchemaError)
    {
        if field.pointee.isRepeated { decodedBytes &+= field.pointee.elementSize }
        switch field.pointee.check {
        case .varint: try skipVarint(index)
        case .fixed32: try skip(4, index)
        case .fixed64: try skip(8, index)
        case .string:
            let length = try readLength(index)
            try checkUTF8(length, index)
            decodedBytes &+= length
        case .bytes:
            let length = try readLength(index)
            cursor += length
            decodedBytes &+= length
        case .message: try enter(field, index)
        case .bool: try bool(index)
        case .closedEnum: try closedEnum(field, index)
        case .unknown:
            verdict = .needsRewrite
            try unknown(field.pointee.number, wireType: 3)
        }
    }

    @inline(__always)
    private mutating func enter(_ field: UnsafeMutablePointer<GuardField>, _ index: Int) throws(SchemaError) {
        let length = try readLength(index)
        guard depth < limits.depthMax, let child = field.pointee.child else { throw tooDeep(index) }
        let isRepeat = seen & field.pointee.mergeBit != 0
        if isRepeat { verdict = .needsRewrite }
        seen |= field.pointee.mergeBit
        // Copies of a singular message become one.
        if !isRepeat || field.pointee.sharesBit { decodedBytes &+= child.pointee.structSize }
        guard length > 0 else { return }
        frames[depth] = Frame(table: table, end: end, seen: seen, field: index)
        depth &+= 1
        table = child
        body = cursor
        end = cursor + length
        seen = 0
    }

    @inline(__always)
    private mutating func leave() {
        depth &-= 1
        let frame = frames[depth]
        table = frame.table
        end = frame.end
        seen = frame.seen
    }

    private mutating func packed(_ field: UnsafeMutablePointer<GuardField>, _ index: Int) throws(SchemaError)
    {
        let length = try readLength(index)
        let payloadEnd = cursor + length
        var count = 0
        switch field.pointee.check {
        case .fixed32, .fixed64:
            let width = field.pointee.elementSize
            guard length % width == 0 else { throw malformed("packed values end within a value", index) }
            count = length / width
            cursor = payloadEnd
        case .bool:
            while cursor < payloadEnd {
                if cursor.pointee > 1 { verdict = .needsRewrite }
                _ = try readVarint(before: payloadEnd, index)
                count &+= 1
            }
        case .closedEnum:
            while cursor < payloadEnd {
                if !field.pointee.allows(try readVarint(before: payloadEnd, index)) {
                    verdict = .needsRewrite
                }
                count &+= 1
            }
        default:
            while cursor < payloadEnd {
                _ = try readVarint(before: payloadEnd, index)
                count &+= 1
            }
        }
        elements &+= count
        decodedBytes &+= count &* field.pointee.elementSize
    }

    @inline(__always)
    private mutating func bool(_ index: Int) throws(SchemaError) {
        let valueStart = cursor
        try skipVarint(index)
        if cursor - valueStart > 1 { verdict = .needsRewrite }
    }

    private mutating func closedEnum(
        _ field: UnsafeMutablePointer<GuardField>, _ index: Int
    ) throws(SchemaError) {
        if !field.pointee.allows(try readVarint(before: end, index)) { verdict = .needsRewrite }
    }

    /// Skips a field that the schema does not know.
    @inline(never)
    private mutating func unknown(_ number: UInt32, wireType: UInt8) throws(SchemaError) {
        let valueStart = cursor
        switch wireType {
        case 0: try skipVarint(-1)
        case 1: try skip(8, -1)
        case 2: cursor += try readLength(-1)
        case 3:
            verdict = .needsRewrite
            try skipGroup(number)
        case 5: try skip(4, -1)
        case 4: throw malformed("a group ends that has not begun", -1)
        default: throw malformed("wire type \(wireType) does not exist", -1)
        }
        decodedBytes &+= Self.unknownSize &+ (cursor - valueStart)
    }

    /// Skips to the end tag that belongs to a start tag just read. The open groups count towards the depth; their
    /// numbers are kept on the same stack, in the place of the seen bits, which a group does not need.
    private mutating func skipGroup(_ number: UInt32) throws(SchemaError) {
        let outer = depth
        guard depth < limits.depthMax else { throw tooDeep(-1) }
        frames[depth] = Frame(table: table, end: end, seen: UInt64(number), field: -1)
        depth &+= 1
        while depth > outer {
            guard cursor < end else { throw malformed("a group does not end", -1) }
            let (inner, wireType) = try readTag()
            elements &+= 1
            switch wireType {
            case 3:
                guard depth < limits.depthMax else { throw tooDeep(-1) }
                frames[depth] = Frame(table: table, end: end, seen: UInt64(inner), field: -1)
                depth &+= 1
            case 4:
                depth &-= 1
                guard frames[depth].seen == UInt64(inner) else {
                    depth = outer
                    throw malformed("a group ends with another number than it began with", -1)
                }
            case 0: try skipVarint(-1)
            case 1: try skip(8, -1)
            case 2: cursor += try readLength(-1)
            case 5: try skip(4, -1)
            default: throw malformed("wire type \(wireType) does not exist", -1)
            }
        }
    }
}

// MARK: - Primitives

extension Guard {
    @inline(__always)
    private mutating func readTag() throws(SchemaError) -> (number: UInt32, wireType: UInt8) {
        let first = cursor.pointee
        if first < 0x80 {
            guard first >= 8 else { throw malformed("field number 0", -1) }
            cursor += 1
            return (UInt32(first) >> 3, first & 7)
        }
        return try readLongTag()
    }

    private mutating func readLongTag() throws(SchemaError) -> (number: UInt32, wireType: UInt8) {
        let tag = try readVarint(before: end, -1, bytesMax: 5)
        guard tag <= UInt64(UInt32.max), tag >= 8 else {
            throw malformed("field number \(tag >> 3) is not in 1 … 2^29 - 1", -1)
        }
        return (UInt32(truncatingIfNeeded: tag) >> 3, UInt8(truncatingIfNeeded: tag) & 7)
    }

    @inline(__always)
    private mutating func skipVarint(_ index: Int) throws(SchemaError) {
        // One to two bytes are the common case; the loop serves all.
        var position = cursor
        let limit = end - cursor < 10 ? end : cursor + 10
        while position < limit {
            if position.pointee < 0x80 {
                cursor = position + 1
                return
            }
            position += 1
        }
        throw malformed(limit - cursor < 10 ? "truncated varint" : "varint longer than 10 bytes", index)
    }

    @inline(__always)
    private mutating func readVarint(
        before limit: UnsafePointer<UInt8>, _ index: Int, bytesMax: Int = 10
    ) throws(SchemaError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for _ in 0..<bytesMax {
            guard cursor < limit else { throw malformed("truncated varint", index) }
            let byte = cursor.pointee
            cursor += 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        throw malformed("varint longer than \(bytesMax) bytes", index)
    }

    @inline(__always)
    private mutating func skip(_ count: Int, _ index: Int) throws(SchemaError) {
        guard end - cursor >= count else { throw malformed("truncated value", index) }
        cursor += count
    }

    /// Reads a length prefix and makes sure that what it announces is there.
    @inline(__always)
    private mutating func readLength(_ index: Int) throws(SchemaError) -> Int {
        if cursor < end, cursor.pointee < 0x80 {
            let length = Int(cursor.pointee)
            cursor += 1
            guard length <= end - cursor else { throw overlong(UInt64(length), index) }
            return length
        }
        let length = try readVarint(before: end, index, bytesMax: 5)
        guard length <= UInt64(end - cursor) else { throw overlong(length, index) }
        return Int(length)
    }

    @inline(__always)
    private mutating func checkUTF8(_ count: Int, _ index: Int) throws(SchemaError) {
        guard let invalid = UTF8Check.firstInvalid(in: UnsafeBufferPointer(start: cursor, count: count))
        else {
            cursor += count
            return
        }
        cursor += invalid
        throw malformed("invalid UTF-8", index)
    }
}

// MARK: - Refusals

extension Guard {
    /// The names from the outermost message to the field at hand; `index` is -1 for a field that has no name.
    private func path(_ index: Int) -> String {
        var names: [String] = []
        for level in 0..<depth {
            let fields = frames[level].table.pointee.descriptor.fields
            if fields.indices.contains(frames[level].field) { names.append(fields[frames[level].field].name) }
        }
        let fields = table.pointee.descriptor.fields
        if fields.indices.contains(index) { names.append(fields[index].name) }
        return names.joined(separator: ".")
    }

    @inline(never)
    private func malformed(_ what: String, _ index: Int) -> SchemaError {
        SchemaError(.invalidData, what, path: path(index), offset: cursor - start)
    }

    @inline(never)
    private func overlong(_ length: UInt64, _ index: Int) -> SchemaError {
        malformed("a length of \(length) bytes, where \(end - cursor) are left,", index)
    }

    @inline(never)
    private func tooDeep(_ index: Int) -> SchemaError {
        SchemaError(
            .limitExceeded, "nested deeper than \(limits.depthMax) levels", path: path(index),
            offset: cursor - start)
    }

    @inline(never)
    private func overBudget(_ index: Int) -> SchemaError {
        let message =
            elements > limits.elementsMax
            ? "more than \(limits.elementsMax) elements"
            : "decoding needs more than \(limits.decodedBytesMax) bytes"
        // A message that has just been entered is on the path already.
        return SchemaError(
            .limitExceeded, message, path: path(cursor == body ? -1 : index), offset: cursor - start)
    }
}

extension GuardField {
    /// Whether a closed enum has a name for this value.
    func allows(_ value: UInt64) -> Bool {
        closedEnum?.name(of: Int32(truncatingIfNeeded: value)) != nil
    }
}
