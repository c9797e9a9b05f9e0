// SPDX-License-Identifier: Apache-2.0

// Clients that call without end, servers that come and go, and a network that does what networks do, all decided by one
// seed. What occurs at all differs from seed to seed, for faults and features that occur together hide each other.

import Ravioli
import RavioliTesting
import RavioliWire

/// What may occur in a swarm. A seed switches each on or off.
enum SwarmFeature: String, CaseIterable, Sendable {
    // Calls.
    case metadata, errors, watch, collect, converse, deadlines, cancellation, waiting, ranks
    case largeMessages, slowHandlers, stubbornHandlers, slowReaders, interceptors
    // Clients and servers.
    case limits, age, idle, keepalive, shortQueues, quickBackoff
    // The way between them.
    case steadyLatency, dribble, losses, refusals, narrowness
    // What happens to them.
    case reset, serverVanishes, clientVanishes, partition, drain, abort, weather

    static let faults: [SwarmFeature] = [
        .reset, .serverVanishes, .clientVanishes, .partition, .drain, .abort, .weather,
    ]
}

/// Which part of a seed's swarm lives: all of it, or so much as shows a fault.
struct SwarmScope: Hashable, Sendable, CustomStringConvertible {
    var seed: UInt64
    /// The first so many calls.
    var calls = 500
    /// The first so many faults; nil for all.
    var faults: Int?
    /// What the seed switches on, and yet is off.
    var without: Set<SwarmFeature> = []

    init(seed: UInt64, calls: Int = 500) {
        self.seed = seed
        self.calls = calls
    }

    /// Reads what ``description`` says.
    init?(_ text: String) {
        let parts = text.split(separator: ",")
        guard let seed = parts.first.flatMap({ UInt64($0) }) else { return nil }
        self.seed = seed
        for part in parts.dropFirst() {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2 else { return nil }
            switch sides[0] {
            case "calls":
                guard let calls = Int(sides[1]) else { return nil }
                self.calls = calls
            case "faults":
                guard let faults = Int(sides[1]) else { return nil }
                self.faults = faults
            case "without":
                let features = sides[1].split(separator: "+").map { SwarmFeature(rawValue: String($0)) }
                guard features.allSatisfy({ $0 != nil }) else { return nil }
                without = Set(features.compactMap { $0 })
            default: return nil
            }
        }
    }

    /// For instance `7,calls=12,faults=1,without=age+drain`.
    var description: String {
        var text = "\(seed),calls=\(calls)"
        if let faults { text += ",faults=\(faults)" }
        if !without.isEmpty { text += ",without=" + without.map(\.rawValue).sorted().joined(separator: "+") }
        return text
    }

    /// Numbers for one purpose, whatever else is drawn.
    func random(_ purpose: UInt64) -> SeededRandom {
        SeededRandom(seed: SeededRandom(seed: seed &+ purpose &* 0xD134_2543_DE82_EF95).next())
    }
}

/// What a seed decides before anything happens.
struct SwarmPlan: Sendable {
    /// What is on.
    let features: Set<SwarmFeature>
    var server = ServerOptions.defaults
    var client = ClientOptions.defaults
    var conditions = SimulatedNetwork.Conditions.calm
    var clients: Int
    var callers: Int
    var faultPause: ClosedRange<Duration>
    var messageBytesMax: Int

    init(_ scope: SwarmScope) {
        let random = scope.random(1)
        let switches = SwarmFeature.allCases.map { ($0, random.happens(perMillion: 500_000)) }
        features = Set(switches.filter { $0.1 }.map(\.0)).subtracting(scope.without)
        clients = random.int(in: 1...3)
        callers = random.int(in: 1...8)
        faultPause =
            .milliseconds(1)...(random.happens(perMillion: 500_000) ? .milliseconds(200) : .seconds(10))
        messageBytesMax = features.contains(.largeMessages) ? 20_000 : 300
        conditions = weather(scope.random(2))
        setLimits(scope.random(3))
        if features.contains(.age) {
            server.connectionAgeMax = .seconds(2)
            server.connectionAgeGrace = .seconds(1)
        }
        if features.contains(.idle) { client.idleTimeout = .milliseconds(500) }
        if features.contains(.shortQueues) { client.callsQueuedMax = 2 }
        if features.contains(.quickBackoff) {
            client.backoff = .init(initial: .milliseconds(10), max: .milliseconds(500))
        }
        if features.contains(.keepalive) { setKeepalive(scope.random(4)) }
    }

    func has(_ feature: SwarmFeature) -> Bool { features.contains(feature) }

    /// What the way is like, within what the seed allows.
    func weather(_ random: SeededRandom) -> SimulatedNetwork.Conditions {
        var conditions = SimulatedNetwork.Conditions.calm
        let most = Duration.microseconds(random.int(in: 10...50_000))
        let dribbles = random.int(in: 0...200_000)
        let losses = random.int(in: 0...20_000)
        // On a way that is always as long as before, much happens at the same time.
        conditions.latency =
            features.contains(.steadyLatency)
            ? .milliseconds(1)...(.milliseconds(1)) : .microseconds(random.int(in: 1...10))...most
        if features.contains(.dribble) { conditions.dribblesPerMillion = dribbles }
        if features.contains(.losses) { conditions.lossesPerMillion = losses }
        if features.contains(.refusals) { conditions.refusalsPerMillion = 300_000 }
        if features.contains(.narrowness) { conditions.bufferBytes = 2_000 }
        return conditions
    }

    private mutating func setLimits(_ random: SeededRandom) {
        guard features.contains(.limits) else { return }
        server.limits = Self.limits(random)
        client.limits = Self.limits(random)
    }

    private static func limits(_ random: SeededRandom) -> WireLimits {
        var limits = WireLimits.defaults
        guard random.happens(perMillion: 800_000) else { return limits }
        limits.metadataBytesMax = 256
        limits.statusBytesMax = 256
        limits.textBytesMax = 256
        limits.frameBytesMax = random.int(in: 1024...4096)
        limits.helloBytesMax = 1024
        limits.streamCreditBytes = limits.frameBytesMax + random.int(in: 0...4096)
        limits.connectionCreditBytes = limits.streamCreditBytes + random.int(in: 0...8192)
        limits.callsRunningMax = random.int(in: 1...10)
        limits.callsQueuedMax = random.int(in: 0...4)
        limits.assemblyBytesMax = limits.messageBytesMax + random.int(in: 0...10_000)
        return limits
    }

    /// Signs of life are asked for so soon that both ends do it all the time.
    private mutating func setKeepalive(_ random: SeededRandom) {
        server.limits.pingIntervalMin = .milliseconds(100)
        client.limits.pingIntervalMin = .milliseconds(100)
        client.keepalive = Self.keepalive(random)
        server.keepalive = Self.keepalive(random)
    }

    private static func keepalive(_ random: SeededRandom) -> KeepaliveOptions {
        KeepaliveOptions(
            interval: random.duration(in: .milliseconds(200)...(.seconds(3))),
            timeout: random.duration(in: .milliseconds(200)...(.seconds(5))),
            pingsWithoutCalls: random.happens(perMillion: 500_000))
    }
}
