// SPDX-License-Identifier: Apache-2.0

/// `$name.field.field`: a parameter of the request, or a step's response or a part of it.
///
/// A path through a list means that part of each element, so that `$search.vehicles.vin` is a list of texts.
package struct PlanReference: Sendable, Hashable, CustomStringConvertible {
    /// The parameter's or step's name.
    package let name: String
    /// Fields below it, each as the `.proto` file or JSON calls it.
    package let path: [String]

    /// Reads a reference; nil for text that does not begin with `$`. Text that does so without being one is written `$$`.
    ///
    /// - Throws: for what begins with one `$` and is none.
    package init?(_ text: String) throws(PlanError) {
        guard text.utf8.first == UInt8(ascii: "$"), !text.hasPrefix("$$") else { return nil }
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, parts.allSatisfy(Self.isName) else {
            throw PlanError(
                "\"\(text)\" is no reference such as $step.field; a text that begins with $ is written $$")
        }
        self.name = name
        path = Array(parts.dropFirst())
    }

    /// The text as it is written in a plan.
    package var description: String { "$" + ([name] + path).joined(separator: ".") }

    /// Whether a text can name a parameter, a step or a field.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == UInt8(ascii: "_") || isLetter(first) else { return false }
        return text.utf8.allSatisfy { $0 == UInt8(ascii: "_") || isLetter($0) || (0x30...0x39).contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
