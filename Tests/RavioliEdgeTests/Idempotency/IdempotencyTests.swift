// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import GRDB
import HTTPTypes
import NIOCore
import Ravioli
import Synchronization
import Testing

@testable import RavioliEdge

/// Keys through the edge, in each protocol.
@Suite(.timeLimit(.minutes(2)))
struct IdempotencyTests {
    // MARK: Replay

    static let forms: [(type: String, body: [UInt8])] = [
        ("application/json", Array(#"{"text":"a","padding":2000}"#.utf8)),
        ("application/proto", [0x0A, 1, 0x61]),
        ("application/grpc", [0, 0, 0, 0, 3, 0x0A, 1, 0x61]),
        ("application/grpc-web", [0, 0, 0, 0, 3, 0x0A, 1, 0x61]),
        ("application/grpc-web-text", Array("AAAAAAMKAWE=".utf8)),
    ]

    @Test(arguments: forms) func aRepeatIsAnsweredWithTheSameBytes(
        form: (type: String, body: [UInt8])
    ) async throws {
        let edge = try await KeyedEdge()
        let first = await edge.send("k-1", bytes: form.body, type: form.type)
        let second = await edge.send("k-1", bytes: form.body, type: form.type)
        #expect(first.status == .ok && !first.isReplay && !first.bytes.isEmpty)
        #expect(second.isReplay)
        #expect(
            second.status == first.status && second.body == first.body && second.trailers == first.trailers)
        #expect(second.kept == first.kept)
        #expect(second.headers[HTTPField.Name("x-ahead")!] != nil)
        #expect(edge.channel.count == 1)
        let plain = await edge.send(nil, bytes: form.body, type: form.type)
        // Without a key the same fields come from the service; the body says how much time there was.
        #expect(plain.trailers == first.trailers && plain.status == first.status)
        #expect(plain.kept.map(\.name) == first.kept.map(\.name))
        #expect(edge.channel.count == 2)
    }

    @Test(arguments: forms) func aRepeatOfAnErrorIsThatError(form: (type: String, body: [UInt8])) async throws
    {
        let edge = try await KeyedEdge { _ throws(RPCError) in
            throw RPCError(
                call: .resourceExhausted, "sold out", executed: .yes, origin: .peer,
                metadata: ["x-left": "0"])
        }
        let first = await edge.send("k-1", bytes: form.body, type: form.type)
        let second = await edge.send("k-1", bytes: form.body, type: form.type)
        #expect(second.isReplay && edge.channel.count == 1)
        #expect(
            second.status == first.status && second.body == first.body && second.trailers == first.trailers)
        #expect(second.kept == first.kept)
        let plain = await edge.send(nil, bytes: form.body, type: form.type)
        #expect(plain.body == first.body && plain.trailers == first.trailers && plain.kept == first.kept)
    }

