// SPDX-License-Identifier: Apache-2.0

@testable import RavioliEdge
import Testing

@Suite struct RESTRouterTests {
    /// The method and the values of its variables; what else a match is in words.
    private func found(_ router: RESTRouter, _ httpMethod: String, _ target: String) -> String {
        switch router.match(httpMethod, target) {
        case .found(let match): "\(match.binding.rule.path) \(match.values)"
        case .methodNotAllowed(let allowed): "405 \(allowed.joined(separator: " "))"
        case .notFound: "404"
        case .malformed: "400"
        }
    }

    private func router(_ paths: [(String?, String)]) throws -> RESTRouter {
        try RESTRouter(
            paths.map { httpMethod, path in
                try TestLibrary.binding(httpMethod, path, method: "GetVolume")
            })
    }

    // MARK: Which rule

    @Test func literalComesBeforeOneBeforeAll() throws {
        let router = try router([
            ("GET", "/v1/{name=**}"), ("GET", "/v1/{name}"), ("GET", "/v1/list"), ("GET", "/v1/*/end"),
        ])
        #expect(found(router, "GET", "/v1/list") == "/v1/list []")
        #expect(found(router, "GET", "/v1/other") == #"/v1/{name} ["other"]"#)
        #expect(found(router, "GET", "/v1/list/end") == "/v1/*/end []")
        #expect(found(router, "GET", "/v1/a/b/c") == #"/v1/{name=**} ["a/b/c"]"#)
        #expect(found(router, "GET", "/v1/list/x") == #"/v1/{name=**} ["list/x"]"#)
        #expect(found(router, "GET", "/v1") == #"/v1/{name=**} [""]"#)
    }

    @Test func turnsBackFromATextThatLeadsNowhere() throws {
        let router = try router([("GET", "/a/b/c"), ("GET", "/a/{name}/d")])
        #expect(found(router, "GET", "/a/b/d") == #"/a/{name}/d ["b"]"#)
    }

    @Test func methodDecidesAmongRulesForThePath() throws {
        let router = try router([("GET", "/v1/list"), ("POST", "/v1/{name}"), (nil, "/v1/any")])
        #expect(found(router, "POST", "/v1/list") == #"/v1/{name} ["list"]"#)
        #expect(found(router, "PURGE", "/v1/any") == "/v1/any []")
    }

    @Test func unknownPathIs404AndUnknownMethod405WithAllow() throws {
        let router = try router([("GET", "/v1/list"), ("POST", "/v1/{name}")])
        #expect(found(router, "GET", "/v2/list") == "404")
        #expect(found(router, "DELETE", "/v1/list") == "405 GET HEAD POST")
        #expect(found(router, "GET", "/v1/x") == "405 POST")
        #expect(found(router, "get", "/v1/list") == "405 GET HEAD POST")
        #expect(found(router, "OPTIONS", "/v1/x") == "405 POST")
    }

    @Test func headIsServedByGet() throws {
        let router = try router([("GET", "/v1/list")])
        #expect(found(router, "HEAD", "/v1/list") == "/v1/list []")
    }

    // MARK: Paths as they came

    @Test(arguments: ["/v1/list/", "//v1/list", "/v1//list", "/", "/v1/"])
    func slashTooManyIsAnotherPath(path: String) throws {
        let router = try router([("GET", "/v1/list"), ("GET", "/v1/all/{name=**}"), ("GET", "/v1/{name}")])
        #expect(found(router, "GET", path) == "404")
    }

    @Test(arguments: [
        "/v1/a%2", "/v1/a%zz", "/v1/%ff", "/v1/..", "/v1/../list", "/v1/%2e%2E/list", "/v1/./list", "v1", "",
    ])
    func brokenEscapesAndDotsAreMalformed(path: String) throws {
        #expect(found(try router([("GET", "/v1/{name=**}")]), "GET", path) == "400")
    }

    @Test func literalsCompareDecoded() throws {
        #expect(found(try router([("GET", "/v1/li-st")]), "GET", "/v1/li%2Dst") == "/v1/li-st []")
    }

    @Test func oneSegmentIsDecodedOnceAndWhole() throws {
        let router = try router([("GET", "/v1/{name}")])
        #expect(found(router, "GET", "/v1/a%2Fb%2520c") == #"/v1/{name} ["a/b%20c"]"#)
        #expect(found(router, "GET", "/v1/a+b") == #"/v1/{name} ["a+b"]"#)
        #expect(found(router, "GET", "/v1/%C3%A9") == #"/v1/{name} ["é"]"#)
    }

