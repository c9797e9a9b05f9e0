// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli

/// Why a request with a key, or without one that it needs, is not answered by its call.
enum IdempotencyRefusal: Error, Sendable, Hashable {
    /// The method needs a key and there is none.
    case missing
    /// The key is none.
    case malformed
    /// The key stands for another request.
    case mismatch
    /// The first request with this key still runs.
    case running
    /// The first request with this key began and its end was never heard of.
    case lost
    /// The call was made, but its answer was not kept.
    case notKept
    /// The store takes no more keys.
    case full
    /// The store does not work.
    case broken

    /// As it is told in the protocols of calls.
    var error: RPCError { RPCError(code, message, executed: .no) }

    /// As it is told in REST, where HTTP has a better status for some.
    var failure: RESTFailure {
        var failure = RESTFailure(error)
        if self == .mismatch { failure.status = .unprocessableContent }
        failure.headers = fields
        return failure
    }

    /// What goes along in HTTP's header, whichever the protocol.
    var fields: HTTPFields {
        switch self {
        case .running, .full, .broken: [.retryAfter: "1"]
        default: [:]
        }
    }

    private var code: StatusCode {
        switch self {
        case .missing, .malformed: .invalidArgument
        case .mismatch: .failedPrecondition
        case .running, .lost, .notKept: .aborted
        case .full, .broken: .unavailable
        }
    }

    private var message: String {
        switch self {
        case .missing: "the method needs an Idempotency-Key"
        case .malformed: "the Idempotency-Key is not one string of printable characters of the allowed length"
        case .mismatch: "the Idempotency-Key has been used for another request"
        case .running: "the first request with this Idempotency-Key is still running"
        case .lost: "the outcome of the first request with this Idempotency-Key is not known"
        case .notKept: "the request with this Idempotency-Key was executed; its answer was not kept"
        case .full: "no more idempotency keys can be kept for now"
        case .broken: "idempotency keys cannot be kept for now"
        }
    }
}
