// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliEdge
import Testing

struct CallHeadTests {
    private func request(
        _ fields: [(String, String)], _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws -> CallHead {
        var all = HTTPFields()
        for (name, value) in fields { all.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
        var options = EdgeOptions.defaults
        change(&options)
        let type = try #require(RPCContentType(all[.contentType] ?? ""))
        return try CallHead(all, contentType: type, options: options, requestID: "r-1")
    }

    private func code(
        _ fields: [(String, String)], _ change: (inout EdgeOptions) -> Void = { _ in }
    ) -> String? {
        do {
            _ = try request([("content-type", "application/json")] + fields, change)
            return nil
        } catch {
            return (error as? RPCError)?.code.name ?? "\(error)"
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
        "application/json, application/json", "application/grpc+foo", "application/connect+foo", "", "json",
        "application/proto; charset=utf-8", "application/grpc-web-text+xml", ";",
    ])
    func knowsNoOtherTypes(type: String) { #expect(RPCContentType(type) == nil) }

    static let types: [(String, RPCProtocol, MessageCodec)] = [
        ("application/connect+json", .connectStream, .json),
        ("application/connect+proto", .connectStream, .proto),
        ("application/grpc", .grpc, .proto), ("application/grpc+proto", .grpc, .proto),
        ("application/grpc+json", .grpc, .json), ("application/grpc-web", .grpcWeb, .proto),
        ("application/grpc-web+proto", .grpcWeb, .proto), ("application/grpc-web+json", .grpcWeb, .json),
        ("application/grpc-web-text", .grpcWebText, .proto),
        ("application/grpc-web-text+proto", .grpcWebText, .proto),
    ]

    @Test(arguments: types) func aTypeSaysProtocolAndCodec(
        type: String, rpc: RPCProtocol, codec: MessageCodec
    ) {
        let known = RPCContentType(type)
        #expect(known?.rpc == rpc && known?.codec == codec && known?.name == type)
    }

    // MARK: Timeout

    static let timeouts: [(String, Duration)] = [
        ("1", .milliseconds(1)), ("200", .milliseconds(200)), ("0000000200", .milliseconds(200)),
        ("60000", .seconds(60)), ("9999999999", .milliseconds(9_999_999_999)),
    ]

    @Test(arguments: timeouts) func readsTimeout(text: String, timeout: Duration) throws {
        let request = try request([("content-type", "application/json"), ("connect-timeout-ms", text)])
        #expect(request.timeout == timeout)
    }

    @Test func aTimeoutNeedNotBeSaid() throws {
        #expect(try request([("content-type", "application/json")]).timeout == nil)
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

    static let grpcTimeouts: [(String, Duration?)] = [
        ("1H", .seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("4m", .milliseconds(4)),
        ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("99999999H", .seconds(99_999_999 * 3600)),
        ("0m", .zero),
        ("", nil), ("1", nil), ("m", nil), ("123456789m", nil), ("-1m", nil), ("1.5S", nil), ("1h", nil),
        ("1 m", nil),
    ]

    @Test(arguments: grpcTimeouts) func readsTimeoutsOfGRPC(text: String, timeout: Duration?) throws {
        #expect(CallTimeout.grpc(text) == timeout)
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
    @Test(arguments: ["br", "zstd", "identity, gzip", "x"]) func refusesOtherEncodings(encoding: String) {
        #expect(code([("content-encoding", encoding)]) == "unimplemented")
    }

    static let codings: [(accepted: String?, request: ContentCoding, ContentCoding)] = [
        (nil, .identity, .identity), (nil, .gzip, .gzip), ("gzip", .identity, .gzip),
        ("identity", .gzip, .identity),
        ("br, gzip", .identity, .gzip), ("br", .gzip, .identity), ("identity, gzip", .identity, .identity),
        ("gzip;q=0", .identity, .identity), ("gzip; q=0.5", .identity, .gzip), ("", .gzip, .identity),
        ("GZIP", .identity, .gzip),
    ]

    @Test(arguments: codings) func choosesTheResponsesCoding(
        accepted: String?, request: ContentCoding, chosen: ContentCoding
    ) {
        #expect(ContentCoding(accepted: accepted.map { [$0] } ?? [], request: request) == chosen)
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
