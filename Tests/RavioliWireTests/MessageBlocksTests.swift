// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import Testing

@Suite struct MessageBlocksTests {
    /// Whatever the chunks' sizes, the message comes out as it was cut up.
    @Test(arguments: [1, 3, 1000, 65_536, 100_000]) func joinsWhatWasCut(chunkBytes: Int) {
        let message = (0..<300_001).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        var blocks = MessageBlocks()
        var rest = ByteBuffer(bytes: message)
        while rest.readableBytes > 0 {
            let left = rest.readableBytes
            guard let chunk = rest.readSlice(length: min(chunkBytes, left)) else { break }
            blocks.append(chunk, left: left)
        }
        #expect(blocks.bytes == message.count)
        #expect(ReceivedMessage.blocks(blocks).bytes == message.count)
        #expect(blocks.joined() == message)
    }

    /// A chunk is copied out of its read: what the read holds beside it is not kept.
    @Test func keepsNothingOfTheReadAChunkCameIn() {
        var blocks = MessageBlocks()
        var read = ByteBuffer(repeating: 1, count: 8)
        blocks.append(read, left: 16)
        read.setRepeatingByte(9, count: 8, at: 0)
        blocks.append(ByteBuffer(repeating: 2, count: 8), left: 8)
        #expect(blocks.joined() == [UInt8](repeating: 1, count: 8) + [UInt8](repeating: 2, count: 8))
    }
}
