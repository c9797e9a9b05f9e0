// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliSchema

/// Writes the fields that a query gives. What each parameter may name depends on what path and body have bound.
struct RESTQuery {
    private let binding: RESTBinding
    private let options: RESTOptions
    private(set) var wire = WireWriter()
    /// The top-level fields that the query gave.
    private(set) var fields: Set<Int32> = []
    private var given: Set<String> = []
    /// The member that was given, by the path of its oneof.
    private var oneofs: [String: String]

    /// How deep a parameter's name may go.
    private static let depthMax = 32

    init(_ binding: RESTBinding, options: RESTOptions) {
        self.binding = binding
        self.options = options
        oneofs = [:]
        for variable in binding.variables { note(variable.path) }
        if case .field(let field) = binding.body { note([field]) }
    }

    /// Reads all of it.
    mutating func read(_ query: Substring) throws(RESTFailure) {
        var count = 0
        for part in query.utf8.split(separator: UInt8(ascii: "&")) {
            count += 1
            guard count <= options.queryParametersMax else {
                throw RESTFailure(
                    .badRequest, .invalidArgument,
                    "the query has more than queryParametersMax = \(options.queryParametersMax) parameters")
            }
            let split = part.firstIndex(of: UInt8(ascii: "="))
            let value = split.map { part[part.index(after: $0)...] } ?? part[part.endIndex...]
            guard let name = PercentEncoding.text(part[..<(split ?? part.endIndex)], plusIsBlank: true),
                let value = PercentEncoding.text(value, plusIsBlank: true)
            else { throw RESTFailure(.badRequest, .invalidArgument, "the query has a broken escape") }
            try read(name, value)
        }
    }

    private mutating func read(_ name: String, _ value: String) throws(RESTFailure) {
        if options.ignoredQueryParameters.contains(name) { return }
        guard let path = try path(name) else { return }
        guard let field = path.last else { return }
        let shown = SchemaError.excerpt(name)
        try checkBound(path, shown)
        let key = path.map(\.name).joined(separator: ".")
        if !given.insert(key).inserted, !field.isRepeated {
            throw RESTFailure(field: shown, "is given twice and takes one value")
        }
        try checkOneofs(path, shown)
        fields.insert(path[0].number)
        try Self.write(value, path, options, as: shown, to: &wire)
    }

    // MARK: Names

    /// The fields from the request down; nil for a parameter that is to be ignored.
    private func path(_ name: String) throws(RESTFailure) -> [FieldDescriptor]? {
        let shown = SchemaError.excerpt(name)
        if case .all = binding.body {
            if options.ignoresUnknownQueryParameters { return nil }
            throw RESTFailure(field: shown, "the body is the whole request, so there are no query parameters")
        }
        var path: [FieldDescriptor] = []
        var next: MessageDescriptor? = binding.method.input
        for part in name.split(separator: ".", omittingEmptySubsequences: false) {
            guard path.count < Self.depthMax, let field = next?.field(named: String(part)) else {
                if options.ignoresUnknownQueryParameters { return nil }
                throw RESTFailure(field: shown, "there is no such query parameter")
            }
            if path.last?.isRepeated == true { throw Self.refusal(path.last, shown) }
            path.append(field)
            next =
                field.kind == .message && !field.isMap && field.messageType?.form == .ordinary
                ? field.messageType : nil
            if field.isMap { throw Self.refusal(field, shown) }
        }
        if let last = path.last, !FieldText.canRead(last) { throw Self.refusal(last, shown) }
        return path
    }

    private static func refusal(_ field: FieldDescriptor?, _ shown: String) -> RESTFailure {
        let what =
            field?.isMap == true
            ? "a map cannot be given in a query"
            : field?.isRepeated == true
                ? "a list of messages cannot be given in a query"
                : "a message is given field by field in a query, as \(shown).field=value"
        return RESTFailure(field: shown, what)
    }

    // MARK: Rules

    private func checkBound(_ path: [FieldDescriptor], _ shown: String) throws(RESTFailure) {
        if case .field(let field) = binding.body, path.first === field {
            throw RESTFailure(field: shown, "is given by the body")
        }
        let isBound = binding.variables.contains {
            $0.path.count == path.count && zip($0.path, path).allSatisfy { $0 === $1 }
        }
        if isBound { throw RESTFailure(field: shown, "is given by the path") }
    }

    private mutating func note(_ path: [FieldDescriptor]) {
        for (depth, field) in path.enumerated() where field.oneofIndex != nil {
            oneofs[Self.oneof(path, depth)] = field.name
        }
    }

    private static func oneof(_ path: [FieldDescriptor], _ depth: Int) -> String {
        path[..<depth].map { "\($0.number)." }.joined() + "\(path[depth].oneofIndex ?? -1)"
    }

    private mutating func checkOneofs(_ path: [FieldDescriptor], _ shown: String) throws(RESTFailure) {
        for (depth, field) in path.enumerated() where field.oneofIndex != nil {
            let oneof = Self.oneof(path, depth)
            if let other = oneofs[oneof], other != field.name {
                throw RESTFailure(field: shown, "another member of the same oneof is given as well")
            }
            oneofs[oneof] = field.name
        }
    }

    /// Writes a value inside the messages on its path.
    static func write(
        _ value: String, _ path: [FieldDescriptor], _ options: RESTOptions, as shown: String,
        to wire: inout WireWriter
    ) throws(RESTFailure) {
        guard let last = path.last else { return }
        var inner = WireWriter()
        do throws(FieldTextError) {
            try FieldText.write(value, as: last, enumsInAnyCase: options.acceptsEnumsInAnyCase, to: &inner)
        } catch {
            throw RESTFailure(field: shown, "must be \(error.expected)")
        }
        for field in path.dropLast().reversed() {
            var outer = WireWriter()
            outer.blob(inner.bytes, numbered: field.number)
            inner = outer
        }
        wire.fields(inner.bytes)
    }
}
