// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct RESTResponseTests {
    private func every(_ responseBody: String) throws -> RESTBinding {
        try TestLibrary.binding("GET", "/v1", method: "Every", responseBody: responseBody)
    }

    @Test func wholeResponseIsPrinted() throws {
        let body = try every("").body(#"{"stringField":"a","int64Field":"5"}"#)
        #expect(
            body
                == .init(
                    contentType: "application/json",
                    bytes: Array(#"{"int64Field":"5","stringField":"a"}"#.utf8)))
    }

    @Test(arguments: [
        ("numbers", #"{"numbers":[1,2],"boolField":true}"#, "[1,2]"), ("numbers", "{}", "[]"),
        ("labels", #"{"labels":{"b":"1","a":"2"}}"#, #"{"a":"2","b":"1"}"#), ("labels", "{}", "{}"),
        ("inner", #"{"inner":{"int32Field":1}}"#, #"{"int32Field":1}"#), ("inner", "{}", "{}"),
        ("string_field", #"{"stringField":"a"}"#, #""a""#), ("string_field", "{}", #""""#),
        ("int64_field", "{}", #""0""#), ("mood", "{}", #""MOOD_UNSPECIFIED""#), ("bool_field", "{}", "false"),
        ("timestamp", #"{"timestamp":"2026-01-31T12:00:00Z"}"#, #""2026-01-31T12:00:00Z""#),
        ("timestamp", "{}", "null"), ("int32_value", #"{"int32Value":0}"#, "0"),
        ("int32_value", "{}", "null"),
        ("maybe", "{}", "null"), ("maybe", #"{"maybe":0}"#, "0"), ("authors", #"{"authors":[{}]}"#, "[{}]"),
        ("choice_text", #"{"choiceText":""}"#, #""""#),
        ("structure", #"{"structure":{"a":[1]}}"#, #"{"a":[1]}"#),
    ])
    func responseBodyIsOneField(field: String, message: String, json: String) throws {
        #expect(try every(field).body(message).text == json)
    }

    @Test func responseBodyOfTheRuleHolds() throws {
        let match = try TestLibrary().match("GET", "/v1/shelves/a/titles")
        #expect(try match.binding.body(#"{"titles":["A","B"]}"#).text == #"["A","B"]"#)
    }

    @Test func zerosAreShownIfSoWished() throws {
        var options = RESTOptions.defaults
        options.jsonEncoding.emitsFieldsWithoutPresence = true
        let binding = try TestLibrary.binding("GET", "/v1", method: "SearchVolumes")
        #expect(try binding.body("{}", options: options).text == #"{"volumes":[],"nextPageToken":""}"#)
        let volumes = try TestLibrary.binding("GET", "/v1", method: "SearchVolumes", responseBody: "volumes")
        #expect(try volumes.body(#"{"volumes":[{}]}"#, options: options).text.contains(#""pages":0"#))
    }

    @Test func httpBodyGoesOutAsItIs() throws {
        let binding = try TestLibrary().match("GET", "/v1/files/a").binding
        #expect(binding.answersRaw)
        #expect(
            try binding.body(#"{"contentType":"text/csv","data":"YSxi"}"#)
                == .init(contentType: "text/csv", bytes: Array("a,b".utf8)))
        #expect(try binding.body("{}") == .init(contentType: "application/octet-stream", bytes: []))
        #expect(
            try binding.body(#"{"contentType":"a\r\nSet-Cookie: b","data":""}"#).contentType
                == "application/octet-stream")
    }

    @Test func answerThatHasNoJSONFormIsInternalAndSaysNoMore() throws {
        let binding = try every("")
        let response = RESTResponse(binding, options: .defaults)
        for broken in [
            [0x0f], [0x8a, 0x01, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            let failure = #expect(throws: RESTFailure.self) {
                try response.body(of: broken.map { UInt8($0) })
            }
            #expect(try #require(failure).error.message == "the service's answer has no JSON form")
            #expect(try #require(failure).status.code == 500)
        }
    }

    // MARK: Accept

    @Test(arguments: [
        ([], true), (["*/*"], true), (["application/*;q=0.1"], true), (["application/json"], true),
        (["text/html, application/json;q=0.5"], true), (["application/problem+json"], true),
        (["text/event-stream"], false), (["application/json;q=0, */*"], false), (["text/html"], false),
        (["nonsense"], false), (["application/json;q=2"], false),
    ])
    func answersOnlyWhatIsAccepted(accept: [String], isAccepted: Bool) throws {
        let response = RESTResponse(try every(""), options: .defaults)
        let check = Result { try response.checkAccept(AcceptedTypes(accept)) }
        switch check {
        case .success: #expect(isAccepted)
        case .failure(let error):
            #expect(!isAccepted)
            #expect((error as? RESTFailure)?.status == .notAcceptable)
        }
    }

    @Test func rawAnswersSayLaterWhatTheyAre() throws {
        let response = RESTResponse(try TestLibrary().match("GET", "/v1/files/a").binding, options: .defaults)
        try response.checkAccept(AcceptedTypes(["text/html"]))
    }

    @Test func bestTypeIsWantedMostThenNamedThenFirst() {
        let types = ["application/json", "application/x-ndjson", "text/event-stream"]
        func best(_ accept: String) -> String? { AcceptedTypes([accept]).best(of: types) }
        #expect(best("*/*") == "application/json")
        #expect(best("text/event-stream, */*") == "text/event-stream")
        #expect(best("application/json;q=0.5, text/*") == "text/event-stream")
        #expect(best("application/x-ndjson, application/json") == "application/x-ndjson")
        #expect(best("application/x-ndjson;q=0.1, application/json;q=0.2") == "application/json")
        #expect(best("image/png") == nil)
        #expect(AcceptedTypes([]).best(of: types) == "application/json")
    }
}
