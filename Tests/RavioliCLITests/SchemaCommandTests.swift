// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import Ravioli
import Testing

@Suite(.timeLimit(.minutes(2)))
struct SchemaCommandTests {
    @Test func listsServices() async throws {
        let outcome = try await Command.run(atDesk: ["list", "@"])
        #expect(outcome.status == 0)
        #expect(outcome.output == "ravioli.reflection.v1.Reflection\nravioli.test.v1.Desk\n")
    }

    @Test func listsServicesAsJSON() async throws {
        let outcome = try await Command.run(atDesk: ["list", "@", "--json"])
        let names = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String]
        #expect(names == ["ravioli.reflection.v1.Reflection", "ravioli.test.v1.Desk"])
    }

    @Test func describesAServiceWithAllItsTypes() async throws {
        let outcome = try await Command.run(atDesk: ["describe", "@", "ravioli.test.v1.Desk"])
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.first == "service ravioli.test.v1.Desk {")
        #expect(
            lines.contains(
                "  rpc Echo(ravioli.test.v1.EchoRequest) returns (ravioli.test.v1.EchoResponse);  // no side effects"))
        #expect(
            lines.contains("  rpc Watch(ravioli.test.v1.EchoRequest) returns (stream ravioli.test.v1.EchoResponse);"))
        #expect(lines.contains("message ravioli.test.v1.EchoResponse {"))
        #expect(lines.contains("  int64 big_number = 2;  // JSON: bigNumber"))
        #expect(lines.contains("  repeated string metadata = 2;"))
    }

    @Test func describesOneMethodOnly() async throws {
        let outcome = try await Command.run(atDesk: ["describe", "@", "ravioli.test.v1.Desk/Fail"])
        #expect(outcome.output.contains("rpc Fail("))
        #expect(!outcome.output.contains("rpc Echo("))
        #expect(!outcome.output.contains("EchoRequest"))
    }

    @Test func describesAsJSON() async throws {
        let outcome = try await Command.run(atDesk: ["describe", "@", "ravioli.test.v1.Desk", "--json"])
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect((object?["methods"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["Echo", "Fail", "Wait", "Watch"])
    }

    @Test func unknownNamesHaveTheirExitCode() async throws {
        #expect(try await Command.run(atDesk: ["describe", "@", "ravioli.test.v1.Desc"]).status == 112)
        #expect(try await Command.run(atDesk: ["describe", "@", "ravioli.test.v1.Desk/Nope"]).status == 112)
    }
}
