// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliEdge
import Testing

/// Bytes as the specifications of Connect and gRPC draw them.
struct EnvelopeTests {
    private func read(
        _ bytes: [UInt8], coding: ContentCoding = .identity, bytesMax: Int = 1 << 20, piece: Int = .max
    ) throws(RPCError) -> [[UInt8]] {
        var reader = EnvelopeReader(bytesMax: bytesMax, coding: coding)
        var messages: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.append(ByteBuffer(bytes: rest.prefix(piece)))
            rest = rest.dropFirst(piece)
            while let message = try reader.next() { messages.append(Array(message.readableBytesView)) }
        }
        try reader.end()
        return messages
    }

    private func code(_ bytes: [UInt8], coding: ContentCoding = .identity, bytesMax: Int = 1 << 20) -> String?
    {
        do throws(RPCError) {
            _ = try read(bytes, coding: coding, bytesMax: bytesMax)
            return nil
        } catch { return error.code.name }
    }

    @Test(arguments: [1, 2, 3, 7, .max]) func cutsMessagesWhateverPiecesTheyComeIn(piece: Int) throws {
        let bytes: [UInt8] = [0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9]
        #expect(try read(bytes, piece: piece) == [[8, 1], [], [9]])
    }

    @Test func noBytesAreNoMessages() throws { #expect(try read([]).isEmpty) }

    @Test(arguments: [[0], [0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]] as [[UInt8]])
    func anEndWithinAMessageIsInvalid(bytes: [UInt8]) { #expect(code(bytes) == "invalid_argument") }

    @Test func aLengthOverTheLimitIsRefusedBeforeItsBytes() {
        #expect(code([0, 0, 0, 4, 1], bytesMax: 1024) == "resource_exhausted")
        #expect(code([0, 0xff, 0xff, 0xff, 0xff]) == "resource_exhausted")
    }

    @Test(arguments: [2, 3, 4, 0x80, 0xff] as [UInt8]) func flagsOfNoMeaningAreErrors(flags: UInt8) {
        #expect(code([flags, 0, 0, 0, 0]) == "internal")
    }

    @Test func aCompressedMessageNeedsAnAnnouncement() {
        #expect(code([1, 0, 0, 0, 1, 0]) == "internal")
    }

    @Test func inflates() throws {
        let compressed = Array(Gzip.deflate(ByteBuffer(string: "hello")).readableBytesView)
        let bytes = [1, 0, 0, 0, UInt8(compressed.count)] + compressed + [0, 0, 0, 0, 1, 7]
        #expect(try read(bytes, coding: .gzip) == [Array("hello".utf8), [7]])
        #expect(try read([1, 0, 0, 0, 0], coding: .gzip) == [[]])
        #expect(code([1, 0, 0, 0, 2, 8, 1], coding: .gzip) == "invalid_argument")
    }

    @Test func writesEnvelopes() {
        let writer = EnvelopeWriter(coding: .gzip)
        #expect(
            Array(writer.envelope(ByteBuffer(bytes: [8, 1])).readableBytesView) == [0, 0, 0, 0, 2, 8, 1])
        #expect(Array(writer.envelope(ByteBuffer(), flags: 2).readableBytesView) == [2, 0, 0, 0, 0])
    }

    @Test func compressesWhatIsWorthIt() throws {
        let message = [UInt8](repeating: 7, count: 4096)
        let bytes = Array(
            EnvelopeWriter(coding: .gzip).envelope(ByteBuffer(bytes: message)).readableBytesView)
        #expect(bytes[0] == 1 && bytes.count < 200)
        #expect(try read(bytes, coding: .gzip) == [message])
        #expect(EnvelopeWriter(coding: .identity).envelope(ByteBuffer(bytes: message)).readableBytes == 4101)
    }

    // MARK: gzip

    @Test func aBombIsStoppedWhereItPassesTheLimit() {
        let bomb = Gzip.deflate(ByteBuffer(repeating: 0, count: 64 << 20))
        #expect(bomb.readableBytes < 512 << 10)
        #expect(throws: GzipFault.tooLarge) { try Gzip.inflate(bomb, upTo: 4 << 20) }
    }

    @Test func theLimitItselfIsAllowed() throws {
        let bytes = ByteBuffer(repeating: 1, count: 100_000)
        #expect(try Gzip.inflate(Gzip.deflate(bytes), upTo: 100_000) == bytes)
        #expect(throws: GzipFault.tooLarge) { try Gzip.inflate(Gzip.deflate(bytes), upTo: 99_999) }
    }

    @Test func membersFollowOneAnother() throws {
        var two = Gzip.deflate(ByteBuffer(string: "ab"))
        two.writeImmutableBuffer(Gzip.deflate(ByteBuffer(string: "cd")))
        #expect(try Gzip.inflate(two, upTo: 100) == ByteBuffer(string: "abcd"))
    }

    @Test func brokenGzipIsCorrupt() {
        let good = Array(Gzip.deflate(ByteBuffer(string: "hello, hello, hello")).readableBytesView)
        var wrongSum = good
        wrongSum[good.count - 8] ^= 1
        for bytes in [Array(good.dropLast()), good + [0], wrongSum, [0x1f, 0x8b], Array("plain".utf8)] {
            #expect(throws: GzipFault.corrupt) { try Gzip.inflate(ByteBuffer(bytes: bytes), upTo: 1000) }
        }
    }

    // MARK: base64 of gRPC-Web

    @Test(arguments: [1, 3, 4, 5, .max]) func decodesBase64AsItArrives(piece: Int) throws {
        var stream = Base64Stream()
        var bytes: [UInt8] = []
        var rest = Array("AAAAAAIIAQ==AAAAAAEJAAAA".utf8)[...]
        while !rest.isEmpty {
            bytes += try stream.decode(ByteBuffer(bytes: rest.prefix(piece))).readableBytesView
            rest = rest.dropFirst(piece)
        }
        try stream.end()
        #expect(bytes == [0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 0, 1, 9, 0, 0, 0])
    }

    @Test(arguments: ["====", "A===", "AA==!!!!", "A"]) func brokenBase64IsInvalid(text: String) {
        var stream = Base64Stream()
        #expect(throws: RPCError.self) {
            _ = try stream.decode(ByteBuffer(string: text))
            try stream.end()
        }
    }
}
