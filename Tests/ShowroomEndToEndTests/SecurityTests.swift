// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import ShowroomContracts
import TestCertificates
import Testing

/// Showroom's executables with certificates and a policy, as they are run where the network is not trusted.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct SecurityTests {
    private let authority: TestAuthority
    init() throws { authority = try TestAuthority() }

    private static let catalogID = "spiffe://shop.example/catalog"
    private static let pricingID = "spiffe://shop.example/pricing"
    private static let customerID = "spiffe://shop.example/web"

    private func arguments(_ files: TestAuthority.Files, policy: String? = nil) -> [String] {
        ["--tls-cert", files.certificate, "--tls-key", files.key, "--tls-ca", authority.root]
            + (policy.map { ["--policy", $0] } ?? [])
    }

    private func client(_ workload: String?, of server: String) throws -> ClientOptions {
        let own = try workload.map { try authority.issue("client-\($0)", .workload($0)) }
        return authority.client(own, expecting: .identity(server))
    }

    /// Both services with certificates, and a policy by which the web asks pricing and pricing asks catalog.
    private func withSecuredShowroom(
        _ body: (
            _ showroom: RunningShowroom, _ catalog: RunningShowroom.Running,
            _ pricing: RunningShowroom.Running
        )
            async throws -> Void
    ) async throws {
        let catalogPolicy = try authority.file(
            "catalog.policy", "\(Self.pricingID) -> showroom.catalog.v1.Catalog/*\n")
        let pricingPolicy = try authority.file(
            "pricing.policy",
            "\(Self.customerID) -> showroom.pricing.v1.Pricing/*, ravioli.reflection.v1.Reflection/*\n")
        let catalogFiles = try authority.issue("catalog", .workload("catalog"))
        let pricingFiles = try authority.issue("pricing", .workload("pricing"))
        try await withShowroom { showroom in
            let catalog = try await showroom.startCatalog(arguments(catalogFiles, policy: catalogPolicy))
            let pricing = try await showroom.startPricing(
                asking: catalog.address,
                arguments(pricingFiles, policy: pricingPolicy) + ["--catalog-identity", Self.catalogID])
            try await body(showroom, catalog, pricing)
        }
    }

    /// What keeps a caller from pricing; `none` when nothing does.
    private func refusal(_ address: Address, _ options: ClientOptions) async throws -> StatusCode? {
        try await withClient(address, options: options) { client in
            do {
                _ = try await PricingClient(client).getQuote(
                    GetQuoteRequest(quoteId: "none"), options: .timeout(.seconds(20)))
                return nil
            } catch let error as RPCError {
                return error.code
            }
        }
    }

    @Test func servicesKnowEachOtherAndTheirCallers() async throws {
        try await withSecuredShowroom { _, catalog, pricing in
            let asPricing = try client("pricing", of: Self.catalogID)
            let vehicle = try await withClient(catalog.address, options: asPricing) { client in
                let request = SearchVehiclesRequest(pageSize: 1)
                return try #require(try await CatalogClient(client).searchVehicles(request).vehicles.first)
            }
            // Pricing's answer needs catalog's, which it gets by its own certificate.
            try await withClient(pricing.address, options: client("web", of: Self.pricingID)) { client in
                let quote = try await PricingClient(client).createQuote(
                    CreateQuoteRequest(requestId: "r1", vin: vehicle.vin, customer: "ann"))
                #expect(quote.price == vehicle.price)
            }
            // Not by the rules: the web asks no catalog, and nobody else asks pricing.
            try await withClient(catalog.address, options: client("web", of: Self.catalogID)) { client in
                let error = await #expect(throws: RPCError.self) {
                    try await CatalogClient(client).searchVehicles(SearchVehiclesRequest(pageSize: 1))
                }
                #expect(error?.code == .permissionDenied && error?.executed == .no)
            }
            #expect(
                try await refusal(pricing.address, client("sales", of: Self.pricingID)) == .permissionDenied)
        }
    }

    @Test func othersAreRefused() async throws {
        try await withSecuredShowroom { _, _, pricing in
            #expect(try await refusal(pricing.address, client("web", of: Self.pricingID)) == .notFound)
            // In plain text, without a certificate, with one of another authority, by a client that expects somebody else.
            #expect(try await refusal(pricing.address, .defaults) == .unavailable)
            #expect(try await refusal(pricing.address, client(nil, of: Self.pricingID)) == .unavailable)
            var stranger = try client("web", of: Self.pricingID)
            let other = try TestAuthority()
            defer { withExtendedLifetime(other) {} }
            let foreign = try other.issue("web", .workload("web"))
            stranger.tls?.certificateChainFile = foreign.certificate
            stranger.tls?.privateKeyFile = foreign.key
            #expect(try await refusal(pricing.address, stranger) == .unavailable)
            #expect(try await refusal(pricing.address, client("web", of: Self.catalogID)) == .unavailable)
        }
    }

    /// SIGHUP has the files read at once; a policy that is none leaves the one before.
    @Test func newRulesHoldWithoutARestart() async throws {
        try await withSecuredShowroom { _, _, pricing in
            let sales = try client("sales", of: Self.pricingID)
            #expect(try await refusal(pricing.address, sales) == .permissionDenied)
            _ = try authority.file(
                "pricing.policy", "spiffe://shop.example/sales -> showroom.pricing.v1.Pricing/*\n")
            pricing.process.signal(SIGHUP)
            _ = try await pricing.process.line(after: "policy reloaded")
            #expect(try await refusal(pricing.address, sales) == .notFound)
            #expect(
                try await refusal(pricing.address, client("web", of: Self.pricingID)) == .permissionDenied)

            _ = try authority.file("pricing.policy", "nonsense")
            pricing.process.signal(SIGHUP)
            _ = try await pricing.process.line(after: "pricing.policy:1: ")
            #expect(try await refusal(pricing.address, sales) == .notFound)
        }
    }

    @Test func theCommandLineCallsThroughTLS() async throws {
        let web = try authority.issue("web", .workload("web"))
        let tls = [
            "--tls-cert", web.certificate, "--tls-key", web.key, "--tls-ca", authority.root, "--tls-server",
            Self.pricingID,
        ]
        try await withSecuredShowroom { showroom, _, pricing in
            for (arguments, expected) in [(tls, "no quote has the id none"), ([], "the server requires TLS")]
            {
                let call = try await showroom.run(
                    "ravioli", "call", "\(pricing.address)", "showroom.pricing.v1.Pricing/GetQuote", "-d",
                    #"{"quoteId": "none"}"#, security: arguments)
                #expect(call.end != .exited(status: 0) && call.errors.contains(expected), "\(call.errors)")
            }
        }
    }
}
