// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct RESTQueryTests {
    @Test(arguments: [
        ("doubleField=1.5", #""doubleField":1.5"#), ("double_field=-Infinity", #""doubleField":"-Infinity""#),
        ("floatField=NaN", #""floatField":"NaN""#), ("floatField=1e2", #""floatField":100"#),
        ("int32Field=-2147483648", #""int32Field":-2147483648"#), ("int32Field=1e2", #""int32Field":100"#),
        ("int64Field=9223372036854775807", #""int64Field":"9223372036854775807""#),
        ("uint32Field=4294967295", #""uint32Field":4294967295"#),
        ("uint64Field=18446744073709551615", #""uint64Field":"18446744073709551615""#),
        ("sint32Field=-5", #""sint32Field":-5"#),
        ("sint64Field=-9223372036854775808", #""sint64Field":"-9223372036854775808""#),
        ("fixed32Field=7", #""fixed32Field":7"#), ("fixed64Field=7", #""fixed64Field":"7""#),
        ("sfixed32Field=-7", #""sfixed32Field":-7"#), ("sfixed64Field=-7", #""sfixed64Field":"-7""#),
        ("boolField=true", #""boolField":true"#),
        ("stringField=a+b%2Bc%26%C3%A9", #""stringField":"a b+c&é""#),
        ("stringField=a=b", #""stringField":"a=b""#),
        ("bytesField=_-8", #""bytesField":"/+8=""#), ("bytesField=%2F%2B8%3D", #""bytesField":"/+8=""#),
        ("mood=MOOD_HAPPY", #""mood":"MOOD_GLAD""#), ("mood=2", #""mood":"MOOD_SAD""#),
        ("mood=77", #""mood":77"#),
        ("timestamp=2026-01-31T12:00:00%2B01:00", #""timestamp":"2026-01-31T11:00:00Z""#),
        ("timestamp=0001-01-01T00:00:00Z", #""timestamp":"0001-01-01T00:00:00Z""#),
        ("duration=-1.5s", #""duration":"-1.500s""#), ("fieldMask=a,b.cD", #""fieldMask":"a,b.cD""#),
        ("boolValue=false", #""boolValue":false"#), ("stringValue=", #""stringValue":"""#),
        ("bytesValue=AQ", #""bytesValue":"AQ==""#), ("int32Value=0", #""int32Value":0"#),
        ("int64Value=-1", #""int64Value":"-1""#), ("uint32Value=1", #""uint32Value":1"#),
        ("uint64Value=1", #""uint64Value":"1""#), ("floatValue=0.5", #""floatValue":0.5"#),
        ("doubleValue=0", #""doubleValue":0"#), ("numbers=1&numbers=2&numbers=-3", #""numbers":[1,2,-3]"#),
        ("moods=1&moods=MOOD_SAD", #""moods":["MOOD_GLAD","MOOD_SAD"]"#),
        (
            "times=2026-01-31T12:00:00Z&times=2027-01-31T12:00:00Z",
            #""times":["2026-01-31T12:00:00Z","2027-01-31T12:00:00Z"]"#
        ),
        (
            "inner.inner.string_field=x&inner.int32Field=1",
            #""inner":{"int32Field":1,"inner":{"stringField":"x"}}"#
        ),
        ("inner.numbers=1&inner.numbers=2", #""inner":{"numbers":[1,2]}"#),
        ("choiceNumber=0", #""choiceNumber":0"#),
        ("otherAuthor.birthYear=1", #""otherAuthor":{"birthYear":1}"#),
        ("maybe=0", #""maybe":0"#), ("int32Field=0", ""), ("", ""), ("&&", ""),
    ])
    func readsEveryKindOfField(query: String, members: String) throws {
        #expect(try TestLibrary().request("GET", "/v1/every?\(query)") == "{\(members)}")
    }

    @Test(arguments: [
        ("int32Field=", "int32Field: must be a 32-bit integer"),
        ("int32Field=2147483648", "int32Field: must be a 32-bit integer"),
        ("int32Field=1.5", "int32Field: must be a 32-bit integer"),
        ("int32Field=+1", "int32Field: must be a 32-bit integer"),
        ("int32Field=01", "int32Field: must be a 32-bit integer"),
        ("int32Field=%201", "int32Field: must be a 32-bit integer"),
        ("uint32Field=-1", "uint32Field: must be a 32-bit integer that is not negative"),
        ("uint64Field=18446744073709551616", "uint64Field: must be a 64-bit integer that is not negative"),
        ("int64Field=0x1", "int64Field: must be a 64-bit integer"),
        ("floatField=1e39", "floatField: must be a number"),
        ("doubleField=inf", "doubleField: must be a number"),
        ("boolField=1", "boolField: must be true or false"),
        ("boolField=True", "boolField: must be true or false"),
        ("boolField", "boolField: must be true or false"), ("bytesField=*", "bytesField: must be base64"),
        ("mood=mood_sad", "mood: must be a name or number of ravioli.test.v1.Mood"),
        ("mood=1.0", "mood: must be a name or number of ravioli.test.v1.Mood"),
        ("mood=", "mood: must be a name or number of ravioli.test.v1.Mood"),
        (
            "timestamp=2026-01-31",
            "timestamp: must be a google.protobuf.Timestamp, such as 2026-01-31T12:00:00Z"
        ),
        (
            "timestamp=0000-01-01T00:00:00Z",
            "timestamp: must be a google.protobuf.Timestamp, such as 2026-01-31T12:00:00Z"
        ),
        ("duration=1", "duration: must be a google.protobuf.Duration, such as 1.5s"),
        ("fieldMask=a_b", "fieldMask: must be a google.protobuf.FieldMask, such as title,author.fullName"),
        ("labels=x", "labels: a map cannot be given in a query"),
        ("labels.a=x", "labels.a: a map cannot be given in a query"),
        ("labels%5Ba%5D=x", "labels[a]: there is no such query parameter"),
        ("authors=x", "authors: a list of messages cannot be given in a query"),
        ("authors.fullName=x", "authors.fullName: a list of messages cannot be given in a query"),
        ("inner=x", "inner: a message is given field by field in a query, as inner.field=value"),
        ("structure=x", "structure: a message is given field by field in a query, as structure.field=value"),
        ("timestamp.seconds=1", "timestamp.seconds: there is no such query parameter"),
        ("int32Value.value=1", "int32Value.value: there is no such query parameter"),
        ("stringField.x=1", "stringField.x: there is no such query parameter"),
        ("inner.=1", "inner.: there is no such query parameter"),
        ("=1", ": there is no such query parameter"),
        ("nope=1", "nope: there is no such query parameter"),
        ("a%0ab=1", "a\\nb: there is no such query parameter"),
        ("int32Field=1&int32_field=1", "int32_field: is given twice and takes one value"),
        ("inner.boolField=true&inner.boolField=true", "inner.boolField: is given twice and takes one value"),
        (
            "choiceText=a&choiceNumber=1",
            "choiceNumber: another member of the same oneof is given as well"
        ),
        (
            "inner.otherFlag=true&inner.otherAuthor.birthYear=1",
            "inner.otherAuthor.birthYear: another member of the same oneof is given as well"
        ),
        ("stringField=%", "the query has a broken escape"),
        ("stringField=%ff", "the query has a broken escape"),
        ("stringField=%4", "the query has a broken escape"),
    ])
    func refusesAndNamesTheParameter(query: String, error: String) throws {
        let failure = try TestLibrary().failure("GET", "/v1/every?\(query)")
        #expect(failure.error.message == error)
        #expect(failure.status.code == 400)
        #expect(failure.error.code == .invalidArgument)
    }

    @Test func whatPathAndBodyGiveIsNotForTheQuery() throws {
        let library = try TestLibrary()
        let shelf = try library.failure("GET", "/v1/shelves/a/volumes?shelf=b")
        #expect(shelf.error.message == "shelf: is given by the path")
        let body = try library.failure("POST", "/v1/shelves/a/volumes?volume.title=b", body: "{}")
        #expect(body.error.message == "volume.title: is given by the body")
        let whole = try library.failure("POST", "/v1/every?stringField=b", body: "{}")
        #expect(
            whole.error.message
                == "stringField: the body is the whole request, so there are no query parameters")
    }

    @Test func ignorableParametersAreThoseThatAreNamed() throws {
        var library = try TestLibrary()
        library.options.ignoredQueryParameters = ["utm_source"]
        #expect(try library.request("GET", "/v1/every?utm_source=x&maybe=1") == #"{"maybe":1}"#)
        let failure = try library.failure("GET", "/v1/every?utm_medium=x")
        #expect(
            failure.violations == [
                .init(field: "utm_medium", description: "there is no such query parameter")
            ])
    }

    @Test func unknownParametersAreIgnoredIfSoWished() throws {
        var library = try TestLibrary()
        library.options.ignoresUnknownQueryParameters = true
        #expect(try library.request("GET", "/v1/every?a.b=x&maybe=1&inner.x=1") == #"{"maybe":1}"#)
        #expect(try library.request("POST", "/v1/every?a=x", body: #"{"maybe":1}"#) == #"{"maybe":1}"#)
    }

    @Test func enumsMayBeInAnyCaseIfSoWished() throws {
        var library = try TestLibrary()
        library.options.acceptsEnumsInAnyCase = true
        #expect(try library.request("GET", "/v1/every?mood=mood_Sad") == #"{"mood":"MOOD_SAD"}"#)
    }

    @Test func parametersAndDepthAreBounded() throws {
        let library = try TestLibrary()
        let many = try library.failure(
            "GET", "/v1/every?" + Array(repeating: "numbers=1", count: 513).joined(separator: "&"))
        #expect(many.error.message == "the query has more than queryParametersMax = 512 parameters")
        let deep = String(repeating: "inner.", count: 40) + "boolField=true"
        #expect(try library.failure("GET", "/v1/every?\(deep)").status == .badRequest)
    }

    @Test func nestedAndRepeatedTogether() throws {
        let query = "filter.author=A&filter.minPages=0&filter.without.author=B&tags=x&tags=y&page_size=5"
        #expect(
            try TestLibrary().request("GET", "/v1/shelves/s/volumes?\(query)")
                == #"{"shelf":"s","filter":{"author":"A","minPages":0,"without":{"author":"B"}},"#
                + #""pageSize":5,"tags":["x","y"]}"#)
    }
}
