// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli
import RavioliSchema

/// What a request's head says about the call. Pure: fields in, facts out.
package struct CallHead: Sendable {
    package let contentType: RPCContentType
    /// How long the call may take, clamped; nil if the client does not say.
    package let timeout: Duration?
    /// How the request is compressed.
    package let requestCoding: ContentCoding
    /// How the response may be compressed.
    package let responseCoding: ContentCoding
    /// What the call takes along.
    package var metadata: Metadata

    package var rpc: RPCProtocol { contentType.rpc }
    package var codec: MessageCodec { contentType.codec }

    /// Reads the fields of a request of one of the protocols.
    ///
    /// - Parameter requestID: Goes along as metadata.
    /// - Throws: What the client did wrong.
    package init(
        _ fields: HTTPFields, contentType: RPCContentType, options: EdgeOptions, requestID: String
    ) throws(RPCError) {
        self.contentType = contentType
        let names = Names(contentType.rpc)
        if !contentType.rpc.isGRPC {
            try Self.checkVersion(
                fields[values: .connectProtocolVersion], isDemanded: options.demandsProtocolVersion)
        }
        timeout = try Self.timeout(fields[values: names.timeout], contentType.rpc, limits: options.limits)
        requestCoding = try ContentCoding(requested: fields[values: names.coding])
        let accepted = ContentCoding(accepted: fields[values: names.accepted], request: requestCoding)
        responseCoding = options.compressesResponses ? accepted : .identity
        metadata = try RequestMetadata.read(fields, rules: options.requestHeaders)
        metadata.add("x-request-id", requestID)
    }

    /// Reads the query and fields of a Connect GET.
    package init(
        get query: ConnectQuery, _ fields: HTTPFields, options: EdgeOptions, requestID: String
    ) throws(RPCError) {
        contentType = query.contentType
        if query.version == nil, options.demandsProtocolVersion {
            throw RPCError(refused: "the query parameter connect=v1 is missing")
        }
        timeout = try Self.timeout(fields[values: .connectTimeoutMs], .connectUnary, limits: options.limits)
        requestCoding = try ContentCoding(requested: query.compression.map { [$0] } ?? [])
        let accepted = ContentCoding(accepted: fields[values: .acceptEncoding], request: .identity)
        responseCoding = options.compressesResponses ? accepted : .identity
        metadata = try RequestMetadata.read(fields, rules: options.requestHeaders)
        metadata.add("x-request-id", requestID)
    }

    private struct Names {
        let timeout: HTTPField.Name
        let coding: HTTPField.Name
        let accepted: HTTPField.Name

        init(_ rpc: RPCProtocol) {
            timeout = rpc.isGRPC ? .grpcTimeout : .connectTimeoutMs
            switch rpc {
            case .connectUnary: (coding, accepted) = (.contentEncoding, .acceptEncoding)
            case .connectStream: (coding, accepted) = (.connectContentEncoding, .connectAcceptEncoding)
            default: (coding, accepted) = (.grpcEncoding, .grpcAcceptEncoding)
            }
        }
    }

    // MARK: Protocol version and time

    private static func checkVersion(_ versions: [String], isDemanded: Bool) throws(RPCError) {
        if versions.isEmpty {
            if isDemanded { throw RPCError(refused: "the header connect-protocol-version: 1 is missing") }
        } else if versions != ["1"] {
            throw RPCError(refused: "connect-protocol-version must be 1")
        }
    }

    private static func timeout(
        _ texts: [String], _ rpc: RPCProtocol, limits: EdgeLimits
    ) throws(RPCError) -> Duration? {
        guard let text = texts.first else { return nil }
        let timeout = rpc.isGRPC ? CallTimeout.grpc(text) : CallTimeout.connect(text)
        guard texts.count == 1, let timeout else {
            throw RPCError(
                refused: rpc.isGRPC
                    ? "grpc-timeout must be at most 8 digits and one of the units H, M, S, m, u, n"
                    : "connect-timeout-ms must be a positive integer of at most 10 digits")
        }
        return timeout
    }
}

/// Timeouts as the protocols write them.
package enum CallTimeout {
    /// Connect: milliseconds, 1 to 10 digits, not zero. Nil for anything else.
    package static func connect(_ text: String) -> Duration? {
        guard let milliseconds = number(text.utf8, digitsMax: 10), milliseconds > 0 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// gRPC: 1 to 8 digits and a unit. Nil for anything else.
    package static func grpc(_ text: String) -> Duration? {
        guard let unit = text.utf8.last, let value = number(text.utf8.dropLast(), digitsMax: 8) else {
            return nil
        }
        switch unit {
        case UInt8(ascii: "H"): return .seconds(value * 3600)
        case UInt8(ascii: "M"): return .seconds(value * 60)
        case UInt8(ascii: "S"): return .seconds(value)
        case UInt8(ascii: "m"): return .milliseconds(value)
        case UInt8(ascii: "u"): return .microseconds(value)
        case UInt8(ascii: "n"): return .nanoseconds(value)
        default: return nil
        }
    }

    /// At most ten digits, so it always fits.
    private static func number(_ digits: some Collection<UInt8>, digitsMax: Int) -> Int64? {
        guard (1...digitsMax).contains(digits.count) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }
}

extension HTTPField.Name {
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let connectProtocolVersion = HTTPField.Name("Connect-Protocol-Version")!
    static let connectTimeoutMs = HTTPField.Name("Connect-Timeout-Ms")!
    static let connectContentEncoding = HTTPField.Name("Connect-Content-Encoding")!
    static let connectAcceptEncoding = HTTPField.Name("Connect-Accept-Encoding")!
    static let grpcTimeout = HTTPField.Name("grpc-timeout")!
    static let grpcEncoding = HTTPField.Name("grpc-encoding")!
    static let grpcAcceptEncoding = HTTPField.Name("grpc-accept-encoding")!
    static let grpcStatus = HTTPField.Name("grpc-status")!
    static let grpcMessage = HTTPField.Name("grpc-message")!
    static let grpcStatusDetails = HTTPField.Name("grpc-status-details-bin")!
    static let requestID = HTTPField.Name("X-Request-Id")!
}
