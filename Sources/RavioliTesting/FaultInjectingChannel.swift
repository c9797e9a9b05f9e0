// SPDX-License-Identifier: Apache-2.0

public import Ravioli
import Synchronization

/// A channel that delays or refuses some calls of another channel, for trying out what callers do then.
///
/// Faults follow a seed, so a test's run can be had again. A refused call never reaches the other channel, and says so:
/// its error is marked not executed.
public final class FaultInjectingChannel: Channel {
    /// Which faults happen, and how often.
    public struct Faults: Sendable {
        /// How often among a million calls one is delayed. Default 0.
        public var delaysPerMillion = 0
        /// How long a delayed call waits before it is made; its deadline goes on. Default 0.
        public var delay: ClosedRange<Duration> = .zero ... .zero
        /// How often among a million calls one is refused, after its delay if it has one. Default 0.
        public var abortsPerMillion = 0
        /// What a refused call ends with. Default `unavailable`.
        public var abortCode = StatusCode.unavailable
        /// Calls that are delayed or refused at the same time; calls above it go through untouched. Default 1,000.
        public var activeMax = 1000

        /// No faults.
        public init() {}
    }

    private struct Fault {
        var delay: Duration?
        var isAborted = false
    }

    private let channel: any Channel
    private let faults: Faults
    private let random: SeededRandom
    private let sleep: @Sendable (Duration) async throws -> Void
    private let active = Mutex(0)

    /// A channel around another one.
    ///
    /// - Parameters:
    ///   - channel: what makes the calls that are not refused.
    ///   - faults: which faults happen.
    ///   - seed: decides which calls are hit.
    ///   - clock: what delays are measured on.
    public init(
        _ channel: any Channel, faults: Faults, seed: UInt64, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.channel = channel
        self.faults = faults
        random = SeededRandom(seed: seed)
        sleep = { try await clock.sleep(for: $0) }
    }

    /// Calls that are being delayed or refused now.
    public var faultsActive: Int { active.withLock { $0 } }

    /// Runs one call, unless it is refused.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        if let fault = begin() {
            defer { end() }
            try await suffer(fault)
        }
        return try await channel.unary(request)
    }

    /// Opens a call with streams, unless it is refused. Streams are not delayed: they are opened without waiting.
    public func stream(_ request: StreamRequest) -> any StreamCall {
        guard let fault = begin() else { return channel.stream(request) }
        defer { end() }
        return fault.isAborted ? FailedCall(refusal) : channel.stream(request)
    }

    private var refusal: RPCError { RPCError(faults.abortCode, "an injected fault", executed: .no) }

    /// The fault of the next call. Numbers are drawn for every call, so the cap does not move later faults.
    private func begin() -> Fault? {
        let isDelayed = random.happens(perMillion: faults.delaysPerMillion)
        let delay = random.duration(in: faults.delay)
        let isAborted = random.happens(perMillion: faults.abortsPerMillion)
        guard isDelayed || isAborted else { return nil }
        let isWithinCap = active.withLock { active in
            guard active < faults.activeMax else { return false }
            active += 1
            return true
        }
        return isWithinCap ? Fault(delay: isDelayed ? delay : nil, isAborted: isAborted) : nil
    }

    private func end() { active.withLock { $0 -= 1 } }

    private func suffer(_ fault: Fault) async throws(RPCError) {
        if let delay = fault.delay {
            do { try await sleep(delay) } catch {
                throw RPCError(.cancelled, "the caller was cancelled during an injected delay", executed: .no)
            }
        }
        if fault.isAborted { throw refusal }
    }
}
