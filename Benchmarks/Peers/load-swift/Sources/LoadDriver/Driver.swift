// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A run of a load client: when it counts, what it has issued, and its line of JSON at the end.
public final class Driver: Sendable {
    /// What it was told.
    public let options: LoadOptions
    private let start: UInt64
    private let pacer: Pacer?
    fileprivate let window: Range<UInt64>
    private let issued = Atomic<Int>(0)
    fileprivate let complaints = Atomic<Int>(0)

    /// Starts the clock.
    public init(_ options: LoadOptions) {
        self.options = options
        start = nanosecondsNow()
        let begin = options.calls > 0 ? start : start + UInt64(options.warmUp * 1e9)
        // What is bounded by its calls ends long before a day has gone.
        window = begin..<(begin + (options.calls > 0 ? 86_400_000_000_000 : UInt64(options.seconds * 1e9)))
        pacer =
            options.rate > 0
            ? Pacer(workers: options.inFlight, rate: options.rate, start: start, end: window.upperBound) : nil
    }

    /// Whether a further call, or stream, is to be made; counts it.
    public func more() -> Bool {
        guard options.calls > 0 else { return nanosecondsNow() < window.upperBound }
        return issued.add(1, ordering: .relaxed).newValue <= options.calls
    }

    /// How many messages a stream carries before the next one is opened: enough that opening costs nothing.
    public var streamMessages: Int {
        if options.messages > 0 { return options.messages }
        if options.calls > 0 { return 8 }
        return max(8, min(10_000, (8 << 20) / (options.payload + 64)))
    }

    /// Worker `worker` of those in flight: calls over and over, and returns what it saw.
    public func unary(worker: Int, call: (_ isSlow: Bool) async throws -> Void) async -> Meter {
        var meter = Meter(self)
        var turn = 0
        while more() {
            let slow = meter.isSlow(turn)
            var begin = nanosecondsNow()
            if let pacer {
                let due = pacer.due(worker: worker, turn: turn, of: options.inFlight)
                if due > window.upperBound { break }
                if due > begin { await pacer.wait(worker: worker, turn: turn) }
                begin = due
            }
            turn += 1
            do {
                try await call(slow)
                meter.ended(from: begin, slow: slow)
            } catch {
                meter.failed(error)
            }
        }
        return meter
    }

    /// A worker that opens streams over and over, and returns what it saw.
    public func streams(stream: (_ tally: Tally) async throws -> Void) async -> Meter {
        var meter = Meter(self)
        let tally = Tally(window)
        while more() {
            do { try await stream(tally) } catch { meter.failed(error) }
        }
        meter.add(tally)
        return meter
    }

    /// Adds up what the workers saw, prints one line of JSON and keeps the connections open as long as it was told; returns
    /// the process' exit code.
    public func report(_ meters: [Meter]) async -> Int32 {
        let seconds = options.calls > 0 ? Double(nanosecondsNow() - start) / 1e9 : options.seconds
        var all = Meter(self)
        for meter in meters { all.add(meter) }
        var line =
            "{\"calls\": \(all.calls), \"total_calls\": \(all.total), \"seconds\": \(seconds), "
            + "\"errors\": \(all.errors), \"bytes\": \(all.calls * options.payload)"
        if all.times.count > 0 {
            let mean = Double(all.times.sum) / Double(all.times.count) / 1000
            line += ", \"mean_us\": \(mean), \"max_us\": \(Double(all.times.max) / 1000)"
            for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
                line += ", \"\(name)_us\": \(all.times.percentile(share) / 1000)"
            }
        }
        writeLine(line + "}", to: STDOUT_FILENO)
        if options.hold > 0 { try? await Task.sleep(for: .seconds(options.hold)) }
        return all.errors > 0 || all.total == 0 ? 1 : 0
    }
}

/// Counts the messages of one worker's streams. Any task may tell it.
public final class Tally: Sendable {
    private let window: Range<UInt64>
    fileprivate let calls = Atomic<Int>(0)
    fileprivate let total = Atomic<Int>(0)

    fileprivate init(_ window: Range<UInt64>) { self.window = window }

    /// A message arrived, or was handed over to be sent.
    public func message() {
        total.add(1, ordering: .relaxed)
        if window.contains(nanosecondsNow()) { calls.add(1, ordering: .relaxed) }
    }
}

/// What one worker has seen.
public struct Meter: Sendable {
    /// An answer that is not what was asked for.
    public struct WrongAnswer: Error {
        /// Nothing but that.
        public init() {}
    }

    private let load: Driver
    fileprivate var times = Histogram()
    fileprivate var calls = 0
    fileprivate var total = 0
    fileprivate var errors = 0

    fileprivate init(_ load: Driver) { self.load = load }

    fileprivate func isSlow(_ turn: Int) -> Bool {
        load.options.slowPercent > 0 && turn % Int(100 / load.options.slowPercent) == 0
    }

    /// Slow calls are not in the histogram.
    fileprivate mutating func ended(from begin: UInt64, slow: Bool) {
        let now = nanosecondsNow()
        total += 1
        guard load.window.contains(now) else { return }
        calls += 1
        if !slow { times.record(now > begin ? now - begin : 0) }
    }

    fileprivate mutating func failed(_ error: any Error) {
        errors += 1
        if load.complaints.add(1, ordering: .relaxed).newValue <= 3 { complain("a call failed: \(error)") }
    }

    fileprivate mutating func add(_ tally: Tally) {
        calls += tally.calls.load(ordering: .relaxed)
        total += tally.total.load(ordering: .relaxed)
    }

    fileprivate mutating func add(_ other: Meter) {
        times.add(other.times)
        calls += other.calls
        total += other.total
        errors += other.errors
    }
}

/// Pi by Leibniz' series, as in niklas-heer/speed-comparison.
public func leibnizPi(rounds: Int) -> Double {
    var (sign, pi) = (1.0, 1.0)
    for index in 2..<(rounds + 2) {
        sign = -sign
        pi += sign / (2 * Double(index) - 1)
    }
    return pi * 4
}
