// SPDX-License-Identifier: Apache-2.0

// Credit is what a receiver is still willing to be sent, in bytes of messages. A frame that begins a message costs 16
// bytes more than it carries, so that empty messages are not free either. Two accounts are charged for each counted
// frame: the stream's and the connection's; both ends keep the same books, so neither ever has to ask.

/// What counted data frames cost.
package enum StreamCost {
    /// Added for each message.
    package static let messageOverhead = 16
    /// A sender does not begin a message while it has credit for less than this, unless the message is smaller: chunks
    /// of a few bytes would cost more in headers than they carry.
    package static let worthwhile = 4096 + messageOverhead

    package static func of(bytes: Int, beginsMessage: Bool) -> Int {
        bytes + (beginsMessage ? messageOverhead : 0)
    }

    /// How many bytes of a message to put into the next frame; nil when to wait for credit.
    ///
    /// - Parameters:
    ///   - left: bytes of the message that have not been sent.
    ///   - begins: whether the frame begins the message. It carries all of it, or less and the message's length.
    ///   - available: the credit there is.
    ///   - window: the smaller of the credits that the stream and the connection started with. To wait for more than
    ///     half of it could mean to wait for ever.
    package static func bytesToSend(
        left: Int, begins: Bool, available: Int, frameBytesMax: Int, window: Int
    ) -> Int? {
        if begins, left <= frameBytesMax, left + messageOverhead <= available { return left }
        let most =
            begins
            ? min(left - 1, available - messageOverhead, frameBytesMax - 4)
            : min(left, available, frameBytesMax)
        let least = min(begins ? left - 1 : left, worthwhile, max(1, window / 2 - messageOverhead))
        return most >= max(1, min(least, frameBytesMax - 4)) ? most : nil
    }
}

/// The sender's account: what it may still send.
package struct SendCredit: Sendable, Hashable {
    /// More than this cannot be counted.
    private static let most = Int(Int32.max)

    package private(set) var available: Int

    package init(_ initial: UInt32) { available = min(Int(initial), Self.most) }

    /// A credit frame arrived.
    package mutating func granted(_ bytes: UInt32) throws(WireError) {
        guard Int(bytes) <= Self.most - available else {
            throw WireError(.creditExceeded, "a credit that makes more than \(Self.most) bytes")
        }
        available += Int(bytes)
    }

    /// A frame goes out; it costs no more than ``available``.
    package mutating func spend(_ cost: Int) { available -= cost }
}

/// The receiver's account: what the peer may still send, and what is due to it again.
///
/// The window grows where it is smaller than what can be under way between the two: the sender says that it had to wait
/// for credit, and yet hardly anything is here to be read. That takes no clock and no question. A reader that falls
/// behind has something to read, so its window stays what it is.
package struct ReceiveCredit: Sendable, Hashable {
    /// What the peer may have sent that has not been read.
    package private(set) var window: Int
    /// The window never grows past this.
    private let windowMax: Int
    /// What it may still send.
    package private(set) var outstanding: Int
    /// Read or thrown away, and not given back yet.
    private(set) var due = 0
    /// What came since the window was set: it doubles once for each half of itself at most.
    private var received = 0

    /// - Parameters:
    ///   - window: what the peer starts with.
    ///   - windowMax: what the window may grow to; one that is smaller keeps it as it is.
    package init(_ window: Int, windowMax: Int = 0) {
        self.window = window
        self.windowMax = windowMax
        outstanding = window
    }

    /// Received and not given back.
    package var held: Int { window - outstanding }
    private var unread: Int { held - due }

    /// A counted frame arrived.
    ///
    /// - Parameter hasWaited: whether the sender says that it waited for credit.
    /// - Returns: what to give at once, because the window has grown.
    package mutating func received(_ cost: Int, hasWaited: Bool = false) throws(WireError) -> UInt32? {
        guard cost <= outstanding else {
            throw WireError(.creditExceeded, "a frame that costs \(cost), where \(outstanding) was left")
        }
        let isTight = hasWaited && window < windowMax && unread <= window / 8 && received >= window / 2
        received += cost
        outstanding -= cost
        return isTight ? grow() : nil
    }

    /// Counted frames arrived that cost no more than ``outstanding`` together and did not wait.
    mutating func receivedRun(_ cost: Int) {
        received += cost
        outstanding -= cost
    }

    private mutating func grow() -> UInt32 {
        let more = min(window, windowMax - window)
        window += more
        due += more
        received = 0
        return giveBack()
    }

    /// So much has been read; returns what to give back now. That is rarely little: a frame for each message read would
    /// cost more than the messages.
    ///
    /// - Parameter isUrgent: whether the peer may be waiting for every byte, because half a message is here.
    package mutating func returned(_ cost: Int, isUrgent: Bool = false) -> UInt32? {
        due += cost
        let enough = outstanding < window / 4 ? min(CreditFrame.smallBytes, window / 4) : window / 4
        return due > 0 && (isUrgent || due >= enough) ? giveBack() : nil
    }

    private mutating func giveBack() -> UInt32 {
        defer { due = 0 }
        outstanding += due
        return UInt32(clamping: due)
    }

    /// A message in several frames begins, which costs `cost` in all: returns what to give for it at once, so that it
    /// can be complete without any of it being read.
    package mutating func messageBegan(_ cost: Int) -> UInt32? {
        let bytes = max(0, cost - window) + due
        due = 0
        outstanding += bytes
        return bytes > 0 ? UInt32(clamping: bytes) : nil
    }
}

/// What a message that was delivered holds until it is read.
package struct MessageCost: Sendable, Hashable {
    /// Of the stream's credit.
    package var stream = 0
    /// Of the connection's credit.
    package var connection = 0
    /// Of the connection's budget for messages longer than a frame.
    package var assembly = 0

    package init(stream: Int = 0, connection: Int = 0, assembly: Int = 0) {
        self.stream = stream
        self.connection = connection
        self.assembly = assembly
    }

    package static func + (a: MessageCost, b: MessageCost) -> MessageCost {
        MessageCost(
            stream: a.stream + b.stream, connection: a.connection + b.connection,
            assembly: a.assembly + b.assembly)
    }

    package static func - (a: MessageCost, b: MessageCost) -> MessageCost {
        MessageCost(
            stream: a.stream - b.stream, connection: a.connection - b.connection,
            assembly: a.assembly - b.assembly)
    }
}
