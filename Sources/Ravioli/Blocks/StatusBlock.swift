// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

// message Status { string message = 1; repeated Detail details = 2; }
// message Detail { string type_url = 1; bytes value = 2; }
/// The text and details of a status, as an end frame carries them.
struct StatusBlock: Hashable {
    var message = ""
    var details: [StatusDetail] = []

    /// The block to send, or nil when there is nothing to say. Text over the limit is cut, and details that do not fit
    /// are left out from the end: an error must arrive, even when its description is too long.
    ///
    /// - Parameter bytesMax: what the peer's frames have room for, where that is less than our limit; at least 64.
    func block(limits: WireLimits, bytesMax: Int = .max) -> ByteBuffer? {
        if message.isEmpty && details.isEmpty { return nil }
        let bytesMax = min(bytesMax, limits.statusBytesMax)
        var block = ByteBuffer()
        let framing = 1 + 5
        block.writeField(1, message.utf8.cut(to: min(limits.textBytesMax, bytesMax - framing)))
        for detail in details {
            var entry = ByteBuffer()
            entry.writeField(1, detail.typeURL.utf8)
            entry.writeField(2, detail.value)
            guard block.readableBytes + entry.readableBytes + framing <= bytesMax else { break }
            block.writePresentField(2, entry.readableBytesView)
        }
        return block
    }

    init(message: String = "", details: [StatusDetail] = []) {
        self.message = message
        self.details = details
    }

    /// Reads a peer's block.
    init(block: ByteBuffer, limits: WireLimits) throws(BlockError) {
        guard block.readableBytes <= limits.statusBytesMax else {
            throw .overLimit("a status of \(block.readableBytes) bytes is over \(limits.statusBytesMax)")
        }
        var reader = BlockReader(block)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                let text = try field.value.blockText("a status message")
                message = String(decoding: text.utf8.cut(to: limits.textBytesMax), as: UTF8.self)
            case 2: details.append(try StatusDetail(block: field.value))
            default: continue
            }
        }
    }
}

extension StatusDetail {
    fileprivate init(block: ByteBuffer) throws(BlockError) {
        self.init(typeURL: "", value: [])
        var reader = BlockReader(block)
        while let field = try reader.next() {
            switch field.number {
            case 1: typeURL = try field.value.blockText("a type URL")
            case 2: value = Array(field.value.readableBytesView)
            default: continue
            }
        }
    }
}

extension String.UTF8View {
    /// At most `bytesMax` bytes, never a part of a character.
    func cut(to bytesMax: Int) -> String.UTF8View.SubSequence {
        guard count > bytesMax else { return self[...] }
        var end = index(startIndex, offsetBy: bytesMax)
        while end > startIndex, self[end] & 0xC0 == 0x80 { end = index(before: end) }
        return self[startIndex..<end]
    }
}
