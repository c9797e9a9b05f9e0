// SPDX-License-Identifier: Apache-2.0

import Logging
import Ravioli
import Synchronization
import Testing

/// Interceptors on both sides, around calls of every kind.
@Suite(.timeLimit(.minutes(1)))
struct InterceptorTests {
    /// Notes what passes it, by name.
    private struct Noting: Interceptor {
        let name: String
        let notes: Notes

        func intercept(
            _ request: InterceptedRequest, context: InterceptorContext,
            next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
        ) async throws -> InterceptedResponse {
            notes.add("\(name) \(context.method.method)")
            var request = request
            request.metadata.add("seen-by", name)
            do {
                let response = try await next(request)
                notes.add("\(name) ok")
                return response
            } catch {
                notes.add("\(name) \((error as? RPCError)?.code.description ?? "error")")
                throw error
            }
        }
    }

    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func theyStackAroundUnaryCallsOnBothSides() async throws {
        let notes = Notes()
        var options = ServerOptions.defaults
        options.interceptors = [Noting(name: "c", notes: notes), Noting(name: "d", notes: notes)]
        let channel = InterceptedChannel(
            InProcessChannel([TestServer()], options: options),
            interceptors: [Noting(name: "a", notes: notes), Noting(name: "b", notes: notes)])
        let described = try await TrialClient(channel).describe(DescribeRequest())
        #expect(described.metadata == ["seen-by=a", "seen-by=b", "seen-by=c", "seen-by=d"])
        #expect(notes.all.prefix(4) == ["a Describe", "b Describe", "c Describe", "d Describe"])
        #expect(notes.all.suffix(2) == ["b ok", "a ok"])
        let error = await rpcError { try await TrialClient(channel).fail(FailRequest(code: 5)) }
        #expect(error?.code == .notFound && notes.all.suffix(2) == ["b not_found", "a not_found"])
    }

    @Test func theySeeStreamsToTheirEnd() async throws {
        let notes = Notes()
        var options = ServerOptions.defaults
        options.interceptors = [Noting(name: "server", notes: notes)]
        let channel = InterceptedChannel(
            InProcessChannel([TestServer()], options: options),
            interceptors: [Noting(name: "client", notes: notes)])
        let client = TrialClient(channel)
        var sizes: [Int] = []
        for try await response in client.watch(AnswerRequest(answerBytes: [1, 2, 3])) {
            sizes.append(response.payload.count)
        }
        #expect(sizes == [1, 2, 3] && notes.all.contains("server ok") && notes.all.last == "client ok")
        let response = try await client.collect { try await $0.send(AnswerRequest(payload: [1, 2])) }
        #expect(response == CollectResponse(bytes: 2, requests: 1))
        let call = client.converse()
        try await call.send(AnswerRequest(code: 9, message: "no"))
        let error = await rpcError { try await call.responses.makeAsyncIterator().next() }
        #expect(error?.code == .failedPrecondition && notes.all.last == "client failed_precondition")
    }

    @Test func aStreamThatIsLetGoEndsForItsInterceptorsToo() async throws {
        let server = TestServer()
        let notes = Notes()
        let channel = InterceptedChannel(
            InProcessChannel([server]), interceptors: [Noting(name: "client", notes: notes)])
        do {
            let responses = TrialClient(channel).watch(AnswerRequest(answerBytes: [1], hangs: true))
            for try await _ in responses { break }
            await server.started.wait()
        }
        await server.cancelled.wait()
    }

    @Test func authorisationRefusesBeforeTheHandlerRuns() async throws {
        var options = ServerOptions.defaults
        options.interceptors = [
            AuthorizationInterceptor { request, context in
                if request.metadata["token"] == nil { return .unauthenticated }
                return context.method == Trial.fail.name ? .deny : .allow
            }
        ]
        let client = TrialClient(InProcessChannel([TestServer()], options: options))
        let nobody = await rpcError { try await client.echo(EchoRequest()) }
        #expect(nobody?.code == .unauthenticated && nobody?.executed == .no)
        let known = CallOptions.metadata(["token": "t"])
        try await client.expectsEcho(of: [1], options: known)
        let denied = await rpcError { try await client.fail(FailRequest(), options: known) }
        #expect(denied?.code == .permissionDenied && denied?.executed == .no)
        let stream = client.watch(AnswerRequest(answerBytes: [1])).makeAsyncIterator()
        #expect(await rpcError { try await stream.next() }?.code == .unauthenticated)
    }

