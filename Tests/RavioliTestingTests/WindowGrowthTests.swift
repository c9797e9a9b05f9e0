// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliTesting
import RavioliWire
import Synchronization
import Testing

/// Credit over a way where much is under way at any time: 100 ms there and back.
@Suite(.timeLimit(.minutes(1)))
struct WindowGrowthTests {
    private static let messageBytes = 16 * 1024
    private static let messages = 1_024

    /// The simulated time of 16 MiB of responses, read as they come.
    private func time(_ limits: WireLimits) throws -> Duration {
        let result = Mutex(Duration.zero)
        try Simulation(seed: 3).run { simulation in
            let began = simulation.now
            try await Self.download(simulation, limits)
            result.withLock { $0 = simulation.now - began }
        }
        return result.withLock { $0 }
    }

    private static func download(
        _ simulation: Simulation, _ limits: WireLimits
    ) async throws {
        guard let name = MethodName("test.Much/Much") else { throw CancellationError() }
        let service = try BareService(
            "test.Much",
            methods: [
                .streamBytes(name) { _, responses, _ in
                    for _ in 0..<messages {
                        try await responses.send([UInt8](repeating: 7, count: messageBytes))
                    }
                }
            ])
        try simulation.network.serve([service], at: "much")
        var conditions = SimulatedNetwork.Conditions.calm
        conditions.latency = .milliseconds(50)...(.milliseconds(50))
        conditions.bufferBytes = 64 << 20
        simulation.network.setConditions(conditions, of: "much")
        var options = ClientOptions.defaults
        options.limits = limits
        let client = try simulation.network.client(of: "much", options: options)
        let call = client.stream(StreamRequest(name, request: []))
        var read = 0
        while let message = try await call.next() {
            read += message.count
        }
        guard read == messages * messageBytes else { throw CancellationError() }
        await client.close()
        simulation.network.abort("much")
    }

    /// 16 MiB in windows of 256 KiB take 64 times there and back; with a window that doubles each time, a tenth of that.
    @Test func aLongWayIsFilled() throws {
        var fixed = WireLimits.defaults
        fixed.streamCreditBytesMax = 0
        fixed.connectionCreditBytesMax = 0
        let held = try time(fixed)
        let grown = try time(.defaults)
        #expect(held > .seconds(5), "\(held)")
        #expect(grown < .milliseconds(1_500), "\(grown)")
    }

    /// The same bytes with a bound of 512 KiB: the window grows no further.
    @Test func theBoundIsKept() throws {
        var bounded = WireLimits.defaults
        bounded.streamCreditBytesMax = 512 * 1024
        let time = try time(bounded)
        #expect(time > .seconds(3), "\(time)")
    }
}
