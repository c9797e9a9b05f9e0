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
        if !isSendable, let problem = firstNonNil(\.problem) {
            throw RPCError(call: .invalidArgument, "metadata cannot be sent: \(problem)", executed: .no)
        }
        guard block.readableBytes <= bytesMax else {
            throw RPCError(
                call: .resourceExhausted,
                "metadata of \(block.readableBytes) bytes is over metadataBytesMax = \(bytesMax)",
                executed: .no)
        }
        return block
    }

    private func firstNonNil(_ path: (Pair) -> String?) -> String? {
        for pair in self {
            if let found = path(pair) { return found }
        }
        return nil
    }

    /// Reads a peer's block.
    init(block: ByteBuffer, limits: WireLimits) throws(BlockError) {
        guard block.readableBytes <= limits.metadataBytesMax else {
            throw .overLimit(
                "metadata of \(block.readableBytes) bytes is over metadataBytesMax = \(limits.metadataBytesMax)"
            )
        }
        if let count = PairReader.count(ofCheckedPairsIn: block), count <= limits.metadataPairsMax {
            // Copied, so as not to keep the read it came in.
            self.init(checked: ByteBuffer(bytes: block.readableBytesView), count: count)
        } else {
            try self.init(unusual: block, limits: limits)
        }
    }

    /// A block in another encoding than ours, or one that breaks a rule.
    private init(unusual block: ByteBuffer, limits: WireLimits) throws(BlockError) {
        self.init()
        var reader = BlockReader(block)
        while let field = try reader.next() {
            guard field.number == 1 else { continue }
            guard count < limits.metadataPairsMax else {
                throw .overLimit("metadata has more than metadataPairsMax = \(limits.metadataPairsMax) pairs")
            }
            let pair = try Pair(block: field.value)
            if let problem = pair.problem { throw .malformed(problem) }
            append(pair)
        }
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
    var problem: String? {
        guard !name.isEmpty, name.utf8.allSatisfy(PairReader.isNameByte) else {
            return "a metadata name is empty or has characters other than a-z 0-9 - _ ."
        }
        guard isBinary || value.allSatisfy(PairReader.isTextByte) else {
            return "the value of '\(name.prefix(64))' is not printable ASCII; names of bytes end in -bin"
        }
        return nil
    }
}
