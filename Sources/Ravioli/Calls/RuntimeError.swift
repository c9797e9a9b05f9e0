// SPDX-License-Identifier: Apache-2.0

/// A fault of configuration or life cycle: what concerns a client or server as a whole, not one call.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    /// What kind of fault.
    public struct Code: Sendable, Hashable {
        private enum Value: Sendable { case invalidConfiguration, cannotBind, alreadyStarted, stopped }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// Options, limits or services that contradict each other. Correct the program.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The address cannot be listened on. Choose another or end who holds it.
        public static let cannotBind = Code(.cannotBind)
        /// A server or client was started twice. Make another one.
        public static let alreadyStarted = Code(.alreadyStarted)
        /// The server has stopped.
        public static let stopped = Code(.stopped)
    }

    /// What kind of fault.
    public var code: Code
    /// What exactly.
    public var message: String
    /// What lies behind it.
    public var cause: (any Error)?

    /// A fault with its explanation.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, and the cause if there is one.
    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
