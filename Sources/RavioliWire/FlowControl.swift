// SPDX-License-Identifier: Apache-2.0

/// The connection's credit in both directions, and the credit frames that are due. Each end has one.
package struct FlowControl: Sendable, Hashable {
    /// A credit frame to send.
    package struct Grant: Sendable, Hashable {
        package let streamID: UInt32
        package let bytes: UInt32

        package init(streamID: UInt32, bytes: UInt32) {
            self.streamID = streamID
            self.bytes = bytes
        }
    }

    /// What we may send on the connection; nothing before the peer's hello.
    package private(set) var send = SendCredit(0)
    /// What each stream may send when it begins.
    package private(set) var streamSendInitial: UInt32 = 0
    private(set) var receive: ReceiveCredit
    private var grants: [Grant] = []

    package init(limits: WireLimits) {
        receive = ReceiveCredit(
            limits.connectionCreditBytes, windowMax: limits.connectionCreditBytesMax)
    }

    /// The peer said what it accepts.
    package mutating func helloReceived(_ hello: Hello) {
        send = SendCredit(hello.connectionCreditBytes)
        streamSendInitial = hello.streamCreditBytes
    }

    /// A credit frame for the connection arrived.
    package mutating func granted(_ bytes: UInt32) throws(WireError) { try send.granted(bytes) }

    /// A counted frame goes out.
    package mutating func spend(_ cost: Int) { send.spend(cost) }

    /// A counted frame arrived, on whatever stream.
    package mutating func received(_ cost: Int, flags: FrameFlags) throws(WireError) {
        give(try receive.received(cost, hasWaited: flags.contains(.waited)), streamID: 0)
    }

    /// A data frame of a stream's messages arrived, charged to the connection before if it is counted.
    ///
    /// - Parameters:
    ///   - receiver: the stream. Nothing else holds it meanwhile, or the message under assembly would be copied.
    ///   - assemblyBytes: what messages in several frames hold on the connection.
    mutating func dataReceived(
        _ part: MessagePart, flags: FrameFlags, streamID: UInt32, by receiver: inout StreamReceiver,
        assemblyBytes: inout Int, limits: WireLimits
    ) throws(WireError) -> StreamReceiver.Event {
        let before = receiver.held.assembly
        var grant: UInt32?
        let event = try receiver.dataReceived(
            part, flags: flags, assemblyBytesLeft: limits.assemblyBytesMax - assemblyBytes, grant: &grant)
        assemblyBytes += receiver.held.assembly - before
        give(grant, streamID: streamID)
        guard flags.contains(.counted) else { return event }
        if part.isInSeveralFrames {
            returned(part.cost)
        } else if case .refused = event {
            returned(part.cost)
        }
        return event
    }

    /// What the peer may still send on the connection.
    var outstanding: Int { receive.outstanding }

    /// Whole messages arrived that are within all limits.
    mutating func runReceived(_ run: MessageRun) { receive.receivedRun(run.cost) }

    /// What the peer has sent of the connection's credit and nobody has given back.
    package var bytesHeld: Int { max(0, receive.held) }

    /// So much of the connection's credit is free again.
    package mutating func returned(_ cost: Int) {
        if cost > 0, let bytes = receive.returned(cost) { give(bytes, streamID: 0) }
    }

    /// A stream is to be given credit.
    package mutating func give(_ bytes: UInt32?, streamID: UInt32) {
        if let bytes, bytes > 0 { grants.append(Grant(streamID: streamID, bytes: bytes)) }
    }

    /// Whether credit frames are due.
    package var hasGrants: Bool { !grants.isEmpty }

    /// Takes the credit frames that are due.
    package mutating func takeGrants() -> [Grant] {
        defer { grants.removeAll(keepingCapacity: true) }
        return grants
    }
}

/// A call with a stream of messages to the peer.
protocol CreditedCall: Sendable {
    var sendCredit: SendCredit { get set }
}

extension ClientCallMachine: CreditedCall {}
extension ServerCallMachine: CreditedCall {}

/// Either end of a connection, as far as credit frames go.
protocol CreditHolder {
    associatedtype Call: CreditedCall
    var flow: FlowControl { get set }
    var calls: SlotTable<Call> { get set }
    var lastStreamID: UInt32 { get }
    mutating func spendGlitch(_ now: WireInstant) throws(WireError)
}

extension ClientConnectionMachine: CreditHolder {}
extension ServerConnectionMachine: CreditHolder {}

/// Who may send more.
enum CreditTarget {
    case connection
    case stream(CallSlot)
    /// A stream that has ended.
    case nobody
}

extension CreditHolder {
    mutating func creditTaken(_ frame: Frame, now: WireInstant) throws(WireError) -> CreditTarget {
        try frame.requireNoFlags()
        let credit = try CreditFrame(payload: frame.payload)
        let id = frame.header.streamID
        // A correct peer gives back a quarter of a window at once; what comes in drips costs a glitch.
        if credit.bytes < CreditFrame.smallBytes { try spendGlitch(now) }
        if id == 0 {
            try flow.granted(credit.bytes)
            return .connection
        }
        guard id <= lastStreamID else {
            throw WireError(.outOfOrder, "a credit for stream \(id), which was never opened")
        }
        guard let slot = calls.slot(of: id) else { return .nobody }
        try calls[slot]?.sendCredit.granted(credit.bytes)
        return .stream(slot)
    }
}
