// SPDX-License-Identifier: Apache-2.0

@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct RESTBindingTests {
    @Test(arguments: [
        ("GetVolume", "/{author}", "", "{author}: ravioli.test.v1.GetVolumeRequest has no field \"author\""),
        (
            "CreateVolume", "/{volume.writer}", "",
            "{volume.writer}: ravioli.test.v1.Volume has no field \"writer\""
        ),
        ("GetVolume", "/{name.first}", "", "{name.first} goes through name, which is no message"),
        ("CreateVolume", "/{volume}", "", "{volume} is a message, which has no form as a part of a path"),
        ("CreateVolume", "/{volume.tags}", "", "{volume.tags}: tags is repeated"),
        ("CreateVolume", "/{volume.readers}", "", "{volume.readers}: readers is a map"),
        ("GetVolume", "/{Name}", "", "{Name}: ravioli.test.v1.GetVolumeRequest has no field \"Name\""),
        ("CreateVolume", "/v1", "book", "body: ravioli.test.v1.CreateVolumeRequest has no field \"book\""),
        ("CreateVolume", "/{shelf}", "shelf", "body: the path binds \"shelf\" already"),
        ("Chat", "/v1", "", "a method that takes a stream cannot be reached by REST"),
        ("GetVolume", "/{name", "", "a variable ends with \"}\", which is missing at character 7"),
    ])
    func refusesWhatTheSchemaDoesNotHave(method: String, path: String, body: String, error: String) {
        let whole = RESTRuleError("POST \(path) of ravioli.test.v1.Library.\(method): \(error)")
        #expect(throws: whole) { try TestLibrary.binding("POST", path, method: method, body: body) }
    }

    @Test func refusesABodyOnGet() {
        let error = RESTRuleError(
            "GET /v1 of ravioli.test.v1.Library.GetVolume: GET has no body, and body is \"*\"")
        #expect(throws: error) { try TestLibrary.binding("GET", "/v1", method: "GetVolume", body: "*") }
    }

    @Test func refusesAnUnknownResponseBody() {
        let error = RESTRuleError(
            """
            GET /v1 of ravioli.test.v1.Library.ListTitles: \
            response_body: ravioli.test.v1.ListTitlesResponse has no field "names"
            """)
        #expect(throws: error) {
            try TestLibrary.binding("GET", "/v1", method: "ListTitles", responseBody: "names")
        }
    }

    @Test func optionOfTheMethodGivesItsRules() throws {
        let rules = try HTTPRule.annotated(try TestLibrary.method("GetVolume"))
        #expect(rules.map(\.path) == ["/v1/{name=shelves/*/volumes/*}", "/v1/volumes/{name}"])
        #expect(rules.map(\.number) == [0, 1])
        #expect(try HTTPRule.annotated(try TestLibrary.method("Chat")).isEmpty)
        let custom = try HTTPRule.annotated(try TestLibrary.method("CheckShelf"))
        #expect(custom.map(\.httpMethod) == ["REPORT"])
    }

    // MARK: Files

    @Test(arguments: [
        ("", "files/a%2Fb:c d%é"), ("  fully_decode_reserved_expansion: true\n", "files/a%2Fb:c d%é"),
        ("  fully_decode_reserved_expansion: false\n", "files/a%2Fb%3ac d%é"),
    ])
    func aFileSaysHowValuesOfSeveralSegmentsAreDecoded(line: String, value: String) throws {
        let library = try TestLibrary(
            yaml: """
                http:
                \(line)  rules:
                    - selector: ravioli.test.v1.Library.GetVolume
                      get: /v9/{name=files/*}
                      additional_bindings:
                        - get: /v8/{name}
                """)
        #expect(try library.match("GET", "/v9/files/a%2Fb%3ac%20d%25%C3%A9").values == [value])
        // One segment is decoded whole.
        #expect(try library.match("GET", "/v8/a%2Fb%3ac").values == ["a/b:c"])
    }

    @Test func fileComesBeforeTheOptionAndItsLastRuleHolds() throws {
        let library = try TestLibrary(
            yaml: """
                type: google.api.Service
                http:
                  rules:
                    - selector: ravioli.test.v1.Library.GetVolume
                      get: /first/{name}
                    - selector: ravioli.test.v1.Library.GetVolume
                      get: /second/{name}
                      additional_bindings:
                        - custom: {kind: '*', path: '/any/{name}'}
                """)
        #expect(try library.request("GET", "/second/a") == #"{"name":"a"}"#)
        #expect(try library.request("BREW", "/any/a") == #"{"name":"a"}"#)
        #expect(try library.match("BREW", "/any/a").binding.rule.origin == "rules.yaml, line 6")
        for path in ["/first/a", "/v1/volumes/a"] {
            guard case .notFound = library.router.match("GET", path) else {
                Issue.record("\(path) is found")
                continue
            }
        }
    }

    @Test(arguments: [
        ("http: [", "rules.yaml is no YAML: "),
        ("- a", "rules.yaml, line 1: the file is a mapping"),
        ("https: {}", "rules.yaml, line 1: the file has no key \"https\"; there are http"),
        ("http:\n  rules: {}", "rules.yaml, line 2: rules is a list"),
        (
            "http:\n  fully_decode_reserved_expansion: maybe",
            "rules.yaml, line 2: fully_decode_reserved_expansion is true or false"
        ),
        ("http:\n  rules:\n    - get: /a", "rules.yaml, line 3: a rule has a selector"),
        (
            "http:\n  rules:\n    - selector: a\n      gett: /a",
            "rules.yaml, line 4: a rule has no key \"gett\""
        ),
        ("http:\n  rules:\n    - selector: a\n      get: [a]", "rules.yaml, line 4: get is a text"),
        (
            "http:\n  rules:\n    - selector: a",
            "rules.yaml, line 3: a rule has one of get, put, post, delete, patch and custom"
        ),
        (
            "http:\n  rules:\n    - selector: a\n      get: /a\n      put: /a",
            "rules.yaml, line 3: a rule has one of get, put, post, delete, patch and custom"
        ),
        (
            """
            http:
              rules:
                - selector: a
                  get: /a
                  additional_bindings:
                    - get: /b
                      additional_bindings: []
            """, "rules.yaml, line 7: additional_bindings are one level deep"
        ),
        (
            "http:\n  rules:\n    - selector: a.B.C\n      get: /a",
            "GET /a of a.B.C (rules.yaml, line 3): there is no such method"
        ),
        (
            """
            http:
              rules:
                - selector: ravioli.test.v1.Library.GetVolume
                  get: /{names}
            """,
            """
            GET /{names} of ravioli.test.v1.Library.GetVolume (rules.yaml, line 3): \
            {names}: ravioli.test.v1.GetVolumeRequest has no field "names"
            """
        ),
        (
            "http:\n  rules:\n    - selector: a\n      custom: {kind: 'get it', path: /a}",
            "rules.yaml, line 3: \"get it\" is no HTTP method in capitals"
        ),
    ])
    func fileIsRefusedWithItsLine(yaml: String, error: String) throws {
        let thrown = #expect(throws: RESTRuleError.self) { try TestLibrary(yaml: yaml) }
        let text = try #require(thrown).description
        #expect(text.hasPrefix(error), "\(text)")
    }

    @Test func unknownSelectorWaitsWhileServicesAreMissing() throws {
        let file = try RESTRuleFile(
            yaml: "http:\n  rules:\n    - selector: a.B.C\n      get: /a", name: "rules.yaml")
        _ = try RESTRules.bindings(TestLibrary.pool.allServices, file: file, isComplete: false)
    }
}
