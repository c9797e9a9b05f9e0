// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliEdge
import Testing

struct ConnectRequestTests {
    private func request(
        _ fields: [(String, String)], _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws(EdgeRefusal) -> ConnectRequest {
        var all = HTTPFields()
        for (name, value) in fields { all.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
        var options = EdgeOptions.defaults
        change(&options)
        return try ConnectRequest(all, options: options, requestID: "r-1")
    }

    private func code(
        _ fields: [(String, String)], _ change: (inout EdgeOptions) -> Void = { _ in }
    ) -> String? {
        do throws(EdgeRefusal) {
            _ = try request([("content-type", "application/json")] + fields, change)
            return nil
        } catch {
            if case .connect(let error) = error { return error.code.name }
            return "http"
        }
    }

    // MARK: Content type

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
    ])
    func acceptsJSON(type: String) throws { #expect(try request([("content-type", type)]).codec == .json) }

    @Test func acceptsProto() throws {
        #expect(try request([("content-type", "application/proto")]).codec == .proto)
    }

    @Test(arguments: [
        "application/foo", "image/jpeg", "application/json; charset=latin1",
        "application/json, application/json",
        "application/connect+json", "application/grpc", "", "json", "application/proto; charset=utf-8",
    ])
    func refusesOtherTypesWith415(type: String) throws {
        let refusal = #expect(throws: EdgeRefusal.self) { try request([("content-type", type)]) }
        guard case .http(let status, _, let fields)? = refusal else {
            Issue.record("no HTTP refusal"); return
        }
        #expect(status == .unsupportedMediaType)
        #expect(fields[HTTPField.Name("accept-post")!] == "application/json, application/proto")
    }

    @Test func refusesTwoContentTypes() {
        #expect(code([("content-type", "application/json")]) == "http")
    }

    // MARK: Timeout

    static let timeouts: [(String, Duration)] = [
        ("1", .milliseconds(1)), ("200", .milliseconds(200)), ("0000000200", .milliseconds(200)),
        ("60000", .seconds(60)), ("60001", .seconds(60)), ("9999999999", .seconds(60)),
    ]

    @Test(arguments: timeouts) func readsAndClampsTimeout(text: String, timeout: Duration) throws {
        let request = try request([("content-type", "application/json"), ("connect-timeout-ms", text)])
        #expect(request.timeout == timeout)
    }

    @Test func hasADefaultTimeout() throws {
        #expect(try request([("content-type", "application/json")]).timeout == .seconds(15))
    }

    @Test(arguments: [
        "", "0", "-1", "+1", "1.5", "1s", "abc", "12345678901", "99999999999999999999", "0x10", "1 0", "١",
    ])
    func refusesMalformedTimeout(text: String) {
        #expect(code([("connect-timeout-ms", text)]) == "invalid_argument")
    }

    @Test func refusesTwoTimeouts() {
        #expect(code([("connect-timeout-ms", "5"), ("connect-timeout-ms", "6")]) == "invalid_argument")
    }

    // MARK: Version and encoding

    @Test func acceptsVersionOne() { #expect(code([("connect-protocol-version", "1")]) == nil) }
    @Test(arguments: ["0", "2", "1.0", ""]) func refusesOtherVersions(version: String) {
        #expect(code([("connect-protocol-version", version)]) == "invalid_argument")
    }
    @Test func mayDemandTheVersion() {
        #expect(code([]) == nil)
        #expect(code([]) { $0.demandsProtocolVersion = true } == "invalid_argument")
    }

    @Test func acceptsIdentity() { #expect(code([("content-encoding", "identity")]) == nil) }
    @Test(arguments: ["gzip", "br", "identity, gzip", "x"]) func refusesOtherEncodings(encoding: String) {
        #expect(code([("content-encoding", encoding)]) == "unimplemented")
    }

    // MARK: Metadata

    private func metadata(_ fields: [(String, String)], allowing names: [String]) throws -> [String] {
        let request = try request([("content-type", "application/json")] + fields) {
            $0.requestHeaders = HeaderRules(names)
        }
        return request.metadata.map { "\($0.name)=\($0.text ?? "\($0.value)")" }
    }

    @Test func passesOnlyWhatIsAllowed() throws {
        let fields = [("X-Tenant", "north"), ("x-other", "1"), ("x-app-one", "a"), ("cookie", "b")]
        #expect(
            try metadata(fields, allowing: ["x-tenant", "X-App-*"])
                == ["x-tenant=north", "x-app-one=a", "x-request-id=r-1"])
    }

    @Test func passesBothValuesOfAHeaderGivenTwice() throws {
        #expect(
            try metadata([("x-a", "1"), ("x-a", "2")], allowing: ["x-a"]) == [
                "x-a=1", "x-a=2", "x-request-id=r-1",
            ])
    }

    @Test func decodesBytesPaddedOrNotAndPartedByCommas() throws {
        #expect(
            try metadata([("a-bin", "AAE="), ("a-bin", "AAE"), ("b-bin", "/w, AA")], allowing: ["*"])
                == ["a-bin=[0, 1]", "a-bin=[0, 1]", "b-bin=[255]", "b-bin=[0]", "x-request-id=r-1"])
    }

    @Test func refusesBytesThatAreNotBase64() {
        #expect(code([("a-bin", "!")]) { $0.requestHeaders = HeaderRules(["*"]) } == "invalid_argument")
    }

    @Test func dropsValuesOutsideOfASCII() throws {
        #expect(try metadata([("x-a", "käse"), ("x-b", "a\tb")], allowing: ["*"]) == ["x-request-id=r-1"])
    }

    @Test(arguments: [
        "connect-x", "trailer-x", "grpc-timeout", "ravioli-peer", "host", "connection", "transfer-encoding",
        "te",
        "x-forwarded-for", "forwarded", "cookie", "content-length", "proxy-authorization", "x-request-id",
        "upgrade",
    ])
    func neverPassesReservedNames(name: String) throws {
        #expect(try metadata([(name, "1")], allowing: ["*", name]) == ["x-request-id=r-1"])
    }
}
