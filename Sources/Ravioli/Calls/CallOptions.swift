// SPDX-License-Identifier: Apache-2.0

/// How important a call is. When a service must shed load it begins with the least.
public struct Criticality: Sendable, Hashable, Comparable {
    /// 0 to 3, as it travels.
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = min(rawValue, 3) }

    /// May fail at any time, for instance a prefetch.
    public static let sheddable = Criticality(rawValue: 0)
    /// Partial outages are expected.
    public static let sheddablePlus = Criticality(rawValue: 1)
    /// The default: a user notices.
    public static let critical = Criticality(rawValue: 2)
    /// Reserved for what must work last.
    public static let criticalPlus = Criticality(rawValue: 3)

    /// Whether `a` is shed before `b`.
    public static func < (a: Criticality, b: Criticality) -> Bool { a.rawValue < b.rawValue }
}

/// What a caller decides for one call.
public struct CallOptions: Sendable {
    /// Everything inherited or at its default.
    public static var defaults: CallOptions { CallOptions() }
    /// The deadline of a unary call that has none and inherits none: 15 s.
    public static let timeoutDefault: Duration = .seconds(15)

    /// Time for the whole call: connecting, queueing, sending, the handler, the answer. Default nil: the inherited
    /// deadline, or ``timeoutDefault`` when there is none; a call with a stream then has no deadline at all. An inherited
    /// deadline that is earlier always wins.
    public var timeout: Duration?
    /// Time a call with a stream may go without a message in either direction; then it ends with `deadline_exceeded`, phase
    /// `idle`. Default nil: for ever, as far as the deadline allows. A unary call has none.
    public var messageTimeout: Duration?
    /// Sent with the request, after what is inherited. Default empty.
    public var metadata = Metadata()
    /// Default nil: inherited, or `.critical`.
    public var criticality: Criticality?
    /// Whether to wait for a connection until the deadline instead of failing when none can be made. Default false.
    public var waitForReady = false
    /// How many tries of the same call went before. Default 0; retrying decorators set it.
    public var attempt: UInt8 = 0

    /// Everything inherited or at its default.
    public init() {}

    /// The defaults with a timeout.
    public static func timeout(_ timeout: Duration) -> CallOptions {
        var options = CallOptions()
        options.timeout = timeout
        return options
    }

    /// The defaults with metadata.
    public static func metadata(_ metadata: Metadata) -> CallOptions {
        var options = CallOptions()
        options.metadata = metadata
        return options
    }
}
