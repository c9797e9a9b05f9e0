// SPDX-License-Identifier: Apache-2.0

/// How a call ended, with gRPC's numbers and meanings.
public struct StatusCode: Sendable, Hashable, CustomStringConvertible {
    private enum Number: UInt8, Sendable, CaseIterable {
        case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists,
            permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`,
            unavailable
        case dataLoss, unauthenticated
    }

    private let number: Number
    private init(_ number: Number) { self.number = number }

    /// Success. Never the code of an error.
    public static let ok = StatusCode(.ok)
    /// The caller, or whoever waits for it, gave up. Do nothing.
    public static let cancelled = StatusCode(.cancelled)
    /// An error of which nothing better is known. Look at the server's log.
    public static let unknown = StatusCode(.unknown)
    /// The request is wrong whatever the state of the system. Correct it.
    public static let invalidArgument = StatusCode(.invalidArgument)
    /// Time ran out; the call may have had its effect. Ask before repeating what is not idempotent.
    public static let deadlineExceeded = StatusCode(.deadlineExceeded)
    /// What was asked for does not exist.
    public static let notFound = StatusCode(.notFound)
    /// What was to be created exists.
    public static let alreadyExists = StatusCode(.alreadyExists)
    /// The caller is known and may not do this.
    public static let permissionDenied = StatusCode(.permissionDenied)
    /// A limit, quota or budget is used up. Wait, or send less.
    public static let resourceExhausted = StatusCode(.resourceExhausted)
    /// The system is not in the state the call needs. Change the state first.
    public static let failedPrecondition = StatusCode(.failedPrecondition)
    /// A conflict with another caller. Repeat from a higher level, for instance read and write again.
    public static let aborted = StatusCode(.aborted)
    /// Past the valid range; may become valid when the system changes.
    public static let outOfRange = StatusCode(.outOfRange)
    /// The server has no such service or method.
    public static let unimplemented = StatusCode(.unimplemented)
    /// A fault of the server. Look at its log.
    public static let `internal` = StatusCode(.internal)
    /// The service cannot be reached now. Repeat with a pause, if the executed mark allows.
    public static let unavailable = StatusCode(.unavailable)
    /// Data is lost or damaged beyond repair.
    public static let dataLoss = StatusCode(.dataLoss)
    /// The caller is not known. Present credentials.
    public static let unauthenticated = StatusCode(.unauthenticated)

    /// Every code, in the order of its number.
    public static let all: [StatusCode] = Number.allCases.map(StatusCode.init)

    /// gRPC's number, 0 to 16.
    public var rawValue: UInt8 { number.rawValue }

    /// The code of a number; nil above 16.
    public init?(rawValue: UInt8) {
        guard let number = Number(rawValue: rawValue) else { return nil }
        self.number = number
    }

    /// A code read from a peer: unknown numbers mean ``unknown``.
    package init(wire number: UInt8) { self.number = Number(rawValue: number) ?? .unknown }

    /// The name as Connect and gRPC's documentation spell it, for instance `invalid_argument`.
    public var name: String {
        switch number {
        case .ok: "ok"
        case .cancelled: "canceled"
        case .unknown: "unknown"
        case .invalidArgument: "invalid_argument"
        case .deadlineExceeded: "deadline_exceeded"
        case .notFound: "not_found"
        case .alreadyExists: "already_exists"
        case .permissionDenied: "permission_denied"
        case .resourceExhausted: "resource_exhausted"
        case .failedPrecondition: "failed_precondition"
        case .aborted: "aborted"
        case .outOfRange: "out_of_range"
        case .unimplemented: "unimplemented"
        case .internal: "internal"
        case .unavailable: "unavailable"
        case .dataLoss: "data_loss"
        case .unauthenticated: "unauthenticated"
        }
    }

    /// The code of a ``name``; nil for any other text.
    public init?(name: String) {
        guard let code = Self.all.first(where: { $0.name == name }) else { return nil }
        self = code
    }

    /// The code's name.
    public var description: String { name }
}
