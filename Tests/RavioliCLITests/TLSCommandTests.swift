// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Ravioli
import TestCertificates
import Testing

/// The command against servers that require TLS and have a policy.
@Suite(.timeLimit(.minutes(3)))
struct TLSCommandTests {
    private let authority: TestAuthority
    init() throws { authority = try TestAuthority() }

    private func call(policy: String?, _ arguments: String...) async throws -> Command.Outcome {
        var options = try authority.server(.optional)
        options.policy = try policy.map { try AccessPolicy($0) }
        return try await withServer([DeskServer()], options: options) { _, address in
            try await Command.run(["call", "\(address)", "ravioli.test.v1.Desk/Echo"] + arguments)
        }
    }

    private let reflection = "anonymous -> ravioli.reflection.v1.Reflection/*"

    @Test func callsWithACertificate() async throws {
        let own = try authority.issue("client", .workload("operator"))
        let policy = "\(reflection)\nspiffe://shop.example/operator -> *"
        let outcome = try await call(
            policy: policy, "--tls-ca", authority.root, "--tls-cert", own.certificate, "--tls-key", own.key,
            "--tls-server", "spiffe://shop.example/server")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func isToldWhatItLacks() async throws {
        let without = try await call(policy: "\(reflection)\n* -> *", "--tls-ca", authority.root)
        #expect(without.status == 116)
        #expect(without.errors.contains("needs a caller with a verified identity"))
        let denied = try await call(
            policy: nil, "--tls-ca", authority.root, "--tls-server", "elsewhere.example")
        #expect(denied.status == 114)
        #expect(denied.errors.contains("for other hosts"))
        let plain = try await call(policy: nil)
        #expect(plain.status == 114)
        #expect(plain.errors.contains("the server requires TLS"))
    }

    @Test func unusableArgumentsAreExplained() async throws {
        let half = try await call(policy: nil, "--tls-cert", authority.root)
        #expect(half.status == 64)
        let missing = try await call(policy: nil, "--tls-ca", authority.root + ".gone")
        #expect(missing.status != 0)
        #expect(missing.errors.contains("root.pem.gone"), "\(missing.errors)")
    }
}
