// SPDX-License-Identifier: Apache-2.0

import LoadContract
import LoadDriver
import Ravioli

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Streams that have carried one message each way and stay open, for what they cost while nothing happens.
struct IdleStreams {
    private typealias Stream = BidirectionalCall<LoadRequest, LoadResponse>
    private let options: LoadOptions
    private let call: CallOptions

    init(_ options: LoadOptions, _ call: CallOptions) {
        self.options = options
        self.call = call
    }

    /// Opens so many streams over all connections, reports like any run, and holds them as long as it was told; returns the
    /// process' exit code.
    func hold(_ count: Int, on clients: [Client]) async -> Int32 {
        var streams: [Stream] = []
        do {
            for index in 0..<count {
                streams.append(try await opened(LoadClient(clients[index % clients.count])))
            }
        } catch {
            complain("a stream failed: \(error)")
        }
        let failed = count - streams.count
        report("{\"calls\": \(streams.count), \"total_calls\": \(streams.count), \"errors\": \(failed)}")
        if options.hold > 0 { try? await Task.sleep(for: .seconds(options.hold)) }
        return withExtendedLifetime(streams) { failed > 0 ? 1 : 0 }
    }

    private func opened(_ peer: LoadClient) async throws -> Stream {
        var call = call
        // Longer than any measurement lasts.
        call.timeout = .seconds(600)
        let stream = peer.converse(options: call)
        try await stream.send(LoadRequest(payload: [UInt8](repeating: 7, count: options.payload)))
        let responses = stream.responses.makeAsyncIterator()
        guard try await responses.next()?.payload.count == options.payload else { throw Meter.WrongAnswer() }
        return stream
    }

    private func report(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
