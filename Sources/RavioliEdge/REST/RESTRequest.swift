// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import HTTPTypes
import Ravioli
package import RavioliSchema

/// Makes the encoded request of a method out of path, query and body.
///
/// The body goes from JSON to the wire as it does for Connect; what path and query give is written behind it, where it
/// adds to the same messages. There is no tree of values in between.
package struct RESTRequest: Sendable {
    private let match: RESTMatch
    private let options: RESTOptions
    private let types: DescriptorPool

    /// - Parameters:
    ///   - match: what the router found.
    ///   - types: where the types inside of `Any` are looked up.
    package init(_ match: RESTMatch, options: RESTOptions, types: DescriptorPool = DescriptorPool()) {
        self.match = match
        self.options = options
        self.types = types
    }

    private var binding: RESTBinding { match.binding }

    /// The encoded request.
    ///
    /// - Parameters:
    ///   - body: all of the body, not compressed any more.
    ///   - contentType: the body's type, as it came; nil if the client gave none.
    /// - Throws: what is wrong with the request, naming the field or the parameter.
    package func encoded(body: ByteBuffer, contentType: String?) throws(RESTFailure) -> [UInt8] {
        try body.withBytes { body throws(RESTFailure) in try encoded(body, contentType) }
    }

    private func encoded(
        _ body: UnsafeRawBufferPointer, _ contentType: String?
    ) throws(RESTFailure) -> [UInt8] {
        var wire = WireWriter(try bodyFields(body, contentType))
        try writeVariables(&wire)
        var query = RESTQuery(binding, options: options)
        try query.read(match.query)
        wire.fields(query.wire.bytes)
        if let mask = binding.maskField, case .field(let field) = binding.body, !body.isEmpty,
            !query.fields.contains(mask.number), let type = field.messageType
        {
            writeMask(body, mask, field, type, &wire)
        }
        return wire.bytes
    }

    // MARK: Body

    private func bodyFields(
        _ body: UnsafeRawBufferPointer, _ contentType: String?
    ) throws(RESTFailure) -> [UInt8] {
        if case .none = binding.body {
            if body.isEmpty { return [] }
            throw RESTFailure(.badRequest, .invalidArgument, "this path takes no body")
        }
        if binding.takesRaw { return rawFields(body, contentType) }
        if body.isEmpty { return [] }
        guard let contentType, RPCContentType(contentType)?.name == "application/json" else {
            throw .unsupportedMediaType(binding.rule.httpMethod)
        }
        do throws(SchemaError) {
            return try jsonFields(body)
        } catch {
            let isTooMuch = error.code == .limitExceeded
            var failure = RESTFailure(
                isTooMuch ? .contentTooLarge : .badRequest,
                isTooMuch ? .resourceExhausted : .invalidArgument, "\(error)")
            if !error.path.isEmpty, !isTooMuch {
                failure.violations = [.init(field: error.path, description: error.message)]
            }
            throw failure
        }
    }

    private func jsonFields(_ body: UnsafeRawBufferPointer) throws(SchemaError) -> [UInt8] {
        var decoding = options.jsonDecoding
        decoding.types = types
        let input = binding.method.input
        guard case .field(let field) = binding.body else {
            return try JSONTranscoder.encoded(
                fromJSON: body, as: input, options: decoding, limits: options.limits)
        }
        return try JSONTranscoder.encoded(
            fromJSON: body, of: field, in: input, options: decoding, limits: options.limits)
    }

    private func rawFields(_ body: UnsafeRawBufferPointer, _ contentType: String?) -> [UInt8] {
        let encoded = HTTPBody.encoded(body, contentType: contentType)
        guard case .field(let field) = binding.body else { return encoded }
        var wire = WireWriter()
        wire.blob(encoded, numbered: field.number)
        return wire.bytes
    }

    // MARK: Path

    /// A field that both body and path give must be the same in both: two answers to one question are a mistake.
    private func writeVariables(_ wire: inout WireWriter) throws(RESTFailure) {
        let body = wire.bytes
        for (variable, value) in zip(binding.variables, match.values) {
            var given = WireWriter()
            try RESTQuery.write(value, variable.path, options, as: variable.name, to: &given)
            let other = body.isEmpty ? nil : body.lastValue(of: variable.path)
            if let other, other != given.bytes.lastValue(of: variable.path) {
                throw RESTFailure(field: variable.name, "the body gives another value than the path")
            }
            if other == nil { wire.fields(given.bytes) }
        }
    }

    // MARK: Field mask

    private func writeMask(
        _ body: UnsafeRawBufferPointer, _ mask: FieldDescriptor, _ field: FieldDescriptor,
        _ type: MessageDescriptor, _ wire: inout WireWriter
    ) {
        let bound = Set(
            binding.variables.compactMap { variable -> String? in
                guard variable.path.first === field else { return nil }
                return variable.path.dropFirst().map(\.name).joined(separator: ".")
            })
        var paths = WireWriter()
        for path in BodyFieldMask.paths(in: body, as: type) where !bound.contains(path) {
            paths.blob(path.utf8, numbered: 1)
        }
        wire.blob(paths.bytes, numbered: mask.number)
    }
}

extension ByteBuffer {
    /// Lends the readable bytes to `body`.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let result = withUnsafeReadableBytes { bytes -> Swift.Result<Result, Failure> in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