    @Test func recoveryKeepsTheTextOfUnknownErrorsToItself() async throws {
        let log = CallLog()
        var options = ServerOptions.defaults
        options.interceptors = [RecoveryInterceptor(log.logger)]
        let client = TrialClient(InProcessChannel([TestServer()], options: options))
        let error = await rpcError {
            try await client.fail(FailRequest(message: "secret", throwsUnknownError: true))
        }
        #expect(error?.code == .internal && error?.message.contains("secret") == false)
        let id = try #require(error?.message.firstMatch(of: /id ([0-9a-z]+)/)?.output.1)
        let line = try #require(log.lines.first)
        #expect(line.contains("secret") && line.contains(id))
    }

    @Test func callsAreLoggedWithoutTheirContents() async throws {
        let log = CallLog()
        var options = ServerOptions.defaults
        options.interceptors = [LoggingInterceptor(log.logger)]
        let client = TrialClient(InProcessChannel([TestServer()], options: options))
        try await client.expectsEcho(of: Array("secret".utf8), options: .metadata(["token": "secret"]))
        _ = await rpcError { try await client.fail(FailRequest(code: 13, message: "secret")) }
        // The end of a call is logged after its answer is on its way.
        let lines = await log.lines(count: 2)
        #expect(lines[0].contains("info") && lines[0].contains("Trial/Echo") && lines[0].contains("code=ok"))
        #expect(lines[1].contains("warning") && lines[1].contains("code=internal"))
        #expect(!lines.joined().contains("secret"))
    }

    @Test func metricsHearOfStartsAndEnds() async throws {
        let notes = Notes()
        let observer = CallObserver(
            started: { notes.add("\($0.side) start \($0.method.method)") },
            ended: {
                notes.add("\($0.context.side) end \($0.code) \($0.executed) \($0.duration > .zero)")
            })
        var options = ServerOptions.defaults
        options.observers = [observer]
        let channel = ObservedChannel(
            InProcessChannel([TestServer()], options: options), observers: [observer])
        let client = TrialClient(channel)
        try await client.expectsEcho(of: [1])
        _ = await rpcError { try await client.fail(FailRequest(code: 7)) }
        let expected = [
            "client start Echo", "server start Echo", "server end ok yes true", "client end ok yes true",
            "client start Fail", "server start Fail", "server end permission_denied yes true",
            "client end permission_denied yes true",
        ]
        #expect(notes.all == expected)
    }

    @Test func tracesGoFromCallToCall() async throws {
        var options = ServerOptions.defaults
        options.interceptors = [TracingInterceptor()]
        let inner = InterceptedChannel(
            InProcessChannel([TestServer()], options: options), interceptors: [TracingInterceptor()])
        let outer = InterceptedChannel(
            InProcessChannel([TestServer(child: TrialClient(inner))], options: options),
            interceptors: [TracingInterceptor()])
        let start = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let described = try await TrialClient(outer).describe(
            DescribeRequest(ofChild: true), options: .metadata(["traceparent": start]))
        let line = try #require(described.metadata.first { $0.hasPrefix("traceparent=") })
        let trace = try #require(TraceContext(String(line.dropFirst("traceparent=".count))))
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && trace.isSampled)
        #expect(trace.spanID != "00f067aa0ba902b7")
    }

    @Test(arguments: [
        "", "00", "00-0-0-0", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
    ])
    func brokenTraceparentsBeginNewTraces(text: String) {
        #expect(TraceContext(text) == nil)
    }
}

/// Keeps what is logged: level, message and metadata in a line each.
final class CallLog: Sendable {
    private let kept = Mutex<[String]>([])
    private let more = AsyncStream.makeStream(of: Void.self)

    var lines: [String] { kept.withLock { $0 } }

    /// Waits until there are so many lines.
    func lines(count: Int) async -> [String] {
        for await _ in more.stream where lines.count >= count { break }
        return lines
    }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: CallLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let pairs = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
            log.kept.withLock { $0.append("\(event.level) \(event.message) \(pairs)") }
            log.more.continuation.yield()
        }
    }
}
