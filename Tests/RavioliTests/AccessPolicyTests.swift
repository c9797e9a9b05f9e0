// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire
import TestCertificates
import Testing

@testable import Ravioli

/// Who may call what.
@Suite(.timeLimit(.minutes(1)))
struct AccessPolicyTests {
    private let authority: TestAuthority
    init() throws { authority = try TestAuthority() }

    private static let service = "ravioli.trial.v1.Trial"
    private static let pricing = "spiffe://shop.example/pricing"

    /// The code that a call of `Describe` ends with for a caller; ok when it is allowed.
    private func code(_ policy: String, _ caller: String?) throws -> StatusCode {
        let names = try ["Echo", "Describe"].map {
            try #require(MethodName(service: Self.service, method: $0))
        }
        let table = AccessTable(try AccessPolicy(policy), methods: names)
        do throws(RPCError) {
            try table.permissions(of: caller).check(1)
            return .ok
        } catch {
            #expect(error.executed == .no)
            return error.code
        }
    }

    @Test(arguments: [
        ("", nil, StatusCode.permissionDenied), ("", pricing, .permissionDenied),
        ("anonymous -> *", nil, .ok), ("anonymous -> *", pricing, .ok),
        ("* -> *", nil, .unauthenticated), ("* -> *", pricing, .ok),
        ("spiffe://shop.example/pricing -> \(service)/Describe", pricing, .ok),
        ("spiffe://shop.example/pricing -> \(service)/Describe", nil, .unauthenticated),
        ("spiffe://shop.example/pricing -> \(service)/Echo", pricing, .permissionDenied),
        ("spiffe://shop.example/pricing -> \(service)/Echo", nil, .permissionDenied),
        ("spiffe://shop.example/pricing -> \(service)/*", pricing, .ok),
        ("spiffe://shop.example/pricing -> other.Service/*", pricing, .permissionDenied),
        ("spiffe://shop.example/pricing/* -> *", pricing, .permissionDenied),
        ("spiffe://shop.example/* -> *", pricing, .ok),
        ("spiffe://shop.example/* -> *", "spiffe://shop.example/a/b/c", .ok),
        ("spiffe://shop.example/a/b/* -> *", "spiffe://shop.example/a/b/c", .ok),
        ("spiffe://shop.example/a/b/* -> *", "spiffe://shop.example/a/bc/c", .permissionDenied),
        ("spiffe://shop.examples/* -> *", pricing, .permissionDenied),
        ("spiffe://shop.example/pric -> *", pricing, .permissionDenied),
        ("Console.Shop.example -> *", "console.shop.example", .ok),
        ("console.shop.example -> *", "shop.example", .permissionDenied),
        ("anonymous -> \(service)/Echo\n* -> \(service)/Describe", pricing, .ok),
    ])
    func decides(policy: String, caller: String?, expected: StatusCode) throws {
        #expect(try code(policy, caller) == expected)
    }

    @Test(arguments: [
        ("pricing" as String?, StatusCode.ok), ("sales", .permissionDenied), (nil, .unauthenticated),
    ])
    func holdsForCallersWithCertificates(workload: String?, expected: StatusCode) async throws {
        var options = try authority.server(.optional)
        options.policy = try AccessPolicy("\(Self.pricing) -> \(Self.service)/Describe")
        let own = try workload.map { try authority.issue("client", .workload($0)) }
        try await withServer([IdentityServer()], options: options) { _, address in
            try await withClient(address, options: authority.client(own)) { client in
                do {
                    _ = try await TrialClient(client).identity()
                    #expect(expected == .ok)
                } catch let error as RPCError {
                    #expect(error.code == expected)
                    #expect(error.executed == .no)
                    #expect(error.origin == .peer)
                }
            }
        }
    }

