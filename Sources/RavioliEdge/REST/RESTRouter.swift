// SPDX-License-Identifier: Apache-2.0
//
// Templates lie in a tree of segments. `**` is always last, so a node's depth is its place in the path, and a search
// visits each node at most once, however hostile the path. A path that fits several templates belongs to the one whose
// first difference is a text before `*`, and `*` before `**`; among those with and without verb, to the one with.

import Ravioli
import RavioliSchema

/// Finds the rule that a request is for.
package struct RESTRouter: Sendable {
    /// What a request is for.
    package enum Match: Sendable {
        case found(RESTMatch)
        /// The path exists, for these HTTP methods, in order of the alphabet.
        case methodNotAllowed([String])
        case notFound
        /// The path has an escape that is broken, or a segment `.` or `..`, which no client leaves in.
        case malformed
    }

    private struct Node {
        var literals: [String: Int] = [:]
        var any: Int?
        /// The rules whose path ends here.
        var ends: [End] = []
        /// The rules whose path ends here with `**`.
        var rests: [End] = []
    }

    private struct End {
        var verb: String?
        /// Nil for any.
        var httpMethod: String?
        var binding: Int
    }

    private var nodes = [Node()]
    private var verbs: Set<String> = []
    /// The rules, in the order in which they were given.
    package let bindings: [RESTBinding]

    /// Paths with more segments match nothing.
    private static let segmentsMax = 256

    /// A router of no rules.
    package init() { bindings = [] }

    /// A router of these rules.
    ///
    /// - Throws: `invalidConfiguration` for two rules that fit the same requests, naming both.
    package init(_ bindings: [RESTBinding]) throws(RESTRuleError) {
        self.bindings = bindings
        for (index, binding) in bindings.enumerated() { try insert(binding, index) }
    }

    private mutating func insert(_ binding: RESTBinding, _ index: Int) throws(RESTRuleError) {
        var node = 0
        var endsInRest = false
        for segment in binding.template.segments {
            switch segment {
            case .literal(let text): node = child(of: node, at: \.literals[text])
            case .any: node = child(of: node, at: \.any)
            case .rest: endsInRest = true
            }
        }
        let end = End(
            verb: binding.template.verb, httpMethod: binding.rule.httpMethod, binding: index)
        let place: WritableKeyPath<Node, [End]> = endsInRest ? \.rests : \.ends
        let others = nodes[node][keyPath: place]
        if let other = others.first(where: { $0.verb == end.verb && $0.httpMethod == end.httpMethod }) {
            throw RESTRuleError(
                "\(binding.rule.name) and \(bindings[other.binding].rule.name) fit the same requests")
        }
        nodes[node][keyPath: place].append(end)
        if let verb = end.verb { verbs.insert(verb) }
    }

    private mutating func child(of node: Int, at place: WritableKeyPath<Node, Int?>) -> Int {
        if let known = nodes[node][keyPath: place] { return known }
        nodes.append(Node())
        nodes[node][keyPath: place] = nodes.count - 1
        return nodes.count - 1
    }

    // MARK: Matching

    /// What a request is for.
    ///
    /// HEAD is served by the rule for GET unless there is one of its own. For OPTIONS answer with the allowed methods.
    ///
    /// - Parameters:
    ///   - httpMethod: as it came; compared exactly.
    ///   - target: the raw path, with or without a query.
    package func match(_ httpMethod: String, _ target: String) -> Match {
        let bytes = target.utf8
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        guard var path = Path(bytes[..<pathEnd]) else { return .malformed }
        guard path.segments.count <= Self.segmentsMax, !path.segments.contains(where: \.text.isEmpty) else {
            return .notFound
        }
        var search = Search(httpMethod: httpMethod)
        // The search ends with the first rule that fits, but for what is allowed it would have to go on.
        if let (bare, verb) = path.parted(by: verbs) {
            visit(0, 0, bare, verb, &search)
            if search.found != nil { path = bare }
        }
        if search.found == nil { visit(0, 0, path, nil, &search) }
        if let found = search.found {
            let query = pathEnd == bytes.endIndex ? "" : target[bytes.index(after: pathEnd)...]
            return .found(RESTMatch(bindings[found], path, query: query))
        }
        if search.allowed.isEmpty { return .notFound }
        if search.allowed.contains("GET") { search.allowed.insert("HEAD") }
        return .methodNotAllowed(search.allowed.sorted())
    }

    private struct Search {
        let httpMethod: String
        var found: Int?
        var allowed: Set<String> = []

        mutating func offer(_ ends: [End], verb: String?) {
            let ends = ends.filter { $0.verb == verb }
            found =
                (ends.first { $0.httpMethod == httpMethod }
                ?? ends.first { httpMethod == "HEAD" && $0.httpMethod == "GET" }
                ?? ends.first { $0.httpMethod == nil })?.binding
            for end in ends { if let method = end.httpMethod { allowed.insert(method) } }
        }
    }

    private func visit(_ node: Int, _ depth: Int, _ path: Path, _ verb: String?, _ search: inout Search) {
        if depth == path.segments.count {
            search.offer(nodes[node].ends, verb: verb)
        } else {
            if let next = nodes[node].literals[path.segments[depth].text] {
                visit(next, depth + 1, path, verb, &search)
            }
            if search.found == nil, let next = nodes[node].any {
                visit(next, depth + 1, path, verb, &search)
            }
        }
        if search.found == nil { search.offer(nodes[node].rests, verb: verb) }
    }
}

