// SPDX-License-Identifier: Apache-2.0

import Ravioli
package import RavioliSchema

/// Makes HTTP bodies out of a method's encoded responses.
package struct RESTResponse: Sendable {
    /// A body with its type.
    package struct Body: Sendable, Hashable {
        package var contentType: String
        package var bytes: [UInt8]
    }

    private let binding: RESTBinding
    private let options: RESTOptions
    private let types: DescriptorPool

    /// - Parameter types: where the types inside of `Any` are looked up.
    package init(_ binding: RESTBinding, options: RESTOptions, types: DescriptorPool = DescriptorPool()) {
        self.binding = binding
        self.options = options
        self.types = types
    }

    /// Whether what the method answers can be what the client accepts; raw bodies say only later what they are.
    ///
    /// - Throws: 406. Call it before the method, which may have effects.
    package func checkAccept(_ accepted: AcceptedTypes) throws(RESTFailure) {
        if binding.answersRaw { return }
        guard accepted.allow("application/json") || accepted.name(RESTErrorBody.problemType) else {
            throw .notAcceptable("application/json")
        }
    }

    /// The body of a response, or of one message of a stream: `response_body` selects, `HttpBody` goes out as it is.
    ///
    /// - Throws: `internal` if the service's answer has no such form.
    package func body(of message: [UInt8]) throws(RESTFailure) -> Body {
        do throws(SchemaError) {
            if binding.answersRaw { return try rawBody(message) }
            return Body(contentType: "application/json", bytes: try json(message))
        } catch {
            throw RESTFailure(
                RPCError(.internal, "the service's answer has no JSON form", executed: .yes, cause: error))
        }
    }

    private func rawBody(_ message: [UInt8]) throws(SchemaError) -> Body {
        var encoded = message[...]
        if let field = binding.responseField {
            var inner: [UInt8] = []
            var records = WireRecords(message)
            while let record = try records.next() {
                if record.number == field.number, case .bytes(let part) = record.value { inner += part }
            }
            encoded = inner[...]
        }
        let parts = try HTTPBody.parts(of: encoded)
        return Body(contentType: parts.type, bytes: parts.data)
    }

    private func json(_ message: [UInt8]) throws(SchemaError) -> [UInt8] {
        var encoding = options.jsonEncoding
        encoding.types = types
        let output = binding.method.output
        guard let field = binding.responseField else {
            return try JSONTranscoder.json(
                fromEncoded: message, as: output, options: encoding, limits: options.limits)
        }
        let value = try message.span.bytes.withUnsafeBytes { bytes throws(SchemaError) in
            try JSONTranscoder.json(
                fromEncoded: bytes, of: field, in: output, options: encoding, limits: options.limits)
        }
        if !value.isEmpty { return value }
        // A message that is absent reads as an empty one; what has no empty form is null.
        return Array((field.messageType?.form == .ordinary ? "{}" : "null").utf8)
    }
}
