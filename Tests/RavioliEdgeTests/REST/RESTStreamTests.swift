// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
@testable import RavioliEdge
import Testing

@Suite struct RESTStreamTests {
    private static let error = #"{"code":14,"message":"gone","details":[]}"#

    private func text(_ form: RESTStream.Form, _ messages: [String], failing: Bool = false) -> String {
        var stream = RESTStream(form)
        var bytes = messages.flatMap { stream.message(Array($0.utf8)) }
        guard failing else { return String(decoding: bytes + stream.end(), as: UTF8.self) }
        switch stream.failure(Self.error) {
        case .complete(let rest): bytes += rest
        case .abort(let rest): bytes += rest + Array("<reset>".utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (RESTStream.Form.array, "[{\"a\":1},\n{\"a\":2}]\n"),
        (.lines, "{\"result\":{\"a\":1}}\n{\"result\":{\"a\":2}}\n"),
        (.events, "data: {\"a\":1}\n\ndata: {\"a\":2}\n\nevent: end\ndata: {}\n\n"),
        (.raw, "{\"a\":1}{\"a\":2}"),
    ])
    func messagesAreSetApart(form: RESTStream.Form, body: String) {
        #expect(text(form, [#"{"a":1}"#, #"{"a":2}"#]) == body)
    }

    @Test(arguments: [
        (RESTStream.Form.array, "[]\n"), (.lines, ""), (.events, "event: end\ndata: {}\n\n"), (.raw, ""),
    ])
    func emptyStreamIsValidToo(form: RESTStream.Form, body: String) {
        #expect(text(form, []) == body)
    }

    @Test(arguments: [
        (RESTStream.Form.array, "[1<reset>"), (.lines, "{\"result\":1}\n{\"error\":\(error)}\n"),
        (.events, "data: 1\n\nevent: error\ndata: \(error)\n\n"), (.raw, "1<reset>"),
    ])
    func lateErrorIsNeverTakenForTheEnd(form: RESTStream.Form, body: String) {
        #expect(text(form, ["1"], failing: true) == body)
    }

    @Test func heartbeatMeansNothing() {
        #expect(RESTStream(.events).heartbeat.map { String(decoding: $0, as: UTF8.self) } == ":\n\n")
        #expect(RESTStream(.lines).heartbeat == nil)
        #expect(RESTStream(.raw).heartbeat == nil)
        var array = RESTStream(.array)
        #expect(array.heartbeat == nil)
        _ = array.message([0x31])
        #expect(array.heartbeat == [0x0a])
    }

    // MARK: Which form

    @Test(arguments: [
        ("text/event-stream", RESTStream.Form.events), ("application/x-ndjson", .lines),
        ("application/json", .array), ("*/*", .array), ("application/problem+json", .array),
        ("text/event-stream;q=0.5, application/x-ndjson", .lines),
    ])
    func acceptDecides(accept: String, form: RESTStream.Form) throws {
        let binding = try TestLibrary().match("GET", "/v1/shelves/a:watch").binding
        #expect(try RESTStream(binding, AcceptedTypes([accept])).form == form)
    }

    @Test func whatIsNotOfferedIs406() throws {
        let binding = try TestLibrary().match("GET", "/v1/shelves/a:watch").binding
        let failure = #expect(throws: RESTFailure.self) {
            try RESTStream(binding, AcceptedTypes(["image/png"]))
        }
        #expect(try #require(failure).status == .notAcceptable)
    }

    @Test func headersAreTheFormsOwn() {
        let events = RESTStream(.events).headers()
        #expect(events[.contentType] == "text/event-stream")
        #expect(events[.cacheControl] == "no-cache")
        #expect(events[HTTPField.Name("X-Accel-Buffering")!] == "no")
        #expect(RESTStream(.lines).headers() == [.contentType: "application/x-ndjson"])
        #expect(RESTStream(.array).headers() == [.contentType: "application/json"])
        let first = RESTResponse.Body(contentType: "video/mp4", bytes: [])
        #expect(RESTStream(.raw).headers(first: first) == [.contentType: "video/mp4"])
    }

    @Test func responseBodyAppliesToEachMessage() throws {
        let binding = try TestLibrary.binding(
            "GET", "/v1/{shelf}", method: "WatchShelf", responseBody: "removed")
        var stream = RESTStream(.lines)
        let bytes = stream.message(try binding.body(#"{"removed":"a"}"#).bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "{\"result\":\"a\"}\n")
    }
}