    @Test func restRepeatsAreAnsweredWithTheSameBytesInTheCodingThatIsAccepted() async throws {
        let edge = try await KeyedEdge(service: "ravioli.test.v1.Library")
        let title = String(repeating: "long ", count: 400)
        let path = "/v1/shelves/s/volumes"
        let first = await edge.send("\"r-1\"", #"{"title":"\#(title)","pages":3}"#, to: path)
        // Another order and other blanks are the same request, and so is the key without quotes.
        let body = #"{ "pages": 3, "title":"\#(title)"}"#
        let second = await edge.send("r-1", body, to: path, more: [.acceptEncoding: "gzip"])
        #expect(first.status == .ok && second.isReplay && edge.channel.count == 1)
        #expect(second.headers[.contentEncoding] == "gzip")
        #expect(try Gzip.inflate(second.body, upTo: 1 << 20) == first.body)
        let other = await edge.send("r-1", body, to: "/v1/shelves/t/volumes")
        #expect(other.status.code == 422)
        #expect(other.text.hasPrefix(#"{"code":9,"message":"the Idempotency-Key has been used for another"#))
    }

    @Test func restErrorsAreKeptWithTheirForm() async throws {
        let edge = try await KeyedEdge(service: "ravioli.test.v1.Library") { _ throws(RPCError) in
            throw RPCError(call: .alreadyExists, "it is there", executed: .yes, origin: .peer)
        }
        let first = await edge.send(
            "r-1", "{}", to: "/v1/shelves/s/volumes", more: [.accept: "application/problem+json"])
        let second = await edge.send("r-1", "{}", to: "/v1/shelves/s/volumes")
        #expect(first.status == .conflict && first.headers[.contentType] == "application/problem+json")
        #expect(second.isReplay && second.body == first.body && second.kept == first.kept)
    }

    // MARK: Conflicts

    @Test func ofAHundredAtOnceOneRuns() async throws {
        let gate = Gate()
        let edge = try await KeyedEdge { _ in await gate.wait() }
        let answers = await withTaskGroup(of: TestResponse.self) { group in
            for _ in 0..<100 { group.addTask { await edge.send("same") } }
            var answers: [TestResponse] = []
            for await answer in group {
                answers.append(answer)
                if answers.count == 99 { gate.open() }
            }
            return answers
        }
        #expect(edge.channel.count == 1)
        #expect(answers.filter { $0.status == .ok }.count == 1)
        let refused = answers.filter { $0.status == .conflict }
        #expect(refused.count == 99)
        #expect(refused.allSatisfy { $0.headers[.retryAfter] == "1" })
        #expect(refused.allSatisfy { $0.text.hasPrefix(#"{"code":"aborted""#) })
        #expect(await edge.send("same").isReplay)
    }

    /// Two processes are two edges with a connection each.
    @Test func ofManyAtTwoEdgesOnOneFileOneRuns() async throws {
        let (file, gate) = (TemporaryFile(), Gate())
        let one = try await KeyedEdge(file) { _ in await gate.wait() }
        let two = try await KeyedEdge(file) { _ in await gate.wait() }
        let statuses = await withTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask { await (number.isMultiple(of: 2) ? one : two).send("same").status.code }
            }
            var statuses: [Int] = []
            for await status in group {
                statuses.append(status)
                if statuses.count == 39 { gate.open() }
            }
            return statuses
        }
        #expect(one.channel.count + two.channel.count == 1)
        #expect(statuses.filter { $0 == 200 }.count == 1 && statuses.filter { $0 == 409 }.count == 39)
        #expect(await one.send("same").isReplay)
        #expect(await two.send("same").isReplay)
    }

    static let mismatches: [(type: String, status: Int, text: String)] = [
        ("application/json", 400, #"{"code":"failed_precondition""#),
        ("application/grpc-web", 200, "grpc-status: 9\r\n"),
    ]

    @Test(arguments: mismatches) func anotherRequestUnderTheKeyIsRefused(
        row: (type: String, status: Int, text: String)
    ) async throws {
        let edge = try await KeyedEdge()
        #expect(await edge.send("k").status == .ok)
        let body: [UInt8] = row.type.contains("json") ? Array(#"{"text":"b"}"#.utf8) : [0, 0, 0, 0, 0]
        let other = await edge.send("k", bytes: body, type: row.type)
        #expect(other.status.code == row.status && other.text.contains(row.text))
        #expect(edge.channel.count == 1)
        // Another key is another call.
        #expect(await edge.send("l").status == .ok)
        #expect(edge.channel.count == 2)
    }

    // MARK: Keys

    static let keys: [String] = [
        "", "\"\"", "\"a", "a\"", "\"a\" \"b\"", "a, b", "\"a\";p=1", "a b", "\"a\\x\"", "é",
        String(repeating: "k", count: 256),
    ]

    @Test(arguments: keys) func whatIsNoKeyIsRefused(key: String) async throws {
        let edge = try await KeyedEdge()
        let answer = await edge.send(key)
        #expect(answer.status == .badRequest && answer.text.contains("Idempotency-Key"))
        #expect(edge.channel.count == 0)
    }

    @Test func twoKeysAreNone() async throws {
        var headers: HTTPFields = [.contentType: "application/json", .idempotencyKey: "a"]
        headers.append(HTTPField(name: .idempotencyKey, value: "a"))
        let edge = try await KeyedEdge()
        #expect(await edge.edge.answer(KeyedEdge.line, headers: headers, bytes: []).status == .badRequest)
    }

    @Test func aMethodMayNeedAKey() async throws {
        let edge = try await KeyedEdge(change: {
            $0.idempotency?.methods = []
            $0.idempotency?.required = ["ravioli.test.v1.Line/*"]
        })
        #expect(await edge.send(nil).text.hasPrefix(#"{"code":"invalid_argument""#))
        #expect(await edge.send("k").status == .ok)
        #expect(await edge.send("k").isReplay)
        // A method that only reads needs none.
        #expect(await edge.send(nil, to: "/ravioli.test.v1.Line/Get").status == .ok)
        let rest = try await KeyedEdge(change: {
            $0.idempotency?.required = ["ravioli.test.v1.Library/CreateVolume"]
        })
        let answer = await rest.send(nil, "{}", to: "/v1/shelves/s/volumes")
        #expect(answer.status == .badRequest && answer.text.contains("needs an Idempotency-Key"))
    }

    @Test func keysOfOtherMethodsArePassedOver() async throws {
        let edge = try await KeyedEdge(change: {
            $0.idempotency?.methods = ["ravioli.test.v1.Desk/Fail", "ravioli.test.v1.Lin/*"]
        })
        for _ in 0..<2 { #expect(await edge.send("k").isReplay == false) }
        #expect(edge.channel.count == 2)
        let without = try await KeyedEdge(change: { $0.idempotency = nil })
        for _ in 0..<2 { #expect(await without.send("k").status == .ok) }
        #expect(without.channel.count == 2)
    }

    // MARK: Callers

    private struct Knowing: DoorGuard {
        func look(at visit: inout Visit) async -> GuardVerdict {
            visit.verified.add("ravioli-claim-sub", visit.head.headerFields[.authorization] ?? "")
            visit.verified.add("x-token", visit.requestID)
            return .pass([:])
        }
    }

    @Test func aKeyBelongsToItsCaller() async throws {
        let edge = try await KeyedEdge(guards: [Knowing()])
        #expect(await edge.send("k", more: [.authorization: "ada"]).status == .ok)
        #expect(await edge.send("k", more: [.authorization: "bob"]).isReplay == false)
        #expect(await edge.send("k", #"{"text":"c"}"#, more: [.authorization: "bob"]).status == .badRequest)
        #expect(await edge.send("k", more: [.authorization: "ada"]).isReplay)
        #expect(edge.channel.count == 2)
    }

    @Test func whoIsNotVerifiedNeedsTheSameCredential() async throws {
        let edge = try await KeyedEdge()
        #expect(await edge.send("k", more: [.authorization: "ada"]).status == .ok)
        #expect(await edge.send("k", more: [.authorization: "bob"]).text.contains("failed_precondition"))
        #expect(await edge.send("k").text.contains("failed_precondition"))
        #expect(await edge.send("k", more: [.authorization: "ada"]).isReplay)
    }

    // MARK: Results

    @Test func aCallThatWasSurelyNotMadeMayBeRepeated() async throws {
        let edge = try await KeyedEdge { number throws(RPCError) in
            if number < 3 { throw RPCError(call: .unavailable, "no connection", executed: .no) }
        }
        #expect(await edge.send("k").status == .serviceUnavailable)
        #expect(await edge.send("k").status == .serviceUnavailable)
        let third = await edge.send("k")
        #expect(third.status == .ok && !third.isReplay)
        #expect(await edge.send("k").isReplay && edge.channel.count == 3)
    }

    @Test func aRequestThatIsRefusedLeavesNoTrace() async throws {
        let edge = try await KeyedEdge()
        #expect(await edge.send("k", #"{"nope":1}"#).status == .badRequest)
        #expect(edge.channel.count == 0)
        #expect(await edge.send("k").status == .ok)
    }

    @Test func aCallOfWhichNobodyKnowsIsNotMadeAgain() async throws {
        let edge = try await KeyedEdge { _ throws(RPCError) in
            throw RPCError(call: .unavailable, "the connection was lost", executed: .maybe)
        }
        let first = await edge.send("k")
        let second = await edge.send("k")
        #expect(first.status == .serviceUnavailable && second.isReplay && second.body == first.body)
        #expect(edge.channel.count == 1)
    }

    @Test func anIdempotentMethodOfWhichNobodyKnowsIsCalledAgain() async throws {
        let edge = try await KeyedEdge(service: "ravioli.test.v1.Library") { number throws(RPCError) in
            if number == 1 { throw RPCError(call: .unavailable, "the connection was lost", executed: .maybe) }
        }
        let path = "/v1/shelves/1/volumes/2"
        #expect(await edge.send("k", #"{"pages":1}"#, to: path, method: .patch).status.code == 503)
        let second = await edge.send("k", #"{"pages":1}"#, to: path, method: .patch)
        #expect(second.status == .ok && !second.isReplay && edge.channel.count == 2)
    }

    @Test func aClientThatGoesDoesNotEndItsCall() async throws {
        let (began, gate) = (Gate(), Gate())
        let edge = try await KeyedEdge { _ throws(RPCError) in
            began.open()
            await gate.wait()
            if Task.isCancelled { throw RPCError(call: .cancelled, "cancelled", executed: .maybe) }
        }
        let client = Task { await edge.send("k") }
        await began.wait()
        client.cancel()
        #expect(await edge.send("k").status == .conflict)
        gate.open()
        #expect(await client.value.status == .ok)
        let again = await edge.send("k")
        #expect(again.isReplay && again.status == .ok && edge.channel.count == 1)
    }

    @Test func aClientThatHangsUpGetsItsAnswerWhenItComesBack() async throws {
        let (began, gate) = (Gate(), Gate())
        let edge = try await KeyedEdge { _ throws(RPCError) in
            began.open()
            await gate.wait()
            if Task.isCancelled { throw RPCError(call: .cancelled, "cancelled", executed: .maybe) }
        }
        let request =
            "POST \(KeyedEdge.line) HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            + "Idempotency-Key: \"k\"\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"text\":\"a\"}"
        let answer = try await edge.edge.serving { port in
            try await RawHTTP.hangUp(port: port, request) { await began.wait() }
            gate.open()
            // The limit of the test bounds the wait for the call's end.
            while true {
                let answer = try await RawHTTP.exchange(port: port, request)
                if !answer.hasPrefix("HTTP/1.1 409 ") { return answer }
            }
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("Idempotency-Replayed: true\r\n"))
        #expect(edge.channel.count == 1)
    }

    // MARK: On the disk

    private static func state(_ file: TemporaryFile) -> Int? {
        try? DatabaseQueue(path: file.path).read { try Int.fetchOne($0, sql: "SELECT state FROM call") }
    }

    /// Looks at the disk when something is sent.
    private final class LookingSink: ResponseSink {
        let file: TemporaryFile
        let states = Mutex<[Int?]>([])
        init(_ file: TemporaryFile) { self.file = file }

        func send(_ part: ResponsePart) async throws(BodyFailure) {
            states.withLock { $0.append(state(file)) }
        }

        func limitBody(to time: Duration?) {}
    }

    @Test func theRowIsThereBeforeTheCallAndTheAnswerBeforeItIsSent() async throws {
        let file = TemporaryFile()
        let atCall = Mutex<[Int?]>([])
        let edge = try await KeyedEdge(file) { _ in atCall.withLock { $0.append(Self.state(file)) } }
        let sink = LookingSink(file)
        let head = HTTPRequest(
            method: .post, scheme: "http", authority: "test", path: KeyedEdge.line,
            headerFields: [.contentType: "application/json", .idempotencyKey: "k"])
        await edge.edge.serve(
            Exchange(
                head, requestID: "r", connection: .init(isHTTP2: false, peer: nil),
                body: RequestBody(whole: ByteBuffer(string: "{}")), sink: sink))
        #expect(atCall.withLock { $0 } == [0])
        #expect(sink.states.withLock { $0 } == [1])
    }

    @Test func aDiskThatFailsBehindTheCallKeepsNobodyFromItsAnswer() async throws {
        let file = TemporaryFile()
        let edge = try await KeyedEdge(file) { _ in
            try? DatabaseQueue(path: file.path).write { try $0.execute(sql: "DROP TABLE total") }
        }
        #expect(await edge.send("k").status == .ok)
        #expect(Self.state(file) == 0)
        let second = await edge.send("k")
        #expect([409, 503].contains(second.status.code) && edge.channel.count == 1)
    }

    // MARK: Bounds

    @Test func anAnswerThatIsTooLongIsNotMadeAgain() async throws {
        let edge = try await KeyedEdge(change: { $0.idempotency?.answerBytesMax = 1000 })
        let body = #"{"padding":2000}"#
        #expect(await edge.send("k", body).status == .ok)
        let second = await edge.send("k", body)
        #expect(second.status == .conflict && second.text.contains("its answer was not kept"))
        #expect(second.headers[.retryAfter] == nil && edge.channel.count == 1)
    }

    @Test func aFullStoreTakesNoNewKeys() async throws {
        let edge = try await KeyedEdge(change: { $0.idempotency?.rowsMax = 2 })
        #expect(await edge.send("1").status == .ok)
        #expect(await edge.send("2").status == .ok)
        let third = await edge.send("3")
        #expect(third.status == .serviceUnavailable && third.headers[.retryAfter] == "1")
        #expect(await edge.send("1").isReplay)
        #expect(await edge.send(nil).status == .ok)
    }

    // MARK: Processes that ended

    /// The times, in seconds, at which a process begins a call and at which another looks; and what that one finds.
    static let ends: [(looks: Int64, isIdempotent: Bool, refusal: IdempotencyRefusal?)] = [
        (1002, false, .running), (1010, true, .running), (1012, false, .lost), (80_000, false, .lost),
        (1012, true, nil), (90_000, false, nil),
    ]

    @Test(arguments: ends) func whatAProcessLeftRunningIsNotMadeAgain(
        row: (looks: Int64, isIdempotent: Bool, refusal: IdempotencyRefusal?)
    ) async throws {
        let file = TemporaryFile()
        let options = IdempotencyOptions(file: file.path)
        let name = try #require(MethodName("a.v1.B/C"))
        let key = try #require(IdempotencyKey(["k"], bytesMax: 255))
        let call = KeyedCall(
            key, method: name, caller: [], credential: "", isIdempotent: row.isIdempotent
        ).with(form: "application/json", [])
        // It begins, and nothing is heard of it any more.
        let first = try IdempotencyStore(options) { 1_000_000 }
        guard case .new = try await first.begin(call, remaining: .seconds(1)) else {
            Issue.record("the key is known")
            return
        }
        let answer = StoredAnswer(status: 200, fields: [:], body: ByteBuffer())
        let desk = try IdempotencyDesk(
            options, try IdempotencyStore(options) { row.looks * 1000 }, logger: .quiet)
        do throws(IdempotencyRefusal) {
            let again = try await desk.once(call, deadline: .after(.seconds(1))) { KeyedEnd(answer: answer) }
            #expect(row.refusal == nil && again.answer == answer && !again.isReplay)
        } catch {
            #expect(error == row.refusal)
        }
    }

    @Test func anOutcomeThatIsNotKnownIsNoReasonToWait() {
        #expect(IdempotencyRefusal.lost.failure.status == .conflict)
        #expect(IdempotencyRefusal.lost.fields.isEmpty && !IdempotencyRefusal.running.fields.isEmpty)
    }
}
