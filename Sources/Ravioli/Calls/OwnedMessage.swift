// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

/// A received message on its way from the loop to the task that reads it.
///
/// One that came in one frame is copied out of the read it came in, so as not to keep that. One that came in several has
/// memory of its own, and is put together by its reader: the loop has others to serve.
enum OwnedMessage: Sendable {
    case bytes([UInt8])
    case blocks(MessageBlocks)

    init(_ message: ReceivedMessage) {
        switch message {
        case .whole(let message): self = .bytes(Array(message.readableBytesView))
        case .blocks(let blocks): self = .blocks(blocks)
        }
    }

    consuming func joined() -> [UInt8] {
        switch consume self {
        case .bytes(let bytes): bytes
        case .blocks(let blocks): blocks.joined()
        }
    }
}
