// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// Words that say nothing, and words that must not be in the repository.
enum Words {
    /// Names that hide what a thing does, with what to ask oneself instead.
    static let empty: [String: String] = [
        "Manager": "say what it does to what it manages", "Helper": "name what it helps with",
        "Helpers": "name what they help with", "Util": "name what it is for",
        "Utils": "name what they are for",
        "Utility": "name what it is for", "Utilities": "name what they are for",
        "Common": "name what they have in common", "Impl": "name how it does it",
        "New": "it will be old one day", "Base": "name what it is",
    ]

    /// `FieldMaskError` → `Field`, `Mask`, `Error`; `Base64URL` → `Base64`, `URL`.
    static func words(of name: Substring) -> [Substring] {
        name.matches(of: #/[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*/#).map(\.output)
    }

    static func emptyNames(in file: SourceFile) -> [Violation] {
        var violations: [Violation] = []
        func check(_ name: Substring, _ index: Int) {
            for word in words(of: name) {
                guard let advice = empty[String(word)] else { continue }
                violations.append(file.violation(index, "\(word) in \(name) says nothing: \(advice)"))
            }
        }
        check(file.stem, 0)
        let kinds = ["class ", "struct ", "enum ", "protocol ", "actor ", "typealias "]
        for (index, line) in file.code.enumerated() {
            guard kinds.contains(where: line.contains) else { continue }
            for match in line.matches(
                of: #/\b(?:class|struct|enum|protocol|actor|typealias) ([A-Za-z_][A-Za-z0-9_]*)/#)
            {
                check(match.output.1, index)
            }
        }
        return violations
    }

    /// Text that belongs to one machine or to nobody: found in prose and code alike.
    static func strayWords(in file: SourceFile) -> [Violation] {
        let signs = ["/ho", "/Us", "/ro", "/wo", "/mn", "/me", "TO\u{44}O", "FIX", "X\u{58}X", "HA\u{43}K"]
        return file.lines.enumerated().flatMap { index, line -> [Violation] in
            guard signs.contains(where: line.contains) else { return [] }
            var violations: [Violation] = []
            if line.contains(#/(?:^|[\s"'`=(:])\/(?:home|Users|root|work|workspace|mnt|media)\//#) {
                violations.append(file.violation(index, "a path of one machine"))
            }
            if line.contains(#/\bTO\x44O\b(?!\(#[0-9]+\))/#) {
                violations.append(file.violation(index, "a to-do needs an issue, as in (#12) behind it"))
            }
            if line.contains(#/\b(?:FIX\x4dE|X\x58X|HA\x43K)\b/#) {
                violations.append(file.violation(index, "what needs fixing is fixed before it lands"))
            }
            return violations
        }
    }
}

@Suite(.blocking) struct NameTests {
    @Test func namesSaySomething() {
        let violations = Repository.handwritten.flatMap(Words.emptyNames)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test(arguments: [
        ("Sources/Ravioli/CallManager.swift", ""), ("Sources/Ravioli/Utils.swift", ""),
        ("Sources/Ravioli/Calls+Fine.swift", "final class ServerImpl {}"),
        ("Sources/Ravioli/Fine.swift", "public protocol BaseCall {}"),
        ("Tests/RavioliTests/TestHelpers.swift", ""), ("Sources/Ravioli/Fine.swift", "  enum NewCalls {}"),
    ])
    func seesAnEmptyName(path: String, text: String) {
        #expect(!Words.emptyNames(in: SourceFile(path: path, text: text)).isEmpty)
    }

    @Test(arguments: ["Base64URL", "DurableDatabase", "Newton", "Implied", "Uncommon", "Renewal"])
    func leavesLongerWordsAlone(name: String) {
        let file = SourceFile(path: "Sources/Ravioli/\(name).swift", text: "struct \(name) {}")
        #expect(Words.emptyNames(in: file).isEmpty)
    }

    @Test func noTextIsOutOfPlace() {
        let violations = Repository.files.filter { !$0.isGenerated }.flatMap(Words.strayWords)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test(arguments: [
        "see /ro" + "ot/notes", "let path = \"/ho" + "me/ada/x\"", "// TO" + "DO: later", "# FIX" + "ME",
    ])
    func seesStrayText(line: String) {
        #expect(!Words.strayWords(in: SourceFile(path: "README.md", text: line)).isEmpty)
    }

    @Test(arguments: [
        "// TO" + "DO(#12): when streams land", "https://example.com/home/x", "/usr/include/x.h",
    ])
    func leavesOtherTextAlone(line: String) {
        #expect(Words.strayWords(in: SourceFile(path: "README.md", text: line)).isEmpty)
    }
}
