// SPDX-License-Identifier: Apache-2.0

// A connection of the simulated network: two ends, and in each direction pieces of bytes on their way, in order, with the
// time at which each arrives. A direction has at most one piece of work on the loop. Loop only.

import NIOCore
import Ravioli

/// Two ends and the way between them. Loop only.
final class SimulatedConnection {
    let loop: SimulatedLoop
    let random: SeededRandom
    let route: SimulatedRoute
    private(set) var client: SimulatedWire
    private(set) var server: SimulatedWire

    init(
        _ client: VirtualEnd, _ server: VirtualEnd, route: SimulatedRoute, loop: SimulatedLoop,
        random: SeededRandom
    ) {
        self.loop = loop
        self.random = random
        self.route = route
        self.client = SimulatedWire(client)
        self.server = SimulatedWire(server)
        self.client.connection = self
        self.server.connection = self
        self.client.other = self.server
        self.server.other = self.client
    }

    func begin() {
        server.end.connected(peer: "simulated client")
        client.end.connected(peer: "simulated server")
    }

    /// Whether an end is left that has not heard of the end.
    var isOpen: Bool { !client.isGone || !server.isGone }
    /// Whether nothing is on its way in either direction.
    var isQuiet: Bool { client.isQuiet && server.isQuiet }
    /// Whether both ends stand.
    var isWhole: Bool { !client.isGone && !server.isGone && !client.isClosing && !server.isClosing }

    func cut(_ cut: SimulatedNetwork.Cut) {
        let error = SimulatedNetwork.ConnectError(description: "connection reset")
        client.drop()
        server.drop()
        if cut != .serverVanishes { client.vanish(error) }
        if cut != .clientVanishes { server.vanish(error) }
    }

    /// Goes on after a partition.
    func healed() {
        client.pump()
        server.pump()
    }
}

/// What one end's bytes go through. Loop only.
final class SimulatedWire: VirtualWire {
    private struct Piece {
        /// Nil for the end of the connection.
        let bytes: ByteBuffer?
        let at: Int64
    }

    let end: VirtualEnd
    weak var connection: SimulatedConnection?
    weak var other: SimulatedWire?
    private var pieces = CircularBuffer<Piece>()
    private var bytesUnderway = 0
    private var lastArrival: Int64 = 0
    private var isScheduled = false
    /// The receiver does not read, for its own output waits.
    private var isWithheld = false
    private(set) var isClosing = false
    private(set) var isGone = false

    init(_ end: VirtualEnd) {
        self.end = end
        end.wire = self
    }

    var isQuiet: Bool { pieces.isEmpty }

    // MARK: VirtualWire

    var isWritable: Bool { bytesUnderway < (connection?.route.conditions.bufferBytes ?? 0) }

    func write(_ bytes: ByteBuffer) {
        guard let connection, !isGone, !isClosing, let other, !other.isGone else { return }
        let conditions = connection.route.conditions
        if connection.random.happens(perMillion: conditions.lossesPerMillion) {
            return connection.loop.later(self) { $0.connection?.cut(.reset) }
        }
        bytesUnderway += bytes.readableBytes
        var rest = bytes
        if connection.random.happens(perMillion: conditions.dribblesPerMillion) {
            var left = 64
            while left > 0, let byte = rest.readSlice(length: min(1, rest.readableBytes)),
                byte.readableBytes > 0
            {
                append(byte)
                left -= 1
            }
            let most = max(1, rest.readableBytes / 3)
            while rest.readableBytes > 0 {
                let length = min(rest.readableBytes, connection.random.int(in: 1...most))
                if let piece = rest.readSlice(length: length) { append(piece) }
            }
        } else {
            append(rest)
        }
        pump()
    }

    func close() {
        guard !isClosing, !isGone else { return }
        isClosing = true
        append(nil)
        pump()
        connection?.loop.later(self) { $0.vanish(nil) }
    }

    // MARK: Delivery

    private func append(_ bytes: ByteBuffer?) {
        guard let connection else { return }
        let latency = Int64(connection.random.duration(in: connection.route.conditions.latency).nanoseconds)
        lastArrival = max(lastArrival, connection.loop.nanoseconds + latency)
        pieces.append(Piece(bytes: bytes, at: lastArrival))
    }

    /// Sees to it that the next piece arrives at its time.
    func pump() {
        guard let connection, !isScheduled, let next = pieces.first, !connection.route.isPartitioned else {
            return
        }
        isScheduled = true
        connection.loop.at(next.at, self) { $0.arrived() }
    }

    private func arrived() {
        isScheduled = false
        guard let connection, let other, !connection.route.isPartitioned, let next = pieces.first else {
            return
        }
        if other.end.readsOnlyWhileWritable, !other.isWritable, !other.isGone, next.bytes != nil {
            other.isWithheld = true
            return
        }
        pieces.removeFirst()
        guard let bytes = next.bytes else { return other.vanish(nil) }
        let wasWritable = isWritable
        bytesUnderway -= bytes.readableBytes
        other.end.received(bytes)
        if !wasWritable, isWritable { becameWritable() }
        pump()
    }

    private func becameWritable() {
        end.becameWritable()
        guard isWithheld else { return }
        isWithheld = false
        other?.pump()
    }

    /// What is on its way is gone.
    func drop() {
        pieces.removeAll()
        bytesUnderway = 0
    }

    /// This end hears that the connection is over.
    func vanish(_ error: (any Error)?) {
        if isGone { return }
        isGone = true
        end.disconnected(cause: error)
        connection?.route.ended()
    }
}

extension SimulatedLoop {
    /// Calls back at the end of what is under way.
    func later(_ wire: SimulatedWire, _ body: @escaping @Sendable (SimulatedWire) -> Void) {
        at(0, wire, body)
    }

    /// Calls back at a time.
    func at(_ time: Int64, _ wire: SimulatedWire, _ body: @escaping @Sendable (SimulatedWire) -> Void) {
        let bound = NIOLoopBound(Held(wire: wire, connection: wire.connection), eventLoop: self)
        enqueue(at: time) { body(bound.value.wire) }
    }

    /// Keeps a connection as long as something is on its way.
    private struct Held {
        let wire: SimulatedWire
        let connection: SimulatedConnection?
    }
}
