// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Synchronization
import TestCertificates
import Testing

@testable import RavioliEdge

/// Where keys come from, and what happens when they change or do not come.
@Suite(.timeLimit(.minutes(2))) struct KeyStoreTests {
    /// A source of keys that says what the test wants.
    private final class Source: Sendable {
        private let state = Mutex<(text: String?, asked: Int)>((nil, 0))
        var text: String? {
            get { state.withLock(\.text) }
            set { state.withLock { $0.text = newValue } }
        }
        var asked: Int { state.withLock(\.asked) }

        func load() throws -> [UInt8] {
            let text = state.withLock { state in
                state.asked += 1
                return state.text
            }
            guard let text else { throw RuntimeError(.invalidConfiguration, "nobody there") }
            return Array(text.utf8)
        }
    }

    private func store(
        _ source: Source, _ change: (inout JWTOptions) -> Void = { _ in }
    ) -> KeyStore {
        var options = JWTOptions.test { $0.keys = .url("https://keys.example/jwks") }
        change(&options)
        return KeyStore(options, logger: .quiet) { try source.load() }
    }

    private func jwks(_ issuers: TestIssuer...) -> String {
        "{\"keys\":[\(issuers.map(\.jwk).joined(separator: ","))]}"
    }

    @Test func keysStayUntilOthersHaveBeenRead() async throws {
        let (old, young) = (try await TestIssuer.es256("old"), try await TestIssuer.es256("young"))
        let source = Source()
        let store = store(source)
        try await store.start()
        #expect(store.keys == nil)
        source.text = jwks(old)
        await store.refresh(paced: false)
        #expect(store.keys?.knows("old") == true)
        for bad in [
            nil, "", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}",
            String(repeating: " ", count: 300 << 10),
        ] {
            source.text = bad
            await store.refresh(paced: false)
            #expect(store.keys?.knows("old") == true)
        }
        source.text = jwks(young)
        await store.refresh(paced: false)
        #expect(store.keys?.knows("old") == false && store.keys?.knows("young") == true)
    }

    @Test func inventedNamesOfKeysDoNotMakeTheIssuerBusy() async throws {
        let source = Source()
        source.text = jwks(try await TestIssuer.es256())
        let store = store(source) { $0.keysPauseMin = .seconds(10) }
        for now in 0..<1000 { await store.refresh(paced: true, now: Int64(now) * 1_000_000) }
        #expect(source.asked == 1)
        await store.refresh(paced: true, now: 10_000_000_001)
        #expect(source.asked == 2)
    }

    @Test func whoeverComesWhileKeysAreReadWaitsForThem() async throws {
        let text = jwks(try await TestIssuer.es256())
        let (gates, gate) = AsyncStream<Void>.makeStream()
        let asked = Mutex(0)
        let options = JWTOptions.test { $0.keys = .url("https://keys.example/jwks") }
        let store = KeyStore(options, logger: .quiet) {
            asked.withLock { $0 += 1 }
            for await _ in gates { break }
            return Array(text.utf8)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    await store.refresh(paced: true)
                    #expect(store.keys != nil)
                }
            }
            while asked.withLock(\.self) == 0 { await Task.yield() }
            gate.finish()
        }
        #expect(asked.withLock(\.self) == 1)
    }

    @Test func aFileIsReadAtTheStartOrTheEdgeDoesNot() async throws {
        for text in ["", "{}", "{\"keys\":[]}"] {
            let file = try TestFile(text)
            let store = KeyStore(.test { $0.keys = .file(file.path) }, logger: .quiet)
            await #expect(throws: RuntimeError.self) { try await store.start() }
        }
        let store = KeyStore(.test { $0.keys = .file("/nonexistent/keys") }, logger: .quiet)
        await #expect(throws: RuntimeError.self) { try await store.start() }
        var options = EdgeOptions.defaults
        options.jwt = .test { $0.keys = .file("/nonexistent/keys") }
        let server = try EdgeServer(
            [], on: .tcp(host: "127.0.0.1", port: 0), options: options, logger: .quiet)
        await #expect(throws: RuntimeError.self) { try await server.run() }
    }

    @Test func aFileThatChangesIsFollowed() async throws {
        let (old, young) = (try await TestIssuer.es256("old"), try await TestIssuer.es256("young"))
        let file = try TestFile(jwks(old))
        let store = KeyStore(
            .test {
                $0.keys = .file(file.path)
                $0.keysPauseMin = .milliseconds(5)
            }, logger: .quiet)
        try await store.start()
        #expect(store.keys?.knows("old") == true)
        try file.write(jwks(young))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await store.follow() }
            group.addTask { while store.keys?.knows("young") != true { await Task.yield() } }
            await group.next()
            group.cancelAll()
        }
        #expect(store.keys?.knows("old") == false)
    }

    // MARK: At the door

    /// An edge whose keys come from a source.
    private func guardedEdge(_ source: Source, _ clock: TestClock) throws -> Edge {
        let options = JWTOptions.test { $0.keys = .url("https://keys.example/jwks") }
        let store = KeyStore(options, logger: .quiet) { try source.load() }
        let guardian = try JWTGuard(options, store: store, clock: clock.clock, logger: .quiet)
        let channel = InProcessChannel(DeskServer())
        return try Edge(
            [Upstream(name: "desk", channel: channel)], options: .defaults, guards: [guardian], logger: .quiet
        )
    }

    private func status(
        _ edge: Edge, _ token: String, type: String = "application/json"
    ) async -> TestResponse {
        let bytes = type == "application/json" ? [] : [UInt8](repeating: 0, count: 5)
        return await edge.answer(
            GuardedEdge.echo, headers: [.contentType: type, .authorization: "Bearer \(token)"],
            bytes: type == "application/json" ? Array("{}".utf8) : bytes, isHTTP2: true)
    }

    @Test func withoutKeysTokensCannotBeVerifiedYet() async throws {
        let (source, clock) = (Source(), TestClock())
        let edge = try guardedEdge(source, clock)
        let issuer = try await TestIssuer.es256()
        let token = try issuer.token()
        let answer = await status(edge, token)
        #expect(answer.status == .serviceUnavailable && answer.code == "unavailable")
        #expect(answer.header("retry-after") != nil)
        #expect(await status(edge, token, type: "application/grpc").code == "grpc 14")
        // What can never be valid is refused all the same.
        #expect(await status(edge, "nonsense").status == .unauthorized)
        source.text = jwks(issuer)
        #expect(await status(edge, token).status == .serviceUnavailable)
        clock.move(by: .seconds(11))
        #expect(await status(edge, token).status == .ok)
        #expect(source.asked == 2)
    }

    @Test func aKeyThatIsChangedIsFound() async throws {
        let (source, clock) = (Source(), TestClock())
        let edge = try guardedEdge(source, clock)
        let (old, young) = (try await TestIssuer.es256("old"), try await TestIssuer.es256("young"))
        source.text = jwks(old)
        #expect(await status(edge, try old.token()).status == .ok)
        source.text = jwks(old, young)
        #expect(await status(edge, try young.token()).status == .unauthorized)
        clock.move(by: .seconds(11))
        #expect(await status(edge, try young.token()).status == .ok)
        #expect(await status(edge, try old.token()).status == .ok)
        #expect(source.asked == 2)
    }

    @Test func whatIsRememberedExpiresAndGoesWithItsKey() async throws {
        let (source, clock) = (Source(), TestClock())
        let edge = try guardedEdge(source, clock)
        let (old, young) = (try await TestIssuer.es256("old"), try await TestIssuer.es256("young"))
        source.text = jwks(old)
        let (short, long) = (
            try old.token(expires: TestIssuer.now + 5), try old.token(expires: TestIssuer.now + 5000)
        )
        for token in [short, long, short, long] { #expect(await status(edge, token).status == .ok) }
        clock.move(by: .seconds(66))
        #expect(await status(edge, short).status == .unauthorized)
        #expect(await status(edge, long).status == .ok)
        source.text = jwks(young)
        // A token of the other key makes the edge read the keys.
        #expect(await status(edge, try young.token()).status == .ok)
        #expect(await status(edge, long).status == .unauthorized)
    }

    @Test func anEdgeThatRunsReadsItsKeysFirst() async throws {
        let issuer = try await TestIssuer.es256()
        let file = try TestFile(jwks(issuer))
        // By the clock of this machine.
        let token = try issuer.token(expires: 4_000_000_000)
        var options = EdgeOptions.defaults
        options.jwt = .test { $0.keys = .file(file.path) }
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = try EdgeServer(
            [Upstream(name: "desk", channel: InProcessChannel(DeskServer()))],
            on: .tcp(host: "127.0.0.1", port: 0), options: options, logger: .quiet
        ) { if case .tcp(_, let number) = $0 { port.yield(number) } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            var iterator = ports.makeAsyncIterator()
            let number = await iterator.next() ?? 0
            #expect(server.edge.keyStore?.keys != nil)
            for (authorization, status) in [("", "401"), ("Authorization: Bearer \(token)\r\n", "200")] {
                let answer = try await RawHTTP.exchange(
                    port: number,
                    "POST \(GuardedEdge.echo) HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n"
                        + "Content-Type: application/json\r\n\(authorization)\r\n{}")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            }
            group.cancelAll()
        }
    }

    // MARK: Over a connection

    /// Serves answers of HTTP for the time of `body`, over TLS if there are files for it.
    private func serving(
        _ answer: @escaping @Sendable (Exchange) async -> Void, tls: EdgeTLSOptions? = nil,
        _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        var options = EdgeOptions.defaults
        options.tls = tls
        let server = HTTPServer(
            .tcp(host: "127.0.0.1", port: 0), options: options, logger: .quiet, serve: answer)
        let (ports, port) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { if case .tcp(_, let number) = $0 { port.yield(number) } } }
            var iterator = ports.makeAsyncIterator()
            try await body(await iterator.next() ?? 0)
            group.cancelAll()
        }
    }

    @Test func keysComeOverTLSFromWhoIsCertified() async throws {
        let authority = try TestAuthority()
        let files = try authority.issue("keys", .localhost, .loopback)
        let issuer = try await TestIssuer.es256()
        let text = jwks(issuer)
        let tls = EdgeTLSOptions(certificateChainFile: files.certificate, privateKeyFile: files.key)
        let root = authority.root
        try await serving({ await $0.answer(.json(.ok, text)) }, tls: tls) { port in
            var options = JWTOptions.test {
                $0.keys = .url("https://localhost:\(port)/jwks")
                $0.keysTimeout = .milliseconds(300)
            }
            await #expect(throws: (any Error).self) {
                try await KeyFetch.load("https://localhost:\(port)/jwks", options: options)
            }
            options.keysTimeout = .seconds(20)
            options.keysCertificatesFile = root
            let store = KeyStore(options, logger: .quiet)
            await store.refresh(paced: false)
            #expect(store.keys?.knows("key-1") == true)
        }
    }

    @Test func whatIsNoSmallPromptAnswerIsNone() async throws {
        let patient = JWTOptions.test {
            $0.keysTimeout = .seconds(30)
            $0.keysBytesMax = 1000
        }
        let impatient = JWTOptions.test { $0.keysTimeout = .milliseconds(100) }
        try await serving({ exchange in
            switch exchange.head.path {
            case "/long": await exchange.answer(.json(.ok, String(repeating: " ", count: 2000)))
            case "/moved":
                var answer = EdgeAnswer.empty(.found)
                answer.headers[.location] = "/fine"
                await exchange.answer(answer)
            case "/missing": await exchange.answer(.empty(.notFound))
            case "/never":
                try? await exchange.send(ResponsePart(head: HTTPResponse(status: .ok)))
                try? await Task.sleep(for: .seconds(60))
            default: await exchange.answer(.json(.ok, "{}"))
            }
        }) { port in
            let url = "http://127.0.0.1:\(port)"
            let fine = try await KeyFetch.load(url + "/fine", options: patient)
            #expect(fine == Array("{}\n".utf8))
            for path in ["/long", "/moved", "/missing"] {
                await #expect(throws: (any Error).self, "\(path)") {
                    try await KeyFetch.load(url + path, options: patient)
                }
            }
            await #expect(throws: (any Error).self) {
                try await KeyFetch.load(url + "/never", options: impatient)
            }
        }
        await #expect(throws: (any Error).self) {
            try await KeyFetch.load("http://127.0.0.1:1/", options: impatient)
        }
    }
}
