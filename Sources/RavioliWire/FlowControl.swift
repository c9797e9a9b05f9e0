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
        receive = ReceiveCredit(limits.connectionCreditBytes)
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
    package mutating func received(_ cost: Int) throws(WireError) { try receive.received(cost) }

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
