// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

/// A connection whose client speaks ttrpc.
extension ServerConnection {
    var holdsInput: Bool { ttrpc?.holdsTooMuch ?? false }

    /// The first bytes are of another protocol. Returns whether it is ttrpc and served; then they have been read.
    func ttrpcBegan() -> Bool {
        guard server.options.servesTTRPC, ttrpc == nil, case .ttrpc? = decoder.foreignProtocol else {
            return false
        }
        ttrpc = TTRPCTranslator(limits: server.options.limits)
        link.translatesOutput = true
        ttrpcReceived(decoder.takeBytesHeld())
        return true
    }

    func ttrpcReceived(_ bytes: ByteBuffer) {
        watch?.life.bytesRead(now: WireInstant(nanoseconds: link.context.now))
        ttrpc?.append(bytes)
        takeTTRPCInput()
    }

    /// Messages that were held may go on: their streams have been given credit.
    func ttrpcOutputWanted() {
        if isClosed { return }
        takeTTRPCInput()
        if !holdsInput { link.transport?.resumeReading() }
    }

    func ttrpcGranted(_ grants: [FlowControl.Grant]) {
        ttrpc?.granted(grants)
        // What the credit allows is looked at where the output is.
        link.touched()
    }

    /// The only place where output becomes ttrpc. What that asks of the server, such as credit, comes in the next turn.
    func translated(_ frames: ByteBuffer) -> ByteBuffer {
        let heldInput = holdsInput
        let messages = ttrpc?.translated(frames) ?? frames
        // The end of a call frees what was held for it, too.
        if ttrpc?.hasInjected == true || heldInput && !holdsInput { link.touched() }
        return messages
    }

    private func takeTTRPCInput() {
        let read = ttrpc?.messagesRead
        do throws(WireError) {
            var now = link.context.now
            while let input = try ttrpc?.next() {
                switch input {
                case .frame(let frame):
                    perform(try machine.frameReceived(frame, now: WireInstant(nanoseconds: now)), now: now)
                case .refuse(let streamID, let code, let text):
                    sendEnd(streamID, RPCError(code, text, executed: .no))
                }
                if isClosed { return }
                // At once: the rest of a long message may need it.
                sendGrants()
                now = noteTimeSpent(since: now)
            }
            watchForCompletion(completed: ttrpc?.messagesRead != read)
        } catch {
            violated(error)
        }
    }
}

extension ConnectionLife.Terms {
    /// For a client that can be asked nothing, and would take a closed connection for a failed server.
    var withoutPings: ConnectionLife.Terms {
        var terms = self
        terms.keepalive.interval = nil
        terms.ageMax = nil
        return terms
    }
}
