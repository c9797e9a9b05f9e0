// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

// What a call's end says to its caller: a response, or an error with what can travel of its texts and metadata.

extension ServerConnection {
    func sendResponse(_ streamID: UInt32, _ message: FrameLink.Message?, _ metadata: Metadata) {
        if let message, message.count > peerMessageBytesMax {
            sendEnd(
                streamID,
                RPCError(
                    .resourceExhausted,
                    "a response of \(message.count) bytes is over the caller's messageBytesMax = \(peerMessageBytesMax)"
                ))
            return
        }
        var end = EndFrame(code: 0, executed: .yes)
        if !metadata.isEmpty {
            do throws(RPCError) {
                end.metadata = try block(of: metadata)
            } catch {
                sendEnd(streamID, RPCError(error.code, "the response's " + error.message))
                return
            }
        }
        link.sendEnd(end, streamID: streamID, message: message)
    }

    func block(of metadata: Metadata) throws(RPCError) -> ByteBuffer? {
        try metadata.block(bytesMax: peerMetadataBytesMax, pairsMax: server.options.limits.metadataPairsMax)
    }

    func sendEnd(_ streamID: UInt32, _ error: RPCError, metadata: Metadata = Metadata()) {
        var all = metadata
        if !error.isFromCall { all.add(contentsOf: error.metadata) }
        var end = EndFrame(code: error.code.rawValue, executed: error.isFromCall ? .yes : error.executed.mark)
        // Metadata that cannot travel must not keep the error from arriving.
        end.metadata = try? block(of: all)
        end.status = StatusBlock(message: error.message, details: error.details).block(
            limits: server.options.limits,
            bytesMax: EndFrame.statusBytesMax(frameBytesMax: link.frameBytesMax, metadata: end.metadata))
        link.sendEnd(end, streamID: streamID, message: nil)
    }
}
