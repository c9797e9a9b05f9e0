// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// That the tests which the page of interoperability cases names exist.
enum InteropTable {
    static let page = "Sources/Ravioli/Documentation.docc/Interop.md"

    /// The tests that a page's tables name, as `Suite.function`.
    static func names(in page: String) -> [String] {
        page.split(separator: "\n").filter { $0.hasPrefix("| ") }
            .flatMap { $0.matches(of: #/`([A-Z]\w+Tests\.\w+)`/#).map { String($0.output.1) } }
    }

    /// Those of them that no file has.
    static func missing(_ names: [String], in files: [SourceFile]) -> [String] {
        names.filter { name in
            let parts = name.split(separator: ".")
            return !files.contains { file in
                file.code.contains {
                    $0.contains("struct \(parts[0]) ") || $0.hasSuffix("struct \(parts[0])")
                }
                    && file.code.contains { $0.contains("func \(parts[1])(") }
            }
        }
    }
}

@Suite(.blocking) struct InteropTableTests {
    @Test func namesTestsThatExist() throws {
        let names = InteropTable.names(in: try Repository.text(InteropTable.page))
        #expect(names.count > 40)
        let tests = Repository.handwritten.filter { $0.components.first == "Tests" }
        #expect(InteropTable.missing(names, in: tests) == [])
    }

    @Test func seesATestThatIsGone() {
        let names = InteropTable.names(
            in: "| ping | `LifeTests.ping`, `LifeTests.pong` | |\n`LifeTests.prose`")
        #expect(names == ["LifeTests.ping", "LifeTests.pong"])
        let file = SourceFile(
            path: "Tests/RavioliTests/LifeTests.swift",
            text: "struct LifeTests {\n    @Test func ping() {}\n}")
        #expect(InteropTable.missing(names, in: [file]) == ["LifeTests.pong"])
    }
}
