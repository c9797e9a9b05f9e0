// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import Testing

/// The streams of ttrpc, byte by byte as containerd's PROTOCOL.md draws them, with a live server: its three diagrams of
/// calls that are not unary, and an error in place of the last data. No client that streams is packaged to test with.
@Suite(.timeLimit(.minutes(1)))
struct TTRPCGoldenTests {
    /// What is sent, and all that comes back for it; one after the other on one connection.
    private static let exchange: [(sent: String, answer: String)] = [
        // Request [remote open]; nothing comes back while the client is sending.
        ("00000021 00000001 01 02 0a16726176696f6c692e747269616c2e76312e547269616c 1207436f6c6c656374", ""),
        // Data, Data [remote closed]; Response.
        (
            "00000004 00000001 03 00 0a026869  00000004 00000001 03 01 0a026869",
            "00000008 00000001 02 00 0a00 1204 0804 1002"
        ),
        // Request [remote closed]; Data, Data [remote closed].
        (
            "00000025 00000003 01 01 0a16726176696f6c692e747269616c2e76312e547269616c 12055761746368 1a04 0a026869",
            "00000004 00000003 03 00 0a026869  00000000 00000003 03 05"
        ),
        // Request [remote open], Data; Data; Data, Data [remote closed]; Data, Data, Data [remote closed].
        (
            "00000022 00000005 01 02 0a16726176696f6c692e747269616c2e76312e547269616c 1208436f6e7665727365"
                + "00000004 00000005 03 00 0a026869",
            "00000004 00000005 03 00 0a026869"
        ),
        (
            "00000004 00000005 03 00 0a026869  00000004 00000005 03 01 0a026869",
            "00000004 00000005 03 00 0a026869  00000004 00000005 03 00 0a026869  00000000 00000005 03 05"
        ),
        // Request [remote closed]; Response with an error.
        (
            "00000023 00000007 01 01 0a16726176696f6c692e747269616c2e76312e547269616c 12055761746368 1a02 1805",
            "00000004 00000007 02 00 0a02 0805"
        ),
        // A unary request in between; Response.
        (
            "00000024 00000009 01 00 0a16726176696f6c692e747269616c2e76312e547269616c 12044563686f 1a04 0a026869",
            "00000008 00000009 02 00 0a00 1204 0a026869"
        ),
    ]

    @Test func diagramsOfTheProtocol() async throws {
        try await withServer([TestServer()], options: .withTTRPC) { _, address in
            try await RawPeer.connect(to: address) { peer in
                var parts = peer.inbound.makeAsyncIterator()
                var read = ByteBuffer()
                for (sent, answer) in Self.exchange {
                    try await peer.send(ByteBuffer(hex: sent))
                    let expected = ByteBuffer(hex: answer)
                    while read.readableBytes < expected.readableBytes, let part = try await parts.next() {
                        read.writeImmutableBuffer(part)
                    }
                    #expect(read == expected, "\(sent)")
                    read.clear()
                }
            }
        }
    }
}
