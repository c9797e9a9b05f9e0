// SPDX-License-Identifier: Apache-2.0

/// The protocols whose calls come through the door, as a request's content type tells them apart.
package enum RPCProtocol: Sendable, Hashable, CaseIterable {
    /// Connect, one message each way, as plain bodies.
    case connectUnary
    /// Connect with enveloped messages.
    case connectStream
    /// gRPC over HTTP/2.
    case grpc
    /// gRPC-Web: gRPC whose trailers are in the body.
    case grpcWeb
    /// gRPC-Web in base64.
    case grpcWebText

    /// Whether trailers are fields of HTTP's own.
    package var isGRPC: Bool { self == .grpc || isGRPCWeb }
    /// Whether it is a form of gRPC-Web.
    package var isGRPCWeb: Bool { self == .grpcWeb || self == .grpcWebText }
}

/// How messages are written.
package enum MessageCodec: Sendable, Hashable {
    case json, proto
}

/// What a content type says.
package struct RPCContentType: Sendable, Hashable {
    package let rpc: RPCProtocol
    package let codec: MessageCodec
    /// The media type without parameters, which the response repeats.
    package let name: String

    private static let known: [String: (RPCProtocol, MessageCodec)] = [
        "application/json": (.connectUnary, .json), "application/proto": (.connectUnary, .proto),
        "application/connect+json": (.connectStream, .json),
        "application/connect+proto": (.connectStream, .proto),
        "application/grpc": (.grpc, .proto), "application/grpc+proto": (.grpc, .proto),
        "application/grpc+json": (.grpc, .json),
        "application/grpc-web": (.grpcWeb, .proto), "application/grpc-web+proto": (.grpcWeb, .proto),
        "application/grpc-web+json": (.grpcWeb, .json),
        "application/grpc-web-text": (.grpcWebText, .proto),
        "application/grpc-web-text+proto": (.grpcWebText, .proto),
        "application/grpc-web-text+json": (.grpcWebText, .json),
    ]

    /// Reads a media type: parameters are allowed where they change nothing, which is `charset=utf-8` for JSON. Nil for
    /// everything else.
    package init?(_ text: String) {
        // As nearly all clients write it.
        if let (rpc, codec) = Self.known[text] {
            (self.rpc, self.codec, name) = (rpc, codec, text)
            return
        }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map {
            String($0).trimmed.lowercased()
        }
        guard let (rpc, codec) = Self.known[parts[0]],
            parts.count == 1
                || codec == .json
                    && parts.dropFirst().allSatisfy({ ["charset=utf-8", "charset=\"utf-8\""].contains($0) })
        else { return nil }
        self.rpc = rpc
        self.codec = codec
        name = parts[0]
    }

    /// The media types of one-message calls and of streams, for `Accept-Post`.
    package static func acceptPost(streams: Bool) -> String {
        let connect = known.filter { $0.value.0 == (streams ? .connectStream : .connectUnary) }
        let grpc = known.filter { $0.value.0.isGRPC }
        return (connect.keys.sorted() + grpc.keys.sorted()).joined(separator: ", ")
    }
}

extension String {
    /// Without the blanks and tabs around it.
    var trimmed: String {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = utf8.first, let last = utf8.last, isBlank(first) || isBlank(last) else {
            return self
        }
        let start = utf8.firstIndex { !isBlank($0) } ?? endIndex
        let end = utf8.lastIndex { !isBlank($0) }.map { utf8.index(after: $0) } ?? start
        return String(self[start..<end])
    }
}
