// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// That every file is formatted as `.swift-format` says.
@Suite(.blocking) struct FormatTests {
    @Test func everyFileIsFormatted() throws {
        let (status, text) = try Repository.run("Scripts/format", ["--check"])
        #expect(status == 0, "run Scripts/format:\n\(text)")
    }

    @Test func seesAFileThatIsNotFormatted() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).swift")
        try "let  a=1\n".write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let configuration = Repository.root.appending(path: ".swift-format").path
        let swift = try Repository.run(
            "/usr/bin/env",
            ["swift", "format", "lint", "--strict", "--configuration", configuration, file.path])
        #expect(swift.status != 0 && swift.text.contains("[Spacing]"), "\(swift.text)")
    }
}
