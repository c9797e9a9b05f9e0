// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import NIOCore
package import Ravioli
package import RavioliSchema

/// The response of a call whose messages are in envelopes: Connect's streams, gRPC and gRPC-Web. Pure: what the service
/// says in, parts of a response out, in the order head, messages, end.
package struct EnvelopedResponse: Sendable {
    private enum Flag {
        static let connectEnd: UInt8 = 0b0000_0010
        static let grpcWebTrailers: UInt8 = 0b1000_0000
    }

    private let contentType: RPCContentType
    private let envelopes: EnvelopeWriter
    package var rpc: RPCProtocol { contentType.rpc }

    package init(_ contentType: RPCContentType, coding: ContentCoding) {
        self.contentType = contentType
        envelopes = EnvelopeWriter(coding: coding)
    }

    // MARK: Head

    /// The head, with the metadata that goes ahead. It is always 200: how the call ended is said at its end.
    package func head(_ metadata: ResponseMetadata) -> HTTPResponse {
        var fields = EdgeAnswer.security
        fields[.contentType] = contentType.name
        let coding = envelopes.coding
        if rpc.isGRPC {
            if coding != .identity { fields[.grpcEncoding] = coding.rawValue }
            fields[.grpcAcceptEncoding] = ContentCoding.supported
        } else {
            if coding != .identity { fields[.connectContentEncoding] = coding.rawValue }
            fields[.connectAcceptEncoding] = ContentCoding.supported
        }
        for (name, value) in metadata.leading { fields.append(HTTPField(name: name, value: value)) }
        return HTTPResponse(status: .ok, headerFields: fields)
    }

    // MARK: Messages

    /// One message.
    package func message(_ message: ByteBuffer) -> ByteBuffer { text(envelopes.envelope(message)) }

    /// gRPC-Web's text form: each piece is base64 of its own, with its own padding.
    private func text(_ bytes: ByteBuffer) -> ByteBuffer {
        guard rpc == .grpcWebText else { return bytes }
        return ByteBuffer(string: Base64.encode(bytes.readableBytesView))
    }

    // MARK: End

    /// The end of the call: the last bytes of the body, or fields behind it.
    ///
    /// - Parameters:
    ///   - error: What the call ended with; nil for success.
    ///   - trailing: The metadata that follows the messages.
    ///   - types: Where the types of the error's details are looked up.
    package func end(
        _ error: RPCError?, trailing: ResponseMetadata.Fields, types: DescriptorPool
    ) -> ResponsePart {
        switch rpc {
        case .connectUnary, .connectStream:
            let json = ByteBuffer(string: Self.endOfStream(error, trailing, types: types))
            return ResponsePart(body: envelopes.envelope(json, flags: Flag.connectEnd), isLast: true)
        case .grpc, .grpcWeb, .grpcWebText: return end(Self.trailers(error, trailing))
        }
    }

    /// The end of a call of gRPC's, by its trailers.
    func end(_ trailers: HTTPFields) -> ResponsePart {
        guard rpc.isGRPCWeb else { return ResponsePart(isLast: true, trailers: trailers) }
        var block = ByteBuffer()
        for field in trailers { block.writeString("\(field.name.canonicalName): \(field.value)\r\n") }
        // Never compressed: not every client could read it.
        let body = EnvelopeWriter(coding: .identity).envelope(block, flags: Flag.grpcWebTrailers)
        return ResponsePart(body: text(body), isLast: true)
    }

    private static func endOfStream(
        _ error: RPCError?, _ trailing: ResponseMetadata.Fields, types: DescriptorPool
    ) -> String {
        var members: [String] = []
        if let error { members.append("\"error\":\(ConnectErrorBody.json(error, types: types))") }
        var names: [String] = []
        var values: [String: [String]] = [:]
        for (name, value) in trailing {
            let name = name.canonicalName
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(JSONText.quoted(value))
        }
        if !names.isEmpty {
            let entries = names.map {
                "\(JSONText.quoted($0)):[\(values[$0, default: []].joined(separator: ","))]"
            }
            members.append("\"metadata\":{\(entries.joined(separator: ","))}")
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// gRPC's trailers of a call that ended so.
    static func trailers(
        _ error: RPCError?, _ trailing: ResponseMetadata.Fields
    ) -> HTTPFields {
        var fields = HTTPFields()
        fields[.grpcStatus] = "\((error?.code ?? .ok).rawValue)"
        if let error {
            if !error.message.isEmpty { fields[.grpcMessage] = PercentEncoding.statusMessage(error.message) }
            if !error.details.isEmpty {
                fields[.grpcStatusDetails] = Base64.encode(GRPCStatusBody.encoded(error), padded: false)
            }
        }
        for (name, value) in trailing { fields.append(HTTPField(name: name, value: value)) }
        return fields
    }
}

/// `google.rpc.Status`, which gRPC's error details travel in: code = 1, message = 2, details = 3 as `Any`.
package enum GRPCStatusBody {
    /// Encodes an error.
    package static func encoded(_ error: RPCError) -> [UInt8] {
        var bytes: [UInt8] = [0x08, error.code.rawValue]
        if !error.message.isEmpty { append(2, Array(error.message.utf8), to: &bytes) }
        for detail in error.details {
            var any: [UInt8] = []
            append(1, Array(detail.typeURL.utf8), to: &any)
            if !detail.value.isEmpty { append(2, detail.value, to: &any) }
            append(3, any, to: &bytes)
        }
        return bytes
    }

    private static func append(_ field: UInt8, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(field << 3 | 2)
        var count = value.count
        while count >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: count) | 0x80)
            count >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: count))
        bytes += value
    }
}
