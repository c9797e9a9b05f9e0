// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli
import RavioliSchema

/// Takes messages from a client's codec to the wire's and back. Binary ones pass as they are: the service that reads
/// them guards itself.
struct MessageTranscoding: Sendable {
    let codec: MessageCodec
    let route: Route
    private let encoding: JSONEncodingOptions
    private let decoding: JSONDecodingOptions
    private let limits: SchemaLimits
    private let bytesMax: Int

    init(_ codec: MessageCodec, _ route: Route, options: EdgeOptions) {
        self.codec = codec
        self.route = route
        var encoding = options.jsonEncoding
        encoding.types = route.types
        self.encoding = encoding
        var decoding = options.jsonDecoding
        decoding.types = route.types
        self.decoding = decoding
        bytesMax = options.limits.messageBytesMax
        // JSON is longer than the message it stands for; it may be so four times.
        var limits = SchemaLimits.defaults
        limits.jsonBytesMax = bytesMax.multipliedReportingOverflow(by: 4).partialValue
        self.limits = limits
    }

    /// A client's message as the service reads it.
    func request(_ message: ByteBuffer) throws(RPCError) -> [UInt8] {
        guard codec == .json else { return Array(message.readableBytesView) }
        do throws(SchemaError) {
            return try message.withReadableBytes { bytes throws(SchemaError) in
                try JSONTranscoder.encoded(
                    fromJSON: bytes, as: route.method.input, options: decoding, limits: limits)
            }
        } catch {
            let code: StatusCode = error.code == .limitExceeded ? .resourceExhausted : .invalidArgument
            throw RPCError(code, "\(error)", executed: .no)
        }
    }

    /// A service's message as the client reads it.
    func response(_ message: [UInt8]) throws(RPCError) -> ByteBuffer {
        guard message.count <= bytesMax else {
            throw RPCError(.resourceExhausted, "the answer is over messageBytesMax = \(bytesMax)")
        }
        guard codec == .json else { return ByteBuffer(bytes: message) }
        do throws(SchemaError) {
            return try message.withReadableBytes { bytes throws(SchemaError) in
                try JSONTranscoder.withJSON(
                    fromEncoded: bytes, as: route.method.output, options: encoding, limits: limits
                ) { ByteBuffer(bytes: $0) }
            }
        } catch {
            throw RPCError(.internal, "the service's answer has no JSON form", cause: error)
        }
    }
}

extension ByteBuffer {
    fileprivate func withReadableBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        let result = withUnsafeReadableBytes { bytes -> Swift.Result<Result, SchemaError> in
            do throws(SchemaError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension [UInt8] {
    fileprivate func withReadableBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(SchemaError) -> Result
    ) throws(SchemaError) -> Result {
        try span.bytes.withUnsafeBytes { bytes throws(SchemaError) in try body(bytes) }
    }
}
