// SPDX-License-Identifier: Apache-2.0

/// Collects lines of Swift with their indentation. Blank lines are asked for with ``gap()``, so that there is never
/// one behind an opening brace, in front of a closing one, or beside another.
struct CodeWriter {
    /// Columns that a line should not exceed.
    static let width = 110

    private(set) var text = ""
    private var indentation = 0
    private var wantsGap = false
    private var isAtOpening = true

    /// Appends a line, or each line of a longer text, at the current indentation.
    mutating func line(_ content: String) {
        if wantsGap, !isAtOpening { text += "\n" }
        wantsGap = false
        isAtOpening = false
        for part in content.split(separator: "\n", omittingEmptySubsequences: false) {
            if !part.isEmpty { text += String(repeating: " ", count: 4 * indentation) + part }
            text += "\n"
        }
    }

    /// Separates what follows from what stands before by one blank line.
    mutating func gap() { wantsGap = true }

    /// Appends `head {`, what `body` writes one level deeper, and `}`.
    mutating func block(_ head: String, _ body: (inout CodeWriter) -> Void) {
        line(head + " {")
        self.body(body)
    }

    /// Appends what `body` writes one level deeper, and `}`; the brace was opened by the last line.
    mutating func body(_ body: (inout CodeWriter) -> Void) {
        isAtOpening = true
        indentation += 1
        body(&self)
        indentation -= 1
        wantsGap = false
        line("}")
    }

    /// Whether `content` fits into one line at the current indentation.
    func fits(_ content: String) -> Bool { 4 * indentation + content.count <= Self.width }

    /// Appends `head(items)tail`: in one line if it fits, else with the items in the next, else with each item in a
    /// line of its own.
    mutating func list(_ head: String, _ items: [String], _ tail: String) {
        let whole = "\(head)(\(items.joined(separator: ", ")))\(tail)"
        if fits(whole) { return line(whole) }
        line("\(head)(")
        let joined = "    " + items.joined(separator: ", ")
        if fits(joined + ")" + tail) {
            if !tail.hasSuffix("{") { return line("\(joined))\(tail)") }
            line(joined)
            return line(")\(tail)")
        }
        for (index, item) in items.enumerated() { line("    \(item)\(index == items.count - 1 ? "" : ",")") }
        line(")\(tail)")
    }

    /// Appends a comment of the schema as documentation.
    mutating func documentation(_ comment: String?) {
        guard let comment else { return }
        for part in comment.split(separator: "\n", omittingEmptySubsequences: false) {
            line(part.isEmpty ? "///" : "/// \(part)")
        }
    }
}
