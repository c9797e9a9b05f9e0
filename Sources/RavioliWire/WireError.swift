// SPDX-License-Identifier: Apache-2.0

/// Why a connection cannot go on, or could not begin.
///
/// A peer's violation of the protocol is thrown as one of these, never trapped on. The code's number is what a
/// goaway frame carries, so both ends name the cause alike.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The cause, by its number on the wire.
    public var code: Code
    /// What was wrong and where, bounded and free of the peer's bytes.
    public var message: String

    /// An error with a cause and its explanation.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// For instance `frame_too_large: …`.
    public var description: String { "\(code.name): \(message)" }

    /// The causes. Each says what the end that receives it should do.
    public struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The number in a goaway frame.
        public let rawValue: UInt8
        /// A code by number; unknown numbers are kept.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Nothing is wrong: the end is leaving in good order. Connect again for further calls.
        public static let none = Code(rawValue: 0)
        /// A frame broke its own layout. Fix the sender.
        public static let malformedFrame = Code(rawValue: 1)
        /// A frame was longer than announced as acceptable. Fix the sender.
        public static let frameTooLarge = Code(rawValue: 2)
        /// A kind that is neither known nor ignorable. Negotiate features first.
        public static let unknownKind = Code(rawValue: 3)
        /// A frame that is not legal now, for instance a call before the hello. Fix the sender.
        public static let outOfOrder = Code(rawValue: 4)
        /// The hello is unusable: another major version, or limits that make no sense.
        public static let helloRefused = Code(rawValue: 5)
        /// The first bytes belong to another protocol. Look at the port.
        public static let wrongProtocol = Code(rawValue: 6)
        /// Too many cancels, control frames or suspicious events. Slow down.
        public static let flood = Code(rawValue: 7)
        /// The hello or a frame did not arrive in time, or the peer fell silent.
        public static let timeout = Code(rawValue: 8)
        /// The end had a fault of its own. Connect again.
        public static let internalFault = Code(rawValue: 9)
        /// More was sent than the receiver gave credit for, or more credit given than can be counted. Fix the sender.
        public static let creditExceeded = Code(rawValue: 10)
        /// Limits given by the application contradict each other. Never on the wire.
        public static let limitsInvalid = Code(rawValue: 255)

        /// The name used in logs and in the specification.
        public var name: String {
            switch self {
            case .none: "none"
            case .malformedFrame: "malformed_frame"
            case .frameTooLarge: "frame_too_large"
            case .unknownKind: "unknown_kind"
            case .outOfOrder: "out_of_order"
            case .helloRefused: "hello_refused"
            case .wrongProtocol: "wrong_protocol"
            case .flood: "flood"
            case .timeout: "timeout"
            case .internalFault: "internal_fault"
            case .creditExceeded: "credit_exceeded"
            case .limitsInvalid: "limits_invalid"
            default: "code_\(rawValue)"
            }
        }

        /// The code's name.
        public var description: String { name }
    }
}
