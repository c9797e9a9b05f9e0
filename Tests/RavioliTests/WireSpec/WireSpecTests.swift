// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Every case against a server of its own, over TCP: the chapters side by side, the cases of each in their order.
@Suite(.timeLimit(.minutes(5)))
struct WireSpecTests {
    @Test(.serialized, arguments: WireSpec.hellos) func hello(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.otherProtocols) func otherProtocols(
        _ wireCase: WireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.frames) func frames(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.connectionFrames) func connectionFrames(
        _ wireCase: WireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.cancels) func cancels(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.calls) func calls(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.metadata) func metadata(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.chunks) func chunks(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.streams) func streams(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.credits) func credits(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: WireSpec.floods) func floods(_ wireCase: WireCase) async throws {
        try await wireCase.run()
    }

    // MARK: Servers' bytes

    @Test(.serialized, arguments: ClientWireSpec.hellos) func serverHellos(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: ClientWireSpec.frames) func serverFrames(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: ClientWireSpec.goaways) func serverGoaways(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: ClientWireSpec.ends) func serverEnds(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: ClientWireSpec.answers) func serverAnswers(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }
    @Test(.serialized, arguments: ClientWireSpec.streams) func serverStreams(
        _ wireCase: ClientWireCase
    ) async throws {
        try await wireCase.run()
    }

    // MARK: The list

    @Test func casesAreNumberedForGood() {
        let numbers = WireSpec.all.map(\.number) + ClientWireSpec.all.map(\.number)
        #expect(numbers.count >= 350)
        #expect(WireSpec.all.allSatisfy { $0.number < 500 })
        #expect(Set(numbers).count == numbers.count)
    }

    @Test func sectionsAreThoseOfSpecification() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = root.appending(path: "Sources/RavioliWire/Documentation.docc/Protocol.md")
        let headings = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("#") }
            .map { String($0.drop { $0 == "#" || $0 == " " }) }
        let sections = WireSpec.all.map(\.section) + ClientWireSpec.all.map(\.section)
        #expect(Set(sections).subtracting(headings) == [])
    }
}
