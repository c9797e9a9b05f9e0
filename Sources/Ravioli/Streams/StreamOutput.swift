// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

/// Who keeps the books of what may be sent. Loop only.
protocol StreamCreditSource: AnyObject {
    /// What may be sent on the stream in this slot now, in credit.
    func sendCredit(_ slot: CallSlot) -> Int
    /// A frame went out.
    func spendCredit(_ slot: CallSlot, _ cost: Int)
    /// The smaller of the credits that a stream and the connection start with.
    var sendWindow: Int { get }
}

/// The sending side of one stream: turns its outbox into frames, as far as credit goes. Loop only.
final class StreamOutput {
    /// How a turn ended.
    enum Progress {
        /// There is more to send.
        case more
        /// There is more, but no credit.
        case blocked
        /// Everything is sent.
        case idle
    }

    let streamID: UInt32
    let slot: CallSlot
    private let outbox: StreamOutbox
    /// Whether the end of the messages is a frame of its own: a server's side is closed by its end frame.
    private let closesSide: Bool
    private unowned let credit: any StreamCreditSource

    private let spareMemory: SpareMemory
    private var batch = MessageBatch<[UInt8]>()
    /// How much of the message at hand has been sent; nil when nothing has.
    private var offset: Int?
    /// Whether there was no credit for the next frame when its turn came.
    private var hasWaited = false
    private var isFinished = false
    private var isClosed = false

    /// Whether it stands in the connection's rotation, and whether in its list of those that wait for credit.
    var isInTurn = false
    var isBlocked = false

    init(
        streamID: UInt32, slot: CallSlot, outbox: StreamOutbox, closesSide: Bool,
        credit: any StreamCreditSource, spareMemory: SpareMemory
    ) {
        self.spareMemory = spareMemory
        self.streamID = streamID
        self.slot = slot
        self.outbox = outbox
        self.closesSide = closesSide
        self.credit = credit
    }

    /// Nothing more is sent: the call has ended.
    func drop() { isClosed = true }

    /// Writes what one turn allows, about one frame's worth.
    func write(into buffer: inout ByteBuffer, frameBytesMax: Int) -> Progress {
        if isClosed { return .idle }
        let start = buffer.writerIndex
        while true {
            let room = frameBytesMax - (buffer.writerIndex - start)
            guard room > 0 else { return .more }
            guard !batch.isEmpty || refill() else { return closeIfFinished(into: &buffer) }
            if offset == nil, !batch.nextIsLong, writeRun(into: &buffer, frameBytesMax, bytesWanted: room) {
                continue
            }
            guard writeFrame(into: &buffer, frameBytesMax: frameBytesMax) else { return .blocked }
        }
    }

    private func refill() -> Bool {
        batch.clear(spareMemory)
        isFinished = outbox.take(into: &batch)
        return !batch.isEmpty
    }

    private func closeIfFinished(into buffer: inout ByteBuffer) -> Progress {
        guard isFinished, closesSide else { return .idle }
        isClosed = true
        FrameHeader(payloadBytes: 0, streamID: streamID, kind: .data, flags: .last).write(into: &buffer)
        return .idle
    }

    /// Writes frames for short messages that go whole; returns whether there was one.
    private func writeRun(
        into buffer: inout ByteBuffer, _ frameBytesMax: Int, bytesWanted: Int
    ) -> Bool {
        let bounds = MessageRun.Bounds(
            costMax: credit.sendCredit(slot), payloadBytesMax: frameBytesMax, bytesWanted: bytesWanted)
        let run = batch.writeRun(into: &buffer, streamID: streamID, within: bounds, hasWaited: hasWaited)
        guard run.count > 0 else { return false }
        hasWaited = false
        credit.spendCredit(slot, run.cost)
        return true
    }

    /// Writes the next frame of the message at hand; returns whether there was credit for it.
    private func writeFrame(into buffer: inout ByteBuffer, frameBytesMax: Int) -> Bool {
        let isLong = batch.nextIsLong
        let total = isLong ? batch.nextLong.count : batch.withNext(\.count)
        let begins = offset == nil
        let from = offset ?? 0
        guard
            let count = StreamCost.bytesToSend(
                left: total - from, begins: begins, available: credit.sendCredit(slot),
                frameBytesMax: frameBytesMax, window: credit.sendWindow)
        else {
            hasWaited = true
            return false
        }
        writeHeader(into: &buffer, count, begins: begins, total: total)
        // Not held in a variable: whoever lets go of it last frees it, which must not be this thread.
        if isLong {
            batch.nextLong.withUnsafeBytes {
                _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: $0[from..<(from + count)]))
            }
        } else {
            batch.withNext {
                _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: $0[from..<(from + count)]))
            }
        }
        credit.spendCredit(slot, StreamCost.of(bytes: count, beginsMessage: begins))
        sent(from + count, of: total, isLong: isLong)
        return true
    }

    private func writeHeader(into buffer: inout ByteBuffer, _ count: Int, begins: Bool, total: Int) {
        let isChunked = begins && count < total
        var flags: FrameFlags = begins ? [.counted, .message] : .counted
        if isChunked { flags.insert(.chunked) }
        if hasWaited { flags.insert(.waited) }
        hasWaited = false
        FrameHeader(
            payloadBytes: UInt32(clamping: count + (isChunked ? 4 : 0)), streamID: streamID, kind: .data,
            flags: flags
        ).write(into: &buffer)
        if isChunked { buffer.writeInteger(UInt32(clamping: total)) }
    }

    private func sent(_ bytes: Int, of total: Int, isLong: Bool) {
        guard bytes == total else {
            offset = bytes
            return
        }
        offset = nil
        guard isLong else { return batch.dropNext() }
        LargeMemory.free(&batch.nextLong)
        batch.dropNextLong()
    }
}
