// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Whole requests through the edge, without a socket.
@Suite(.timeLimit(.minutes(2)))
struct EdgeAnswerTests {
    static let echoPath = "/ravioli.test.v1.Desk/Echo"
    private let echo = EdgeAnswerTests.echoPath
    private let json: HTTPFields = [.contentType: "application/json"]

    // MARK: Success

    @Test func answersJSONWithJSON() async throws {
        let answer = try await TestEdge().answer(
            echo, body: #"{"text": "hé", "bigNumber": "9007199254740993", "data": "AQI="}"#)
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(
            answer.text.contains(#""request":{"text":"hé","bigNumber":"9007199254740993","data":"AQI="}"#))
    }

    @Test func answersProtoWithProtoUntouched() async throws {
        let edge = try TestEdge()
        let request = EchoRequest(text: "hello")
        let answer = try await edge.answer(
            echo, headers: [.contentType: "application/proto"], bytes: try request.encoded())
        #expect(answer.status == .ok)
        #expect(answer.headers[.contentType] == "application/proto")
        let response = try EchoResponse(decoding: Array(answer.body.readableBytesView))
        #expect(response.request == request)
    }

    @Test func passesMetadataBothWays() async throws {
        var headers = json
        headers.append(HTTPField(name: HTTPField.Name("X-One")!, value: "1"))
        headers.append(HTTPField(name: HTTPField.Name("X-One")!, value: "2"))
        headers.append(HTTPField(name: HTTPField.Name("X-Data-Bin")!, value: "/wA"))
        headers.append(HTTPField(name: .requestID, value: "given-7"))
        let answer = try await TestEdge().answer(echo, headers: headers)
        let metadata = #""metadata":["x-one: 1","x-one: 2","x-data-bin: /wA=","x-request-id: given-7"]"#
        #expect(answer.text.contains(metadata))
        #expect(answer.headers[values: HTTPField.Name("x-reply")!] == ["one", "two"])
        #expect(answer.headers[HTTPField.Name("x-reply-bin")!] == "/wAB")
        #expect(answer.headers[HTTPField.Name("internal-note")!] == nil)
        #expect(answer.headers[.requestID] == "given-7")
    }

    @Test func makesTheTimeoutTheCallsDeadline() async throws {
        var headers = json
        headers[.connectTimeoutMs] = "5000"
        let answer = try await TestEdge().answer(echo, headers: headers)
        let digits = answer.text.split(separator: #""remainingMilliseconds":""#).last?.prefix { $0.isNumber }
        let remaining = try #require(Int(digits ?? ""))
        #expect((1...5000).contains(remaining))
    }

    @Test func everyAnswerHasARequestIDAndSecurityHeaders() async throws {
        let edge = try TestEdge()
        for (path, method) in [
            (echo, HTTPRequest.Method.post), ("/nowhere", .get), (echo, .delete), ("/healthz", .get),
        ] {
            let answer = try await edge.answer(path, method: method)
            #expect(answer.headers[.requestID]?.count == 32)
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test func doesNotRepeatAnUnusableRequestID() async throws {
        var headers = json
        headers[.requestID] = "a b\"<script>"
        #expect(try await TestEdge().answer(echo, headers: headers).headers[.requestID]?.count == 32)
    }

    // MARK: Errors of the service

    @Test(arguments: ConnectStatusTests.statuses.filter { $0.0 != "ok" })
    func everyCodeTravels(name: String, status: Int) async throws {
        let number = try #require(StatusCode(name: name)).rawValue
        let answer = try await TestEdge().answer(
            "/ravioli.test.v1.Desk/Fail", body: #"{"code": \#(number), "message": "say \"why\""}"#)
        #expect(answer.status.code == status)
        #expect(answer.headers[.contentType] == "application/json")
        #expect(answer.headers[HTTPField.Name("x-reply")!] == "with the error")
        #expect(
            answer.text == #"{"code":"\#(name)","message":"say \"why\"","details":["#
                + #"{"type":"ravioli.test.v1.Reason","value":"CgRjb2Rl","debug":{"field":"code"}},"#
                + #"{"type":"elsewhere.v1.Unknown","value":"CAE"}]}"#)
    }

    @Test func timeoutEndsTheCall() async throws {
        let edge = try TestEdge()
        var headers = json
        headers[.connectTimeoutMs] = "50"
        let answer = try await edge.answer("/ravioli.test.v1.Desk/Wait", headers: headers)
        #expect(answer.status.code == 504)
        #expect(answer.text.hasPrefix(#"{"code":"deadline_exceeded""#))
    }

    @Test func anUpstreamThatIsGoneIsUnavailableAndNotNamed() async throws {
        let edge = try TestEdge()
        _ = try await edge.answer(echo)
        await edge.channel.close()
        let answer = try await edge.answer(echo)
        #expect(answer.status.code == 503)
        #expect(answer.text == #"{"code":"unavailable","message":"the service cannot be reached"}"#)
    }

    // MARK: Requests that are no calls

    @Test(arguments: [
        "/nowhere", "/ravioli.test.v1.Desk", "/ravioli.test.v1.Desk/echo", "/ravioli.test.v1.desk/Echo",
        "/ravioli.test.v1.Desk/Echo/", "//ravioli.test.v1.Desk/Echo", "/ravioli.test.v1.Desk%2FEcho",
        "/x/../ravioli.test.v1.Desk/Echo", "/ravioli.reflection.v1.Reflection/GetSchema",
        "/ravioli.test.v1.Desk/%2E%2E",
        "/ravioli.test.v1.Desk/Ec%2568o",
    ])
    func unknownPathsAre404(path: String) async throws {
        let headers: HTTPFields = [.contentType: "application/json", .connectProtocolVersion: "1"]
        let answer = try await TestEdge().answer(path, headers: headers)
        #expect(answer.status == .notFound)
        #expect(!answer.text.contains("{"))
    }

    @Test(arguments: ["/%", "/ravioli.test.v1.Desk/Ec%6", "/%ff%fe/x", "/a%zz/b"])
    func malformedPathsAre400(path: String) async throws {
        #expect(try await TestEdge().answer(path).status == .badRequest)
    }

    @Test(arguments: [HTTPRequest.Method.delete, .put, .patch, .head, .options])
    func otherMethodsAre405(method: HTTPRequest.Method) async throws {
        let answer = try await TestEdge().answer(echo, method: method)
        #expect(answer.status == .methodNotAllowed)
        #expect(answer.headers[.allow] == "GET, POST")
        #expect(!answer.text.contains("{"))
    }

    @Test func getIsForMethodsWithoutSideEffectsOnly() async throws {
        let answer = try await TestEdge().answer(
            "/ravioli.test.v1.Desk/Fail?encoding=json&message=%7B%7D", method: .get)
        #expect(answer.status == .methodNotAllowed)
        #expect(answer.headers[.allow] == "POST")
    }

    @Test func otherTypesAre415() async throws {
        let answer = try await TestEdge().answer(echo, headers: [.contentType: "image/jpeg"])
        #expect(answer.status == .unsupportedMediaType)
        #expect(
            answer.headers[.acceptPost]
                == "application/json, application/proto, application/grpc, application/grpc+json, "
                + "application/grpc+proto, application/grpc-web, application/grpc-web+json, "
                + "application/grpc-web+proto, application/grpc-web-text, application/grpc-web-text+json, "
                + "application/grpc-web-text+proto")
    }

    @Test(arguments: [
        (EdgeAnswerTests.echoPath, "application/connect+json"),
        ("/ravioli.test.v1.Desk/Watch", "application/json"),
        ("/ravioli.test.v1.Desk/Watch", "application/proto"),
    ])
    func typesOfTheOtherKindOfCallAre415(path: String, type: String) async throws {
        #expect(
            try await TestEdge().answer(path, headers: [.contentType: type]).status == .unsupportedMediaType)
    }

    @Test func unknownEncodingIsUnimplementedAndNamesOurs() async throws {
        let answer = try await TestEdge().answer(
            echo, headers: [.contentType: "application/json", .contentEncoding: "br"])
        #expect(answer.status.code == 501)
        #expect(answer.text.contains("gzip, identity"))
        #expect(answer.headers[.acceptEncoding] == "gzip, identity")
    }

    @Test func servesUnderAPrefixOnly() async throws {
        let edge = try TestEdge { $0.prefix = "/api/v1" }
        #expect(try await edge.answer("/api/v1" + echo).status == .ok)
        #expect(try await edge.answer(echo).status == .notFound)
    }

    // MARK: Hostile bodies

    static let badBodies: [(String, String)] = [
        ("", "JSON"), ("{", "line 1, column 2"), ("{\n  \"text\": 7\n}", "line 2, column 11"),
        (#"{"nope": 1}"#, "nope"),
        (#"{"text": "a", "text": "b"}"#, "text"), (#"{"text": "\ud800"}"#, "text"), ("[]", "object"),
        ("null x", ""),
        (#"{"bigNumber": 9223372036854775808}"#, "bigNumber"),
    ]

    @Test(arguments: badBodies) func badJSONIsInvalidArgumentWithItsPlace(
        body: String, hint: String
    ) async throws {
        let answer = try await TestEdge().answer(echo, body: body)
        #expect(answer.status == .badRequest)
        #expect(answer.text.hasPrefix(#"{"code":"invalid_argument""#))
        #expect(hint.isEmpty || answer.text.contains(hint))
    }

    @Test func deepJSONIsRefused() async throws {
        let body = String(repeating: #"{"inner":"#, count: 5000) + "{}" + String(repeating: "}", count: 5000)
        let answer = try await TestEdge().answer(echo, body: body)
        #expect(answer.status.code == 429)
        #expect(answer.text.contains("nested deeper than 100"))
    }

    @Test func invalidUTF8IsRefused() async throws {
        let edge = try TestEdge()
        let body = Array(#"{"text":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        let answer = try await edge.answer(echo, headers: json, bytes: body)
        #expect(answer.status == .badRequest)
    }

    @Test(arguments: ["application/json", "application/proto"])
    func aMessageOverTheLimitIsResourceExhausted(type: String) async throws {
        let edge = try TestEdge { $0.limits.messageBytesMax = 1024 }
        let answer = try await edge.answer(
            echo, headers: [.contentType: type], body: String(repeating: " ", count: 1025))
        #expect(answer.status.code == 429)
        #expect(answer.text.contains("messageBytesMax = 1024"))
    }

    @Test func brokenProtoIsTheServicesToRefuse() async throws {
        let answer = try await TestEdge().answer(
            echo, headers: [.contentType: "application/proto"], body: "\u{0A}\u{7F}")
        #expect(answer.status == .badRequest)
        #expect(answer.headers[.contentType] == "application/json")
    }

    // MARK: Health

    @Test func healthIsGoodWhenEveryUpstreamAnswers() async throws {
        let edge = try TestEdge()
        let good = try await edge.answer("/healthz", method: .get)
        #expect(good.status == .ok)
        #expect(good.text == "{\"status\":\"serving\",\"upstreams\":1,\"reachable\":1}\n")
        await edge.channel.close()
        let bad = try await edge.answer("/healthz", method: .get)
        #expect(bad.status.code == 503)
        #expect(bad.text == "{\"status\":\"not_serving\",\"upstreams\":1,\"reachable\":0}\n")
    }

    /// What a hop reports of a deadline names servers and methods: clients hear that time was up.
    @Test func aHopsReportOfADeadlineStaysInside() {
        let detail = StatusDetail(
            typeURL: "type.googleapis.com/ravioli.status.v1.DeadlineDetail",
            value: [0x08, 4, 0x12, 5] + Array("10.0.".utf8) + [0x1A, 3] + Array("a/b".utf8))
        let error = RPCError(
            call: .deadlineExceeded, "the deadline passed in the handler of a/b on 10.0.0.7",
            details: [detail],
            executed: .maybe, origin: .peer)
        #expect(error.deadlineReport == DeadlineReport(phase: .handler, hop: "10.0.", method: "a/b"))
        let told = error.forTheWorld
        #expect(
            told.code == .deadlineExceeded && told.message == "the deadline passed" && told.details.isEmpty)
    }
}
