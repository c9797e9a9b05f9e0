// SPDX-License-Identifier: Apache-2.0

/// Just enough of Swift's grammar to tell code from comments and literals.
///
/// It reads byte by byte and knows nested comments, strings of one and of many lines, raw strings, and code within
/// strings. It does not know regular expression literals, which this repository writes only with `#/…/#`.
struct SwiftText {
    /// The text with the contents of comments and string literals replaced by spaces; lines stay where they were.
    static func blankingCommentsAndStrings(in text: String) -> String {
        var scanner = SwiftText(input: Array(text.utf8))
        scanner.scanCode(untilParenthesis: false)
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private let input: [UInt8]
    private var output: [UInt8]
    private var position = 0

    private init(input: [UInt8]) {
        self.input = input
        output = input
    }

    private func starts(with text: StaticString, at offset: Int = 0) -> Bool {
        let start = position + offset
        guard start + text.utf8CodeUnitCount <= input.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { input[start + $0] == text.utf8Start[$0] }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < input.count {
            if input[position] != UInt8(ascii: "\n") { output[position] = UInt8(ascii: " ") }
            position += 1
        }
    }

    /// Where something else than plain code may begin or end.
    private static let special = Set("/\"#()".utf8)

    private mutating func scanCode(untilParenthesis: Bool) {
        var depth = 0
        while position < input.count {
            if !Self.special.contains(input[position]) {
                position += 1
            } else if starts(with: "//") {
                while position < input.count, input[position] != UInt8(ascii: "\n") { blank() }
            } else if starts(with: "/*") {
                scanComment()
            } else if starts(with: "\"") || starts(with: "#\"") || starts(with: "##\"") {
                scanString()
            } else if starts(with: "#/") {
                while position < input.count, !starts(with: "/#") { blank() }
                blank(2)
            } else {
                depth += starts(with: "(") ? 1 : starts(with: ")") ? -1 : 0
                if untilParenthesis, depth < 0 { return }
                position += 1
            }
        }
    }

    private mutating func scanComment() {
        blank(2)
        while position < input.count, !starts(with: "*/") {
            if starts(with: "/*") { scanComment() } else { blank() }
        }
        blank(2)
    }

    private mutating func scanString() {
        var pounds = 0
        while starts(with: "#") {
            pounds += 1
            position += 1
        }
        let isLong = starts(with: "\"\"\"")
        position += isLong ? 3 : 1
        while position < input.count {
            if ends(isLong: isLong, pounds: pounds) {
                position += (isLong ? 3 : 1) + pounds
                return
            }
            guard starts(with: "\\"), hasPounds(pounds, at: 1) else {
                if !isLong, starts(with: "\n") { return }
                blank()
                continue
            }
            blank(1 + pounds)
            if starts(with: "(") {
                position += 1
                scanCode(untilParenthesis: true)
            } else {
                blank()
            }
        }
    }

    private func ends(isLong: Bool, pounds: Int) -> Bool {
        isLong
            ? starts(with: "\"\"\"") && hasPounds(pounds, at: 3)
            : starts(with: "\"") && hasPounds(pounds, at: 1)
    }

    private func hasPounds(_ count: Int, at offset: Int) -> Bool {
        (0..<count).allSatisfy { starts(with: "#", at: offset + $0) }
    }
}