/// A path, split before anything is decoded.
struct Path {
    struct Segment {
        var raw: Substring.UTF8View
        /// Decoded once.
        var text: String
    }

    private(set) var segments: [Segment] = []

    /// Nil for what is no path.
    init?(_ raw: Substring.UTF8View) {
        guard raw.first == UInt8(ascii: "/") else { return nil }
        for part in raw.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = Self.segment(part) else { return nil }
            segments.append(segment)
        }
    }

    private static func segment(_ raw: Substring.UTF8View) -> Segment? {
        guard let text = PercentEncoding.text(raw), text != ".", text != ".." else { return nil }
        return Segment(raw: raw, text: text)
    }

    /// The path without the verb at its end, and the verb, if it ends with one of these. A colon that is escaped
    /// belongs to the segment.
    func parted(by verbs: Set<String>) -> (Path, String)? {
        guard !verbs.isEmpty, let last = segments.last,
            let colon = last.raw.lastIndex(of: UInt8(ascii: ":")),
            let verb = PercentEncoding.text(last.raw[last.raw.index(after: colon)...]),
            verbs.contains(verb), let bare = Self.segment(last.raw[..<colon]), !bare.text.isEmpty
        else { return nil }
        var path = self
        path.segments[segments.count - 1] = bare
        return (path, verb)
    }
}

/// A rule that fits a request, and what the path gave for its variables.
package struct RESTMatch: Sendable {
    package let binding: RESTBinding
    /// The values of the rule's variables, in its order, decoded once.
    package let values: [String]
    /// What follows the question mark, as it came.
    package let query: Substring

    init(_ binding: RESTBinding, _ path: Path, query: Substring) {
        self.binding = binding
        self.query = query
        values = binding.template.variables.map { Self.value(of: $0, binding, path) }
    }

    private static func value(
        of variable: PathTemplate.Variable, _ binding: RESTBinding, _ path: Path
    ) -> String {
        let template = binding.template
        let kept = binding.rule.keepsReserved ? PercentEncoding.reserved : "/"
        guard variable.takesSeveral else { return path.segments[variable.segments.lowerBound].text }
        let endsInRest = template.segments[variable.segments.upperBound - 1] == .rest
        let end = endsInRest ? path.segments.count : variable.segments.upperBound
        return path.segments[variable.segments.lowerBound..<end].map {
            PercentEncoding.text($0.raw, keeping: kept) ?? $0.text
        }.joined(separator: "/")
    }
}
