// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import HTTPTypes
import JWTKit
import Logging
import Ravioli
import RavioliSchema
import Synchronization

@testable import RavioliEdge

/// Text as tokens have it.
func base64URL(_ bytes: some Collection<UInt8>) -> String {
    Base64.encode(bytes, padded: false).replacing("+", with: "-").replacing("/", with: "_")
}

/// Somebody who makes tokens: with jwt-kit's keys, but headers and claims that may be anything.
struct TestIssuer: Sendable {
    static let name = "https://issuer.example"
    static let audience = "https://api.example"
    /// The time of all tests, in seconds since 1970.
    static let now = 1_700_000_000

    let algorithm: any JWTAlgorithm
    /// The public key, or the secret, as JSON.
    let jwk: String
    let keyID: String

    static func es256(_ keyID: String = "key-1") async throws -> TestIssuer {
        let key = ES256PrivateKey()
        return try await ecdsa(key, key.publicKey.parameters, "ES256", "P-256", keyID)
    }

    static func es384(_ keyID: String) async throws -> TestIssuer {
        let key = ES384PrivateKey()
        return try await ecdsa(key, key.publicKey.parameters, "ES384", "P-384", keyID)
    }

    private static func ecdsa(
        _ key: some ECDSAKey, _ point: ECDSAParameters?, _ name: String, _ curve: String, _ keyID: String
    ) async throws -> TestIssuer {
        let collection = JWTKeyCollection()
        if let key = key as? ES256PrivateKey { await collection.add(ecdsa: key, kid: "key") }
        if let key = key as? ES384PrivateKey { await collection.add(ecdsa: key, kid: "key") }
        let (x, y) = (url(point?.x), url(point?.y))
        let jwk = #"{"kty":"EC","crv":"\#(curve)","kid":"\#(keyID)","use":"sig","x":"\#(x)","y":"\#(y)"}"#
        return TestIssuer(algorithm: try await collection.getKey(for: "key"), jwk: jwk, keyID: keyID)
    }

    static func hs256(_ secret: [UInt8], keyID: String = "secret") async throws -> TestIssuer {
        let collection = JWTKeyCollection()
        await collection.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256, kid: "key")
        let jwk = #"{"kty":"oct","kid":"\#(keyID)","k":"\#(base64URL(secret))"}"#
        return TestIssuer(algorithm: try await collection.getKey(for: "key"), jwk: jwk, keyID: keyID)
    }

    private static func url(_ text: String?) -> String {
        (text ?? "").replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A token for the tests' audience, valid now unless something else is said.
    func token(_ claims: String = #""sub":"ada""#, expires: Int = now + 600) throws -> String {
        try token(
            header: #"{"alg":"\#(algorithm.name)","typ":"JWT","kid":"\#(keyID)"}"#,
            payload: #"{"iss":"\#(Self.name)","aud":"\#(Self.audience)","exp":\#(expires),\#(claims)}"#)
    }

    /// A token of any header and payload, signed well.
    func token(header: String, payload: String) throws -> String {
        let signed = base64URL(header.utf8) + "." + base64URL(payload.utf8)
        return signed + "." + base64URL(try algorithm.sign(Array(signed.utf8)))
    }
}

extension JWTOptions {
    /// Options for the tests' issuer.
    static func test(_ change: (inout JWTOptions) -> Void = { _ in }) -> JWTOptions {
        var options = JWTOptions(
            issuers: [TestIssuer.name], audiences: [TestIssuer.audience], keys: .file("/nowhere"))
        change(&options)
        return options
    }
}

/// A file that goes away with the value.
final class TestFile: Sendable {
    let path: String

    init(_ text: String) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)").path
        try write(text)
    }

    func write(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Clocks that stand until they are moved.
final class TestClock: Sendable {
    private let elapsed = Mutex<Int64>(0)

    func move(by time: Duration) { elapsed.withLock { $0 += Int64(time / .nanoseconds(1)) } }

    var clock: GuardClock {
        GuardClock(
            seconds: { Double(TestIssuer.now) + Double(self.elapsed.withLock(\.self)) / 1e9 },
            nanoseconds: { 1_000_000_000_000 + self.elapsed.withLock(\.self) })
    }
}

/// An edge in front of the desk and the library that asks for tokens, or counts.
struct GuardedEdge: Sendable {
    static let echo = "/ravioli.test.v1.Desk/Echo"
    let issuer: TestIssuer
    let clock = TestClock()
    let edge: Edge
    private let keys: TestFile

    init(_ issuer: TestIssuer? = nil, _ change: (inout EdgeOptions) -> Void = { _ in }) async throws {
        let known = try await TestIssuer.es256()
        self.issuer = issuer ?? known
        keys = try TestFile("{\"keys\":[\(self.issuer.jwk)]}")
        var options = EdgeOptions.defaults
        options.requestHeaders = HeaderRules(["*"])
        options.responseHeaders = HeaderRules(["x-*"])
        options.jwt = .test()
        options.rest.rules = """
            http:
              rules:
                - selector: ravioli.test.v1.Desk.Echo
                  post: /echo/{text}
                  body: "*"
                  additional_bindings:
                    - get: /echo/{text}
            """
        change(&options)
        options.jwt?.keys = .file(keys.path)
        let channel = InProcessChannel([DeskServer(), LibraryServer()] as [any Ravioli.Service])
        edge = try Edge(
            [Upstream(name: "desk", channel: channel)], options: options, clock: clock.clock, logger: .quiet)
        await edge.refresh()
    }

    /// Calls a path; with JSON, unless something else is said.
    func call(
        _ path: String = echo, token: String? = nil, type: String? = "application/json",
        method: HTTPRequest.Method = .post, headers: HTTPFields = [:], body: [UInt8]? = nil,
        peer: String? = "192.0.2.1"
    ) async -> TestResponse {
        var headers = headers
        headers[.contentType] = type
        if let token { headers[.authorization] = "Bearer \(token)" }
        let isEnveloped = type.map { $0 != "application/json" } ?? false
        var bytes: [UInt8] = isEnveloped ? [0, 0, 0, 0, 2] : []
        if method == .post { bytes += Array("{}".utf8) }
        if let body { bytes = body }
        return await edge.answer(
            path, method: method, headers: headers, bytes: bytes, isHTTP2: true, peer: peer)
    }
}

extension TestResponse {
    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    /// The code with which a call ended, in whichever protocol.
    var code: String {
        if let status = trailers?[HTTPField.Name("grpc-status")!] { return "grpc \(status)" }
        if let match = text.firstMatch(of: #/grpc-status: (\d+)/#) { return "grpc \(match.1)" }
        if let match = text.firstMatch(of: #/"code":"?(\w+)/#) { return "\(match.1)" }
        return "ok"
    }
}
