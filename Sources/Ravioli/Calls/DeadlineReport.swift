// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// What used up a call's time, told by the hop that noticed first. It travels as a detail of the status,
/// `ravioli.status.v1.DeadlineDetail`.
public struct DeadlineReport: Sendable, Hashable {
    /// What the time was spent with when it ended.
    public enum Phase: Sendable, Hashable {
        /// Waiting for a place: at the client for one on the connection, on the server for one among the running calls.
        case queued
        /// Making a connection.
        case connecting
        /// Sending the request.
        case sending
        /// In the handler; where the client noticed, on the way to it or back as well.
        case handler
        /// In a call that the handler made.
        case downstream
        /// Nothing: no message of a stream came or went for the time it had.
        case idle
    }

    /// What the time was spent with.
    public var phase: Phase
    /// Where: the name the server there gives itself (``ServerOptions/name``), or its address as its client knows it.
    public var hop: String
    /// What was called there, `package.Service/Method`.
    public var method: String

    /// A report from its parts.
    public init(phase: Phase, hop: String, method: String) {
        self.phase = phase
        self.hop = hop
        self.method = method
    }

    /// For people, for instance `in the handler of shop.v1.Pricing/Quote on pricing`.
    var text: String {
        switch phase {
        case .queued: "while \(method) was queued for \(hop)"
        case .connecting: "while connecting to \(hop)"
        case .sending: "while the request of \(method) was sent to \(hop)"
        case .handler: "in the handler of \(method) on \(hop)"
        case .downstream: "in the call of \(method), made by \(hop)"
        case .idle: "without a message of \(method) on \(hop)"
        }
    }

    private static let numbers: [(Phase, DeadlinePhase)] = [
        (.queued, .queued), (.connecting, .connecting), (.sending, .sending), (.handler, .handler),
        (.downstream, .downstream), (.idle, .idle),
    ]

    var details: [StatusDetail] {
        let number = Self.numbers.first { $0.0 == phase }?.1 ?? .unspecified
        let detail = try? StatusDetail(DeadlineDetail(phase: number, hop: hop, method: method))
        return detail.map { [$0] } ?? []
    }

    init?(_ details: [StatusDetail]) {
        for detail in details {
            guard let found = try? detail.message(as: DeadlineDetail.self),
                let phase = Self.numbers.first(where: { $0.1 == found.phase })?.0
            else { continue }
            self.init(phase: phase, hop: found.hop, method: found.method)
            return
        }
        return nil
    }
}

extension RPCError {
    /// What used up the call's time; nil for errors other than `deadline_exceeded`, and for peers that do not say.
    public var deadlineReport: DeadlineReport? {
        code == .deadlineExceeded ? DeadlineReport(details) : nil
    }

    /// A call's time is up on this end, which made it.
    static func timeUp(call report: DeadlineReport, executed: Executed) -> RPCError {
        RPCError(
            call: .deadlineExceeded, "the deadline passed \(report.text)", details: report.details,
            executed: executed)
    }

    /// A call's time is up on this end, which serves it.
    static func timeUp(_ report: DeadlineReport, executed: Executed) -> RPCError {
        RPCError(
            .deadlineExceeded, "the deadline passed \(report.text)", details: report.details,
            executed: executed)
    }
}
