// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// That `Scripts/budgets` fails when a call costs more than is committed. What calls cost is counted by the script itself, on a
/// release build; see `Benchmarks/Budgets`.
@Suite(.blocking) struct BudgetTests {
    private static let committed = """
        {"budgets": {
            "allocations.unary.client": {"measured": 4.0, "allowed": 4.2},
            "instructions.unary.server": {"measured": 20000, "allowed": 21000},
            "wire.unary.client": {"measured": 84.0, "allowed": 84.02}
        }}
        """

    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let figures: [String: Double]
        let status: Int32
        let words: [String]
    }

    private static let within = [
        "allocations.unary.client": 4.1, "instructions.unary.server": 20_500, "wire.unary.client": 84,
    ]

    @Test(arguments: [
        Case(testDescription: "within", figures: within, status: 0, words: []),
        Case(
            testDescription: "an allocation more",
            figures: within.merging(["allocations.unary.client": 5]) { $1 },
            status: 1, words: ["OVER BUDGET: allocations.unary.client"]),
        Case(
            testDescription: "a byte more", figures: within.merging(["wire.unary.client": 85]) { $1 },
            status: 1, words: ["OVER BUDGET: wire.unary.client"]),
        Case(
            testDescription: "more instructions",
            figures: within.merging(["instructions.unary.server": 21_001]) { $1 },
            status: 1, words: ["OVER BUDGET: instructions.unary.server"]),
        Case(
            testDescription: "nothing committed", figures: within.merging(["memory.stream.server": 1]) { $1 },
            status: 1, words: ["OVER BUDGET: memory.stream.server"]),
        Case(
            testDescription: "one not measured", figures: within.filter { $0.key != "wire.unary.client" },
            status: 1, words: ["NOT MEASURED: wire.unary.client"]),
        Case(
            testDescription: "far below",
            figures: within.merging(["instructions.unary.server": 10_000]) { $1 },
            status: 0, words: ["far below", "--update"]),
    ])
    func comparesWithWhatIsCommitted(_ example: Case) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (budgets, measured) = (folder.appending(path: "b.json"), folder.appending(path: "m.json"))
        try Self.committed.write(to: budgets, atomically: true, encoding: .utf8)
        try JSONSerialization.data(withJSONObject: example.figures).write(to: measured)
        let (status, text) = try Repository.run(
            "Scripts/budgets", ["--check", measured.path, "--budgets", budgets.path])
        #expect(status == example.status, "\(text)")
        for word in example.words { #expect(text.contains(word), "\(text)") }
    }

    @Test func instrumentsCountRight() throws {
        let (status, text) = try Repository.run("Scripts/budgets", ["--self-test"])
        #expect(status == 0, "\(text)")
    }

    /// Nobody raises one by hand to where it says nothing any more.
    @Test func committedBudgetsAreTight() throws {
        let folder = Repository.root.appending(path: "Benchmarks/Budgets")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        #expect(!files.isEmpty)
        for file in files {
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
            let budgets = try #require(object?["budgets"] as? [String: [String: Double]])
            #expect(budgets.count >= 30, "\(file.lastPathComponent)")
            for (name, budget) in budgets {
                let measured = try #require(budget["measured"])
                let allowed = try #require(budget["allowed"])
                let most = max(measured * 1.6, measured + 0.2)
                #expect((measured...most).contains(allowed), "\(name): \(budget)")
            }
        }
    }
}
