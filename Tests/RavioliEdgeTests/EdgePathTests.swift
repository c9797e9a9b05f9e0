// SPDX-License-Identifier: Apache-2.0

import RavioliEdge
import Testing

struct EdgePathTests {
    private func method(_ path: String, prefix: String = "") -> String? {
        guard let (service, method) = EdgePath(path)?.method(behind: EdgePath.prefix(prefix)) else { return nil }
        return "\(service) \(method)"
    }

    @Test func splitsServiceAndMethod() {
        #expect(method("/a.B/C") == "a.B C")
        #expect(method("/a.B/C?x=/d") == "a.B C")
    }

    @Test func takesOffThePrefix() {
        #expect(method("/api/v1/a.B/C", prefix: "/api/v1/") == "a.B C")
        #expect(method("/a.B/C", prefix: "/api") == nil)
        #expect(method("/apix/a.B/C", prefix: "/api") == nil)
    }

    @Test func decodesEachSegmentOnce() {
        #expect(method("/a%2EB/C") == "a.B C")
        #expect(method("/a%252EB/C") == "a%2EB C")
        #expect(method("/a.B%2FC/D") == "a.B/C D")
    }

    @Test(arguments: ["", "/", "/a.B", "/a.B/C/", "//a.B/C", "/a.B//C", "/x/../a.B/C", "/./a.B/C"])
    func matchesNoOtherShape(path: String) {
        let found = method(path)
        #expect(found != "a.B C")
    }

    @Test(arguments: ["a.B/C", "/a%", "/a%2", "/a%zz/C", "/%ff/C", "/%c3%28/C", "*", "http://h/a.B/C"])
    func refusesWhatIsNoPath(path: String) { #expect(EdgePath(path) == nil) }
}
