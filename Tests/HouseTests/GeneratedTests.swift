// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// That nothing generated or specified can drift without a test noticing. RavioliCodeGenTests regenerates what
/// Scripts/generate lists; here stands that the list is whole.
enum Generated {
    /// The folders in the table of `Scripts/generate`.
    static func folders(inScript text: String) -> Set<String> {
        Set(text.matches(of: #/(?m)^\s*module\s+(\S+)/#).map { String($0.output.1) })
    }

    static func unlisted(_ paths: [String], folders: Set<String>) -> [String] {
        paths.filter { path in !folders.contains { path.hasPrefix($0 + "/") } }
    }
}

@Suite(.blocking) struct GeneratedTests {
    @Test func everyGeneratedFileIsInTheTable() throws {
        let folders = Generated.folders(inScript: try Repository.text("Scripts/generate"))
        let generated = Repository.swift.filter { $0.isGenerated && !$0.isPeers }.map(\.path)
        #expect(Generated.unlisted(generated, folders: folders) == [])
        #expect(!generated.isEmpty)
    }

    @Test func seesAFileThatIsNotInTheTable() {
        let folders = Generated.folders(
            inScript: "schemas() {\n    module Sources/A/Generated x=y \\\n        a.proto\n}\n")
        #expect(folders == ["Sources/A/Generated"])
        let paths = ["Sources/A/Generated/a.ravioli.swift", "Sources/B/Generated/b.ravioli.swift"]
        #expect(Generated.unlisted(paths, folders: folders) == ["Sources/B/Generated/b.ravioli.swift"])
    }

    @Test(arguments: [
        "Tests/RavioliCodeGenTests/GeneratedCodeTests.swift": "\"--check\"",
        "Tests/RavioliWireTests/ProtocolVectorTests.swift": "Protocol.md",
    ])
    func testsThatCatchDriftExist(path: String, text: String) throws {
        #expect(try Repository.text(path).contains(text))
    }
}
