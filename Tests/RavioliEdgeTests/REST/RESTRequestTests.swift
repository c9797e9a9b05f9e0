// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct RESTRequestTests {
    // MARK: Path and body

    @Test func pathGivesFields() throws {
        let library = try TestLibrary()
        #expect(
            try library.request("GET", "/v1/shelves/1/volumes/2?edition=3")
                == #"{"name":"shelves/1/volumes/2","edition":3}"#)
        #expect(try library.request("GET", "/v1/volumes/a%2Fb") == #"{"name":"a/b"}"#)
    }

    @Test func bodyIsOneFieldAndTheRestIsInTheQuery() throws {
        let body = #"{"title":"T","pages":0,"tags":["a","b"]}"#
        #expect(
            try TestLibrary().request("POST", "/v1/shelves/s/volumes?requestId=r", body: body)
                == #"{"shelf":"s","volume":{"title":"T","tags":["a","b"]},"requestId":"r"}"#)
    }

    @Test func bodyIsAllThatThePathDoesNotBind() throws {
        let body = #"{"reader":"R","time":"60s"}"#
        #expect(
            try TestLibrary().request("POST", "/v1/shelves/1/volumes/2:lend", body: body)
                == #"{"name":"shelves/1/volumes/2","reader":"R","time":"60s"}"#)
    }

    @Test func emptyBodyIsNone() throws {
        #expect(
            try TestLibrary().request("POST", "/v1/shelves/1/volumes/2:lend", type: nil)
                == #"{"name":"shelves/1/volumes/2"}"#)
    }

    @Test func nestedVariableJoinsTheBody() throws {
        let request = try TestLibrary().request(
            "PATCH", "/v1/shelves/1/volumes/2", body: #"{"author":{"fullName":"A"}}"#)
        #expect(
            request
                == #"{"volume":{"name":"shelves/1/volumes/2","author":{"fullName":"A"}},"#
                + #""updateMask":"author.fullName"}"#)
    }

    @Test func bodyAndPathMustAgree() throws {
        let library = try TestLibrary()
        let path = "/v1/shelves/1/volumes/2:lend"
        _ = try library.request("POST", path, body: #"{"name":"shelves/1/volumes/2"}"#)
        let failure = try library.failure("POST", path, body: #"{"name":"shelves/1/volumes/3"}"#)
        #expect(failure.error.message == "name: the body gives another value than the path")
    }

    @Test func bodyWhereNoneBelongsIsRefused() throws {
        let failure = try TestLibrary().failure("GET", "/v1/volumes/a", body: "{}")
        #expect(failure.error.message == "this path takes no body")
        #expect(failure.status == .badRequest)
    }

    @Test func bodyOfAFieldIsOneValueAndNothingMore() throws {
        let library = try TestLibrary()
        let failure = try library.failure(
            "POST", "/v1/shelves/s/volumes", body: #"{"title":"T"},"requestId":"r""#)
        #expect(failure.error.message.contains("expected the end of the text"))
    }

    @Test(arguments: ["tags", "labels", "string_field", "mood", "timestamp"])
    func bodyMayBeAFieldOfAnyKind(field: String) throws {
        let bodies = [
            "tags": #"["a"]"#, "labels": #"{"a":"b"}"#, "string_field": #""a""#, "mood": #""MOOD_SAD""#,
            "timestamp": #""2026-01-31T12:00:00Z""#,
        ]
        let name = field == "tags" ? "SearchVolumes" : "Every"
        let binding = try TestLibrary.binding("POST", "/v1", method: name, body: field)
        let router = try RESTRouter([binding])
        guard case .found(let match) = router.match("POST", "/v1") else {
            Issue.record("not found")
            return
        }
        let body = try #require(bodies[field])
        let encoded = try RESTRequest(match, options: .defaults).encoded(
            body: .init(string: body), contentType: "application/json")
        let json = try JSONTranscoder.json(fromEncoded: encoded, as: binding.method.input)
        let name2 = try #require(binding.method.input.field(named: field)).jsonName
        #expect(String(decoding: json, as: UTF8.self) == "{\"\(name2)\":\(body)}")
    }

    // MARK: Errors of bodies

    @Test func unknownFieldOfTheBodyIsNamed() throws {
        let failure = try TestLibrary().failure(
            "POST", "/v1/shelves/s/volumes", body: #"{"author":{"name":"x"}}"#)
        #expect(failure.status == .badRequest)
        #expect(failure.error.message.contains("ravioli.test.v1.Author has no field \"name\""))
        #expect(failure.error.message.contains("line 1, column 12"))
    }

    @Test func unknownFieldIsPassedOverIfSoWished() throws {
        var library = try TestLibrary()
        library.options.jsonDecoding.ignoresUnknown = true
        #expect(
            try library.request("POST", "/v1/shelves/s/volumes", body: #"{"title":"T","x":{"y":1}}"#)
                == #"{"shelf":"s","volume":{"title":"T"}}"#)
    }

    @Test func brokenJSONIs400WithItsPlace() throws {
        let failure = try TestLibrary().failure("POST", "/v1/shelves/s/volumes", body: "{\n\"pages\": x}")
        #expect(failure.status == .badRequest)
        #expect(failure.error.message.contains("line 2, column 10"))
        #expect(
            failure.violations.map(\.field) == ["volume.pages"]
                || failure.violations.map(\.field) == ["pages"])
    }

    @Test(arguments: [
        "text/plain", "application/x-www-form-urlencoded", "application/proto",
        "application/json; charset=latin1",
        nil,
    ])
    func otherTypeOfBodyIs415(type: String?) throws {
        let failure = try TestLibrary().failure("POST", "/v1/shelves/s/volumes", body: "{}", type: type)
        #expect(failure.status == .unsupportedMediaType)
        #expect(failure.headers[.acceptPost] == "application/json")
    }

    @Test func mapEntryWithoutValueDoesNotCrash() throws {
        let failure = try TestLibrary().failure(
            "POST", "/v1/shelves/s/volumes", body: #"{"readers":{"a":null}}"#)
        #expect(failure.status == .badRequest)
    }

    @Test func duplicateMembersOfAOneofAreRefused() throws {
        let failure = try TestLibrary().failure(
            "POST", "/v1/every", body: #"{"choiceText":"a","choiceNumber":1}"#)
        #expect(failure.error.message.contains("another member of the same oneof"))
    }

    // MARK: Raw bodies

    @Test func httpBodyIsTakenAsItIs() throws {
        #expect(
            try TestLibrary().request("PUT", "/v1/files/a/b%2Fc", body: "{no json", type: "text/plain")
                == #"{"path":"a/b%2Fc","content":{"contentType":"text/plain","data":"e25vIGpzb24="}}"#)
    }

    // MARK: PATCH

    @Test func patchFillsTheMaskFromTheBody() throws {
        let body = """
            { "title" : "a\\"b,{", "pages": 0, "author": {"fullName": "", "birth\\u0059ear": 1},
              "tags": [{"x": 1}, "]"], "readers": {"pages": 1}, "addedAt": null, "copies": "5" }
            """.replacing(#"[{"x": 1}, "]"]"#, with: #"["{", "]"]"#)
        let request = try TestLibrary().request("PATCH", "/v1/shelves/1/volumes/2", body: body)
        #expect(
            request.hasSuffix(
                #""updateMask":"title,pages,author.fullName,author.birthYear,tags,readers,addedAt,copies"}"#),
            "\(request)")
    }

    @Test func patchNamesAnEmptyMessageItself() throws {
        let request = try TestLibrary().request(
            "PATCH", "/v1/shelves/1/volumes/2", body: #"{"author": { }}"#)
        #expect(request.hasSuffix(#""updateMask":"author"}"#))
    }

    @Test func patchDoesNotNameWhatThePathBinds() throws {
        let request = try TestLibrary().request(
            "PATCH", "/v1/shelves/1/volumes/2", body: #"{"name":"shelves/1/volumes/2","title":"T"}"#)
        #expect(request.hasSuffix(#""updateMask":"title"}"#))
    }

    @Test func patchKeepsAMaskThatIsGiven() throws {
        let request = try TestLibrary().request(
            "PATCH", "/v1/shelves/1/volumes/2?updateMask=pages,author.fullName", body: #"{"title":"T"}"#)
        #expect(request.hasSuffix(#""updateMask":"pages,author.fullName"}"#))
    }

    @Test func putAndWholeBodiesGetNoMask() throws {
        let put = try TestLibrary.binding("PUT", "/v1", method: "UpdateVolume", body: "volume")
        let whole = try TestLibrary.binding("PATCH", "/v1", method: "UpdateVolume", body: "*")
        #expect(put.maskField == nil)
        #expect(whole.maskField == nil)
    }
}
