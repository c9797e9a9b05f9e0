// SPDX-License-Identifier: Apache-2.0
//
// Rules come from the option `google.api.http` of a method, which is read from the option's bytes, or from a file of
// rules in YAML. Numbers are those of google/api/annotations.proto and google/api/http.proto.

package import RavioliSchema

/// One way from HTTP to a method, as it was written.
package struct HTTPRule: Sendable, Hashable {
    /// The full name of the method: `package.Service.Method`.
    package var selector: String
    /// The HTTP method in capitals, such as `GET`; nil for any.
    package var httpMethod: String?
    /// The template that a path must match.
    package var path: String
    /// The request's field that the body is; `*` for all that the path does not bind; empty for no body.
    package var body = ""
    /// The response's field that the answer is; empty for all of it.
    package var responseBody = ""
    /// Which of a method's rules it is: 0 for the first, then those that are added to it.
    package var number = 0
    /// Whether the value of several segments keeps the escapes of all reserved characters, and not that of a slash alone.
    package var keepsReserved = false
    /// Where it stands when it is not the method's own option, as `rules.yaml, line 7`.
    package var origin: String?

    /// How errors name it: `GET /v1/shelves of library.v1.Library.ListShelves`.
    package var name: String {
        "\(httpMethod ?? "*") \(path) of \(selector)" + (origin.map { " (\($0))" } ?? "")
    }
}

extension HTTPRule {
    private static let option: Int32 = 72_295_728

    /// The rules in a method's own option; empty if it has none.
    ///
    /// - Throws: for an option that contradicts itself, naming the method.
    package static func annotated(_ method: MethodDescriptor) throws(RESTRuleError) -> [HTTPRule] {
        let selector = "\(method.serviceName).\(method.name)"
        var encoded: [UInt8] = []
        for record in method.options.records(numbered: option) {
            if case .bytes(let bytes) = record.value { encoded += bytes }
        }
        if encoded.isEmpty { return [] }
        do throws(SchemaError) {
            let parts = try RuleParts(encoded[...])
            return try parts.rules(selector, origin: nil)
        } catch {
            throw RESTRuleError("the option google.api.http of \(selector): \(error.message)")
        }
    }
}

/// Why rules cannot be used. Names the rule and, where it is about one, the field.
package struct RESTRuleError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}

/// A rule with those added to it, as option and file state it.
struct RuleParts {
    /// The patterns given; a rule has one.
    var patterns: [(httpMethod: String?, path: String)] = []
    var body = ""
    var responseBody = ""
    var additional: [RuleParts] = []

    init() {}

    fileprivate init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            let text = String(decoding: value, as: UTF8.self)
            switch record.number {
            case 2: patterns = [("GET", text)]
            case 3: patterns = [("PUT", text)]
            case 4: patterns = [("POST", text)]
            case 5: patterns = [("DELETE", text)]
            case 6: patterns = [("PATCH", text)]
            case 7: body = text
            case 8: patterns = [try Self.custom(value)]
            case 11: additional.append(try RuleParts(value))
            case 12: responseBody = text
            default: break
            }
        }
    }

    private static func custom(_ bytes: ArraySlice<UInt8>) throws(SchemaError) -> (String?, String) {
        var (kind, path) = ("", "")
        var records = WireRecords(bytes)
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            if record.number == 1 { kind = String(decoding: value, as: UTF8.self) }
            if record.number == 2 { path = String(decoding: value, as: UTF8.self) }
        }
        return (kind == "*" ? nil : kind, path)
    }

    /// The rule and those added to it.
    func rules(_ selector: String, origin: String?) throws(SchemaError) -> [HTTPRule] {
        var rules: [HTTPRule] = []
        for (number, part) in ([self] + additional).enumerated() {
            if number > 0, !part.additional.isEmpty {
                throw SchemaError(.invalidSchema, "additional_bindings are one level deep")
            }
            guard part.patterns.count == 1, let pattern = part.patterns.first else {
                throw SchemaError(
                    .invalidSchema, "a rule has one of get, put, post, delete, patch and custom")
            }
            guard pattern.httpMethod.map(Self.isToken) ?? true else {
                throw SchemaError(
                    .invalidSchema,
                    "\"\(SchemaError.excerpt(pattern.httpMethod ?? ""))\" is no HTTP method in capitals")
            }
            rules.append(
                HTTPRule(
                    selector: selector, httpMethod: pattern.httpMethod, path: pattern.path, body: part.body,
                    responseBody: part.responseBody, number: number, origin: origin))
        }
        return rules
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
    }
}
