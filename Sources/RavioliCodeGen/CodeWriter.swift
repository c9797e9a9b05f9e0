// SPDX-License-Identifier: Apache-2.0

/// Collects lines of Swift with their indentation.
struct CodeWriter {
    private(set) var text = ""
    private var indentation = 0

    /// Appends a line, or each line of a longer text, at the current indentation.
    mutating func line(_ content: String = "") {
        for part in content.split(separator: "\n", omittingEmptySubsequences: false) {
            if !part.isEmpty { text += String(repeating: " ", count: 4 * indentation) + part }
            text += "\n"
        }
    }

    /// Appends `head {`, what `body` writes one level deeper, and `}`.
    mutating func block(_ head: String, _ body: (inout CodeWriter) -> Void) {
        line(head + " {")
        indentation += 1
        body(&self)
        indentation -= 1
        line("}")
    }

    /// Appends a comment of the schema as documentation.
    mutating func documentation(_ comment: String?) {
        guard let comment else { return }
        for part in comment.split(separator: "\n", omittingEmptySubsequences: false) {
            line(part.isEmpty ? "///" : "/// \(part)")
        }
    }
}
