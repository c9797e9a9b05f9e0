// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

// message Metadata { repeated Pair pairs = 1; }    message Pair { string name = 1; bytes value = 2; }
extension Metadata {
    /// The block to send, or nil when there are no pairs.
    ///
    /// - Throws: `invalid_argument` for a name or value that cannot travel, `resource_exhausted` over a limit.
    func block(bytesMax: Int, pairsMax: Int) throws(RPCError) -> ByteBuffer? {
        if isEmpty { return nil }
        guard count <= pairsMax else {
            throw RPCError(
                call: .resourceExhausted, "metadata of \(count) pairs is over metadataPairsMax = \(pairsMax)",
                executed: .no)
        }
        var block = ByteBuffer()
        for pair in self {
            if let problem = pair.problem {
                throw RPCError(call: .invalidArgument, "metadata cannot be sent: \(problem)", executed: .no)
            }
            var entry = ByteBuffer()
            entry.writeField(1, pair.name.utf8)
            entry.writeField(2, pair.value)
            block.writePresentField(1, entry.readableBytesView)
        }
        guard block.readableBytes <= bytesMax else {
            throw RPCError(
                call: .resourceExhausted,
                "metadata of \(block.readableBytes) bytes is over metadataBytesMax = \(bytesMax)",
                executed: .no)
        }
        return block
    }

    /// Reads a peer's block.
    init(block: ByteBuffer, limits: WireLimits) throws(BlockError) {
        guard block.readableBytes <= limits.metadataBytesMax else {
            throw .overLimit(
                "metadata of \(block.readableBytes) bytes is over metadataBytesMax = \(limits.metadataBytesMax)"
            )
        }
        var pairs: [Pair] = []
        var reader = BlockReader(block)
        while let field = try reader.next() {
            guard field.number == 1 else { continue }
            guard pairs.count < limits.metadataPairsMax else {
                throw .overLimit("metadata has more than metadataPairsMax = \(limits.metadataPairsMax) pairs")
            }
            let pair = try Pair(block: field.value)
            if let problem = pair.problem { throw .malformed(problem) }
            pairs.append(pair)
        }
        self.init(pairs: pairs)
    }
}

extension Metadata.Pair {
    fileprivate init(block: ByteBuffer) throws(BlockError) {
        var name = ""
        var value: [UInt8] = []
        var reader = BlockReader(block)
        while let field = try reader.next() {
            switch field.number {
            case 1: name = try field.value.blockText("a metadata name")
            case 2: value = Array(field.value.readableBytesView)
            default: continue
            }
        }
        self.init(name: name, value: value)
    }

    /// Why the pair may not travel; nil when it may. Never echoes more than the name's length.
    fileprivate var problem: String? {
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
            return "a metadata name is empty or has characters other than a-z 0-9 - _ ."
        }
        guard isBinary || value.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            return "the value of '\(name.prefix(64))' is not printable ASCII; names of bytes end in -bin"
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}