    @Test func reflectionIsUnderThePolicyToo() async throws {
        var options = ServerOptions.defaults
        options.policy = try AccessPolicy("anonymous -> \(Self.service)/*")
        let channel = InProcessChannel([IdentityServer()], options: options)
        let name = try #require(MethodName("ravioli.reflection.v1.Reflection/GetSchema"))
        let request = UnaryRequest(name, message: [])
        let error = await rpcError { try await channel.unary(request) }
        #expect(error?.code == .permissionDenied)
        _ = try await TrialClient(channel).identity()
        await channel.close()
    }

    @Test func deniedRequestsAreNotDecoded() async throws {
        var options = ServerOptions.defaults
        options.policy = try AccessPolicy("* -> *")
        try await withServer([IdentityServer()], options: options) { _, address in
            let read = try await RawPeer.connect(to: address) { peer in
                var bytes = RawPeer.hello()
                // Not protobuf: decoding it would end the call with invalid_argument.
                bytes.writeImmutableBuffer(RawPeer.call(1, "\(Self.service)/Describe", message: [0xFF]))
                GoawayFrame(lastStreamID: 0, code: .none, reason: "").write(into: &bytes)
                try await peer.send(bytes)
                for try await part in peer.inbound
                where try frames(part).contains(where: { $0.header.kind == .end }) { return part }
                return RawPeer.hello()
            }
            #expect(try frames(read).ends()[1]?.code == StatusCode.unauthenticated.rawValue)
        }
    }

    // MARK: The file

    @Test func rulesMayBeCommentedAndSpacedFreely() throws {
        let policy = """
            # A comment.

              *->\(Self.service)/Echo,\t\(Self.service)/Describe   # and another\r
            """
        #expect(try code(policy, Self.pricing) == .ok)
    }

    @Test func aFileIsRead() throws {
        let path = try authority.file("policy.txt", "* -> *\n* ->\n")
        let error = #expect(throws: RuntimeError.self) { try AccessPolicy(contentsOfFile: path) }
        #expect(error?.message.hasPrefix("\(path):2: ") == true)
        let gone = #expect(throws: RuntimeError.self) { try AccessPolicy(contentsOfFile: path + ".gone") }
        #expect(gone?.description.contains("\(path).gone") == true)
        _ = try AccessPolicy(contentsOfFile: authority.file("policy.txt", "* -> *"))
    }

    @Test(arguments: [
        ("* pkg.S/M", "no `->`"), ("-> *", "nobody stands before"), ("* ->", "'' is no method"),
        ("* -> pkg.S/M,", "'' is no method"), ("* -> pkg.S", "'pkg.S' is no method"),
        ("* -> pkg.S/", "is no method"), ("* -> /M", "is no method"), ("* -> pkg..S/M", "is no method"),
        ("* -> pkg.S/M*", "is no method"), ("* -> pkg.*/M", "is no method"),
        ("* -> pkg.S/M/N", "is no method"),
        ("* -> */*", "is no method"), ("* -> pkg.S/M pkg.S/N", "is no method"),
        ("a b -> *", "'a b' is neither"), ("*.example -> *", "is neither"), ("Anonymöus -> *", "'Anonym?us'"),
        ("spiffe://Shop/a -> *", "no valid SPIFFE ID"), ("spiffe://shop/a* -> *", "no valid SPIFFE ID"),
        ("spiffe:///* -> *", "no valid SPIFFE ID"),
        ("spiffe://shop -> *", "its workloads are `spiffe://shop/*`"),
    ])
    func errorsNameLineAndReason(line: String, reason: String) throws {
        let error = #expect(throws: RuntimeError.self) { try AccessPolicy("# one\n* -> *\n\(line)\n* -> *") }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("policy:3: ") == true)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func rulesAboutNoMethodAreLogged() throws {
        let log = WatchedLog()
        var options = ServerOptions.defaults
        options.policy = try AccessPolicy(
            "* -> \(Self.service)/Echo\n* -> \(Self.service)/Ecko", origin: "rules")
        _ = try Server([IdentityServer()], on: .unix(path: "/unused"), options: options, logger: log.logger)
        #expect(log.lines.count == 1)
        #expect(log.lines.first?.contains("rules:2") == true)
    }
}