    @Test func severalSegmentsKeepAnEscapedSlash() throws {
        let router = try router([("GET", "/v1/{name=files/**}"), ("GET", "/v2/{name=a/*}")])
        #expect(
            found(router, "GET", "/v1/files/a%2Fb/c%2fd/e%20f%2523")
                == #"/v1/{name=files/**} ["files/a%2Fb/c%2fd/e f%23"]"#)
        #expect(found(router, "GET", "/v2/a/b%2Fc") == #"/v2/{name=a/*} ["a/b%2Fc"]"#)
    }

    @Test func escapedSlashNeverParts() throws {
        #expect(found(try router([("GET", "/v1/a/b")]), "GET", "/v1/a%2Fb") == "404")
    }

    @Test func queryIsNoPartOfThePath() throws {
        let router = try router([("GET", "/v1/{name}")])
        #expect(found(router, "GET", "/v1/a?b=/c") == #"/v1/{name} ["a"]"#)
        guard case .found(let match) = router.match("GET", "/v1/a?b=/c?d") else {
            Issue.record("not found")
            return
        }
        #expect(match.query == "b=/c?d")
    }

    // MARK: Verbs

    @Test func colonIsAVerbOnlyWhereARuleHasOne() throws {
        let router = try router([("GET", "/v1/{name}"), ("POST", "/v1/{name}:lend")])
        #expect(found(router, "GET", "/v1/a:b") == #"/v1/{name} ["a:b"]"#)
        #expect(found(router, "GET", "/v1/2026-01-31T12:00:00Z") == #"/v1/{name} ["2026-01-31T12:00:00Z"]"#)
        #expect(found(router, "POST", "/v1/a:b:lend") == #"/v1/{name}:lend ["a:b"]"#)
        #expect(found(router, "GET", "/v1/a:lend") == #"/v1/{name} ["a:lend"]"#)
        #expect(found(router, "POST", "/v1/a%3Alend") == "405 GET HEAD")
        #expect(found(router, "POST", "/v1/:lend") == "405 GET HEAD")
    }

    @Test func verbFollowsManySegments() throws {
        let router = try router([("GET", "/v1/{name=**}:read"), ("GET", "/v1/list:read")])
        #expect(found(router, "GET", "/v1/a/b:read") == #"/v1/{name=**}:read ["a/b"]"#)
        #expect(found(router, "GET", "/v1/list:read") == "/v1/list:read []")
        #expect(found(router, "GET", "/v1/a/b:write") == "404")
    }

    // MARK: Conflicts

    @Test func conflictNamesBothRules() throws {
        let first = try TestLibrary.binding("GET", "/v1/{name}", method: "GetVolume")
        let second = try TestLibrary.binding("GET", "/v1/{shelf=*}", method: "ListTitles")
        let error = """
            GET /v1/{shelf=*} of ravioli.test.v1.Library.ListTitles and \
            GET /v1/{name} of ravioli.test.v1.Library.GetVolume fit the same requests
            """
        #expect(throws: RESTRuleError(error)) { try RESTRouter([first, second]) }
    }

    @Test(arguments: [
        ("GET", "/v1/a", "GET", "/v1/a"), ("GET", "/v1/{name=**}", "GET", "/v1/**"),
        ("GET", "/v1/{name=a/*}:x", "GET", "/v1/a/*:x"), ("GET", "/%61", "GET", "/a"),
    ])
    func samePathsConflict(method: String, path: String, otherMethod: String, other: String) {
        #expect(throws: RESTRuleError.self) { try router([(method, path), (otherMethod, other)]) }
    }

    @Test(arguments: [
        ("GET", "/v1/a", "POST", "/v1/a"), ("GET", "/v1/*", "GET", "/v1/**"),
        ("GET", "/v1/a", "GET", "/v1/a:x"), ("GET", "/v1/a", "GET", "/v1/*"),
    ])
    func pathsThatCanBeToldApartDoNot(method: String, path: String, otherMethod: String, other: String) throws
    {
        _ = try router([(method, path), (otherMethod, other)])
    }

    @Test func hostilePathCostsLittle() throws {
        let router = try router([("GET", "/a/{name=**}")])
        #expect(found(router, "GET", "/a" + String(repeating: "/a", count: 100_000)) == "404")
        #expect(found(router, "GET", "/a/" + String(repeating: ":", count: 10_000)).hasPrefix("/a/{name=**}"))
    }
}
