// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

@Suite struct RoutePatternTests {
    static let rows: [(method: String?, path: String?, asked: String, fits: Bool)] = [
        (nil, nil, "/anything", true), ("*", nil, "/anything", true),
        ("ravioli.test.v1.Library/GetVolume", nil, "/x", true),
        ("ravioli.test.v1.Library/*", nil, "/x", true),
        ("ravioli.test.v1.*", nil, "/x", true), ("ravioli.*", nil, "/x", true),
        ("ravioli.test.v1.Library/Get", nil, "/x", false), ("ravioli.test.v1.Lib/*", nil, "/x", false),
        ("ravioli.test.v*", nil, "/x", false), ("other.*", nil, "/x", false),
        (nil, "/a/b", "/a/b", true), (nil, "/a/b", "/a/%62?q=1", true), (nil, "/a/b", "/a/b/", false),
        (nil, "/a/b", "/A/b", false), (nil, "/a/*", "/a/b", true), (nil, "/a/*", "/a", false),
        (nil, "/a/*", "/a/b/c", false), (nil, "/a/**", "/a/b/c", true), (nil, "/a/**", "/a", true),
        (nil, "/a/**", "/ab", false), (nil, "/a/*/c", "/a/x%2Fy/c", true), (nil, "/a/*/c", "/a/x/y/c", false),
        (nil, "/**", "/%zz", false), ("*", "/a/**", "/b", false), ("*", "/a/**", "/a/b", true),
        (nil, "/a", "//a", false), (nil, "/a/..", "/a/..", true), (nil, "/", "/", true),
    ]

    @Test(arguments: rows) func patternsFitWhatTheySay(
        row: (method: String?, path: String?, asked: String, fits: Bool)
    ) throws {
        if row.method == "ravioli.test.v*" {
            #expect(throws: RuntimeError.self) { try RoutePattern(method: row.method, path: nil) }
            return
        }
        let pattern = try RoutePattern(method: row.method, path: row.path)
        #expect(pattern.matches(try TestLibrary.method("GetVolume"), EdgePath(row.asked)) == row.fits)
    }

    @Test func whatLeadsToNoMethodFitsNoPatternOfMethods() throws {
        #expect(!(try RoutePattern(method: "*", path: nil).matches(nil, EdgePath("/x"))))
        #expect(try RoutePattern(method: nil, path: nil).matches(nil, nil))
        #expect(try RoutePattern(method: nil, path: "/x").matches(nil, EdgePath("/x")))
    }

    @Test(arguments: ["", "a", "/a", "a/", "a/b/c", "*/*", "a/B*", "a b/C", "*.x", ".*", "a.*.b/*"])
    func whatIsNoPatternOfMethodsIsRefused(text: String) {
        #expect(throws: RuntimeError.self) { try RoutePattern(method: text, path: nil) }
    }

    @Test(arguments: ["", "a", "*", "/**/a", "/a*", "/a/**b"])
    func whatIsNoPatternOfPathsIsRefused(text: String) {
        #expect(throws: RuntimeError.self) { try RoutePattern(method: nil, path: text) }
    }
}
