// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// Which requests a rule is for: by the method that they lead to, by the path, by both, or all.
package struct RoutePattern: Sendable, Hashable {
    private enum Methods: Hashable {
        case all
        /// Services whose names begin so: `shop.v1.`.
        case package(String)
        case service(String)
        case one(service: String, method: String)
    }

    private enum Segment: Hashable {
        case literal(String)
        /// One segment, of any text.
        case any
        /// All that follow, if any do.
        case rest
    }

    private let methods: Methods?
    private let path: [Segment]?

    /// - Parameters:
    ///   - method: `shop.v1.Cars/GetCar`, `shop.v1.Cars/*`, `shop.v1.*` or `*`; nil for all requests, whether they lead
    ///     to a method or not.
    ///   - path: `/cars/*/price` or `/pages/**`, where `*` is one segment and `**`, which is last, any number of them;
    ///     nil for all.
    /// - Throws: `invalidConfiguration` for what is no pattern.
    package init(method: String?, path: String?) throws(RuntimeError) {
        methods = try method.map { (text) throws(RuntimeError) in try Self.methods(text) }
        self.path = try path.map { (text) throws(RuntimeError) in try Self.segments(text) }
    }

    /// Patterns of methods alone.
    ///
    /// - Throws: `invalidConfiguration` for what is no pattern.
    static func methods(_ texts: [String]) throws(RuntimeError) -> [RoutePattern] {
        var patterns: [RoutePattern] = []
        for text in texts { patterns.append(try RoutePattern(method: text, path: nil)) }
        return patterns
    }

    private static func refused(_ text: String, _ reason: String) -> RuntimeError {
        RuntimeError(.invalidConfiguration, "\(SchemaError.excerpt(text)) is \(reason)")
    }

    private static func methods(_ text: String) throws(RuntimeError) -> Methods {
        if text == "*" { return .all }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1, text.hasSuffix(".*"), isName(String(text.dropLast(2))) {
            return .package(String(text.dropLast()))
        }
        if parts.count == 2, isName(parts[0]) {
            if parts[1] == "*" { return .service(parts[0]) }
            if isName(parts[1]) { return .one(service: parts[0], method: parts[1]) }
        }
        throw refused(text, "no pattern of methods, such as pkg.Service/Method or pkg.Service/*")
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.contains { $0 == "*" || $0 == "/" || $0.isWhitespace }
    }

    private static func segments(_ text: String) throws(RuntimeError) -> [Segment] {
        let problem = refused(text, "no pattern of paths, such as /cars/* or /pages/**")
        guard text.hasPrefix("/") else { throw problem }
        var segments: [Segment] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard segments.last != .rest, part == "*" || part == "**" || !part.contains("*") else {
                throw problem
            }
            segments.append(part == "*" ? .any : part == "**" ? .rest : .literal(String(part)))
        }
        return segments
    }

    // MARK: Matching

    /// Whether paths decide.
    var looksAtPaths: Bool { path != nil }

    /// Whether a request is one of these.
    ///
    /// - Parameters:
    ///   - method: what it leads to; nil for nothing.
    ///   - path: its decoded path; nil if it is malformed.
    package func matches(_ method: MethodDescriptor?, _ path: EdgePath?) -> Bool {
        if let methods, !Self.matches(methods, method) { return false }
        guard let pattern = self.path else { return true }
        guard let path else { return false }
        return Self.matches(pattern, path.segments) { $0 == $1 }
    }

    /// Whether all requests are such that have a method and a path of a form, as `/cars/{id}`.
    func matches(_ method: MethodDescriptor?, form: String) -> Bool {
        if let methods, !Self.matches(methods, method) { return false }
        guard let pattern = path else { return true }
        let segments = form.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(
            String.init)
        return Self.matches(pattern, segments) { $0 == $1 && !$1.contains("{") }
    }

    private static func matches(_ methods: Methods, _ method: MethodDescriptor?) -> Bool {
        guard let method else { return false }
        switch methods {
        case .all: return true
        case .package(let prefix): return method.serviceName.hasPrefix(prefix)
        case .service(let service): return method.serviceName == service
        case .one(let service, let name): return method.name == name && method.serviceName == service
        }
    }

    private static func matches(
        _ pattern: [Segment], _ segments: [String], _ isSame: (String, String) -> Bool
    ) -> Bool {
        for (index, part) in pattern.enumerated() {
            if part == .rest { return true }
            guard index < segments.count else { return false }
            if case .literal(let text) = part, !isSame(text, segments[index]) { return false }
        }
        return pattern.count == segments.count
    }
}
