// SPDX-License-Identifier: Apache-2.0
//
// The grammar of google/api/http.proto:
//
//     Template = "/" Segments [ ":" Verb ]
//     Segments = Segment { "/" Segment }
//     Segment  = "*" | "**" | literal | "{" field.path [ "=" Segments ] "}"
//
// `**` is the last segment or none, and variables do not nest.

/// A template of paths, read.
package struct PathTemplate: Sendable, Hashable {
    /// What one segment of a path must be.
    package enum Segment: Sendable, Hashable {
        /// This text, once decoded.
        case literal(String)
        /// Anything: `*`.
        case any
        /// All segments that are left, if any: `**`.
        case rest
    }

    /// A part of the path that is the value of a field.
    package struct Variable: Sendable, Hashable {
        /// The field, as a path of names through messages.
        package var fieldPath: [String]
        /// Which segments it takes; to the end of the path if the last of them is `**`.
        package var segments: Range<Int>
        /// Whether it can take other than one segment: then an escaped slash stays escaped in its value.
        package var takesSeveral: Bool
    }

    package private(set) var segments: [Segment] = []
    package private(set) var variables: [Variable] = []
    /// What follows the colon, decoded; nil if there is none.
    package private(set) var verb: String?

    /// Reads a template.
    ///
    /// - Throws: what is wrong and at which character.
    package init(_ text: String) throws(RESTRuleError) {
        var parser = Parser(text)
        try parser.template()
        (segments, variables, verb) = (parser.segments, parser.variables, parser.verb)
    }
}

private struct Parser {
    let text: [UInt8]
    var position = 0
    var segments: [PathTemplate.Segment] = []
    var variables: [PathTemplate.Variable] = []
    var verb: String?

    init(_ text: String) { self.text = Array(text.utf8) }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard next == character.asciiValue else { return false }
        position += 1
        return true
    }

    private func failure(_ what: String) -> RESTRuleError {
        RESTRuleError("\(what) at character \(position + 1)")
    }

    // MARK: Rules

    mutating func template() throws(RESTRuleError) {
        guard take("/") else { throw failure("a template begins with \"/\", which is missing") }
        try segments(inVariable: false)
        if take(":") {
            let start = position
            verb = try literal("a verb")
            if next == UInt8(ascii: ":") { throw failure("a template has one verb, and a second begins") }
            if start == position { throw failure("a verb is missing") }
        }
        guard position == text.count else { throw failure("nothing may follow, and something does") }
    }

    private mutating func segments(inVariable: Bool) throws(RESTRuleError) {
        repeat {
            if segments.last == .rest { throw failure("** is the last segment, and another follows") }
            try segment(inVariable: inVariable)
        } while take("/")
    }

    private mutating func segment(inVariable: Bool) throws(RESTRuleError) {
        if take("*") {
            segments.append(take("*") ? .rest : .any)
            if next == UInt8(ascii: "*") { throw failure("a segment is *, ** or text, and a third * stands") }
        } else if take("{") {
            if inVariable { throw failure("variables do not nest, and one begins") }
            return try variable()
        } else {
            segments.append(.literal(try literal("a segment")))
        }
        if next == UInt8(ascii: "{") || next == UInt8(ascii: "*") {
            throw failure("a segment is all variable or all text, and both meet")
        }
    }

    private mutating func variable() throws(RESTRuleError) {
        var path = [try name()]
        while take(".") { path.append(try name()) }
        let first = segments.count
        if take("=") {
            try segments(inVariable: true)
        } else {
            segments.append(.any)
        }
        guard take("}") else { throw failure("a variable ends with \"}\", which is missing") }
        if let next, next != UInt8(ascii: "/"), next != UInt8(ascii: ":") {
            throw failure("a segment is all variable or all text, and both meet")
        }
        let takesSeveral = segments.count - first > 1 || segments.last == .rest
        if variables.contains(where: { $0.fieldPath == path }) {
            throw failure("\(path.joined(separator: ".")) is bound twice, again")
        }
        variables.append(
            .init(fieldPath: path, segments: first..<segments.count, takesSeveral: takesSeveral))
    }

    private mutating func name() throws(RESTRuleError) -> String {
        let start = position
        while let byte = next, byte.isLetter || byte.isDigit && position > start { position += 1 }
        if start == position { throw failure("the name of a field is missing") }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func literal(_ what: String) throws(RESTRuleError) -> String {
        let start = position
        while let byte = next, byte.isInLiteral { position += 1 }
        if start == position { throw failure("\(what) is missing") }
        guard let text = PercentEncoding.text(text[start..<position]) else {
            throw failure("\(what) with a broken escape ends")
        }
        return text
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    fileprivate var isLetter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: self == UInt8(ascii: "_")
        }
    }
    /// RFC 3986's `pchar` without what templates use themselves.
    fileprivate var isInLiteral: Bool {
        isLetter || isDigit || "-.~!$&'()+,;=@%".utf8.contains(self)
    }
}

extension PercentEncoding {
    /// The text once decoded; nil for an escape that is cut off or not hexadecimal, and for what is not UTF-8 then.
    ///
    /// - Parameters:
    ///   - kept: the characters whose escapes stay as they are, so that they can be told from the characters.
    ///   - plusIsBlank: whether `+` stands for a blank, as in queries.
    static func text(
        _ escaped: some Collection<UInt8>, keeping kept: String = "", plusIsBlank: Bool = false
    ) -> String? {
        let bytes = kept.isEmpty ? Array(escaped) : escapedTwice(Array(escaped), kept)
        return decoded(bytes, plusIsBlank: plusIsBlank).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The characters that mean something in a URL. Source: RFC 6570, section 1.5.
    static let reserved = ":/?#[]@!$&'()*+,;="

    private static func escapedTwice(_ bytes: [UInt8], _ kept: String) -> [UInt8] {
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            result.append(byte)
            guard byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let escape = decoded(bytes[index...index + 2])?.first, kept.utf8.contains(escape)
            else { continue }
            result += "25".utf8
        }
        return result
    }
}
