// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// How long files and functions may be, and that each file names its licence.
enum Sizes {
    static let fileLinesMax = 500
    static let functionLinesMax = 70
    static let licence = "// SPDX-License-Identifier: Apache-2.0"

    static func longFiles(_ file: SourceFile) -> [Violation] {
        // The last element is what follows the last line feed: nothing.
        let count = file.lines.count - 1
        return count > fileLinesMax ? [file.violation(fileLinesMax, "\(count) lines; split it by ideas")] : []
    }

    static func missingLicence(_ file: SourceFile) -> [Violation] {
        // The manifest's first line belongs to SwiftPM, and examples are there to be copied.
        if file.stem == "Package" || file.components.first == "Examples"
            || file.lines.first.map(String.init) == licence
        {
            return []
        }
        return [file.violation(0, "the first line is not \(licence)")]
    }

    /// Functions and initialisers with more lines than allowed, from the declaration to the closing brace.
    static func longFunctions(_ file: SourceFile) -> [Violation] {
        file.code.indices.compactMap { index in
            guard let name = declaredFunction(file.code[index]), let end = lastLine(of: file, from: index),
                end - index + 1 > functionLinesMax
            else { return nil }
            return file.violation(index, "\(name) has \(end - index + 1) lines; at most \(functionLinesMax)")
        }
    }

    private static func declaredFunction(_ line: Substring) -> String? {
        let isCandidate = line.contains("func ") || line.contains("init") || line.contains("subscript")
        guard isCandidate,
            let match = line.prefixMatch(
                of:
                    #/\s*(?:@\w+(?:\([^)]*\))?\s+|[a-z]+(?:\([a-z]+\))?\s+)*?(func\s+\S[^(<]*|init\b|deinit\b|subscript\b)/#
            )
        else { return nil }
        return String(match.output.1)
    }

    /// The line with the brace that closes the body; nil if the declaration has none, as in protocols.
    private static func lastLine(of file: SourceFile, from start: Int) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<file.code.count {
            if index > start, braces == 0, parentheses == 0, declaredFunction(file.code[index]) != nil {
                return nil
            }
            for character in file.code[index].utf8 {
                switch character {
                case UInt8(ascii: "("): parentheses += 1
                case UInt8(ascii: ")"): parentheses -= 1
                case UInt8(ascii: "{") where parentheses == 0: braces += 1
                case UInt8(ascii: "}") where parentheses == 0:
                    braces -= 1
                    if braces == 0 { return index }
                    if braces < 0 { return nil }
                default: break
                }
            }
        }
        return nil
    }
}

@Suite(.blocking) struct SizeTests {
    @Test func filesAreShort() {
        let violations = Repository.handwritten.flatMap(Sizes.longFiles)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func seesALongFile() {
        let text = String(repeating: "let x = 1\n", count: Sizes.fileLinesMax)
        #expect(Sizes.longFiles(SourceFile(path: "Sources/Ravioli/Good.swift", text: text)).isEmpty)
        #expect(!Sizes.longFiles(SourceFile(path: "Sources/Ravioli/Bad.swift", text: text + "\n")).isEmpty)
    }

    @Test func functionsAreShort() {
        let violations = Repository.handwritten.flatMap(Sizes.longFunctions)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test(arguments: [
        "    package static func run(_ body: () -> Void = { }) {", "public init?(x: Int) {",
        "@inlinable mutating func run() async throws {", "func run(\n  a: Int\n) {",
        "subscript(x: Int) -> Int {",
    ])
    func seesALongFunction(head: String) {
        let headLines = head.split(separator: "\n").count
        for (extra, isFine) in [(0, true), (1, false)] {
            let lines = Sizes.functionLinesMax - headLines - 1 + extra
            let body = String(repeating: "    if x { f(\"{\") } // }\n", count: lines)
            let text = "protocol P {\n    func f()\n}\n\(head)\n\(body)}\n"
            #expect(
                Sizes.longFunctions(SourceFile(path: "Sources/Ravioli/F.swift", text: text)).isEmpty == isFine
            )
        }
    }

    @Test func filesNameTheirLicence() {
        let violations = Repository.handwritten.flatMap(Sizes.missingLicence)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func seesAMissingLicence() {
        let file = SourceFile(path: "Sources/Ravioli/Bad.swift", text: "import NIOCore\n\(Sizes.licence)\n")
        #expect(!Sizes.missingLicence(file).isEmpty)
    }
}
