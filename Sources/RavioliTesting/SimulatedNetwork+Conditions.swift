// SPDX-License-Identifier: Apache-2.0

extension SimulatedNetwork {
    /// What the way to a server is like.
    public struct Conditions: Sendable {
        /// A way without faults: half a millisecond each direction.
        public static var calm: Conditions { Conditions() }

        /// The time a piece of bytes is on its way. Pieces of one connection never overtake each other. Default 500 µs.
        public var latency: ClosedRange<Duration> = .microseconds(500)...(.microseconds(500))
        /// How often among a million writes the bytes arrive in pieces, the first 64 bytes one by one. Default 0.
        public var dribblesPerMillion = 0
        /// How often among a million writes the connection is lost: both ends hear of it, and bytes on their way are gone.
        /// Default 0.
        public var lossesPerMillion = 0
        /// How often among a million attempts to connect one is refused. Default 0.
        public var refusalsPerMillion = 0
        /// Bytes on their way in one direction from which on a sender waits. Default 64 KiB.
        public var bufferBytes = 64 * 1024

        /// A way without faults.
        public init() {}
    }

    /// What becomes of a connection that is cut.
    public enum Cut: Sendable, Hashable {
        /// Both ends hear of it.
        case reset
        /// The server's end is gone; the client hears nothing, and nothing comes back.
        case serverVanishes
        /// The client's end is gone; the server hears nothing, and nothing comes back.
        case clientVanishes
    }

    /// Why an attempt to connect failed.
    public struct ConnectError: Error, CustomStringConvertible {
        /// In a few words.
        public let description: String
    }
}
