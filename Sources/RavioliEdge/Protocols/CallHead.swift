// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli
import RavioliSchema

/// What a request's header says about the call, by Connect's rules for unary calls. Pure: fields in, facts out.
package struct ConnectRequest: Sendable, Hashable {
    /// How messages are written in bodies.
    package enum Codec: Sendable, Hashable {
        case json, proto

        /// The media type, which the response repeats.
        package var contentType: String {
            switch self {
            case .json: "application/json"
            case .proto: "application/proto"
            }
        }
    }

    package var codec: Codec
    /// How long the call may take; clamped, or the default.
    package var timeout: Duration
    /// What the call takes along.
    package var metadata: Metadata

    /// Reads the fields.
    ///
    /// - Parameter requestID: Goes along as metadata.
    /// - Throws: What the client did wrong; `codec` is read first, so that any other error can be a Connect error.
    package init(_ fields: HTTPFields, options: EdgeOptions, requestID: String) throws(EdgeRefusal) {
        codec = try Self.codec(fields)
        do {
            try Self.checkVersion(fields, isDemanded: options.demandsProtocolVersion)
            timeout = try Self.timeout(fields, limits: options.limits)
            try Self.checkEncoding(fields)
            metadata = try Self.metadata(fields, rules: options.requestHeaders)
        } catch {
            throw .connect(error)
        }
        metadata.add("x-request-id", requestID)
    }

    // MARK: Content type

    package static let acceptPost = "application/json, application/proto"

    private static func codec(_ fields: HTTPFields) throws(EdgeRefusal) -> Codec {
        let types = fields[values: .contentType]
        guard types.count == 1, let codec = Codec(contentType: types[0]) else {
            throw .http(
                .unsupportedMediaType, "The content type must be one of: \(acceptPost).",
                [.acceptPost: acceptPost])
        }
        return codec
    }

    // MARK: Protocol version and time

    private static func checkVersion(_ fields: HTTPFields, isDemanded: Bool) throws(RPCError) {
        let versions = fields[values: .connectProtocolVersion]
        if versions.isEmpty {
            if isDemanded { throw RPCError(refused: "the header connect-protocol-version: 1 is missing") }
        } else if versions != ["1"] {
            throw RPCError(refused: "connect-protocol-version must be 1")
        }
    }

    private static func timeout(_ fields: HTTPFields, limits: EdgeLimits) throws(RPCError) -> Duration {
        let texts = fields[values: .connectTimeoutMs]
        if texts.isEmpty { return limits.timeoutDefault }
        guard texts.count == 1, (1...10).contains(texts[0].utf8.count),
            texts[0].utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let milliseconds = Int64(texts[0]), milliseconds > 0
        else { throw RPCError(refused: "connect-timeout-ms must be a positive integer of at most 10 digits") }
        return min(.milliseconds(milliseconds), limits.timeoutMax)
    }

    private static func checkEncoding(_ fields: HTTPFields) throws(RPCError) {
        let encodings = fields[values: .contentEncoding]
        guard encodings.allSatisfy({ $0.lowercased() == "identity" }), encodings.count <= 1 else {
            throw RPCError(
                .unimplemented, "the content encoding is not supported; supported: identity", executed: .no)
        }
    }

    // MARK: Metadata

    /// The fields that may pass. Names of bytes carry base64, several values of one field parted by commas.
    private static func metadata(_ fields: HTTPFields, rules: HeaderRules) throws(RPCError) -> Metadata {
        var metadata = Metadata()
        for field in fields where rules.allow(field.name.canonicalName) {
            let name = field.name.canonicalName
            if name.hasSuffix("-bin") {
                for part in field.value.split(separator: ",", omittingEmptySubsequences: false) {
                    guard let bytes = Base64.decode(String(part).trimmed) else {
                        throw RPCError(refused: "the header \(SchemaError.excerpt(name)) is not base64")
                    }
                    metadata.add(name, bytes: bytes)
                }
            } else if field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
                metadata.add(name, field.value)
            }
        }
        return metadata
    }
}

extension ConnectRequest.Codec {
    /// Reads a media type: parameters are allowed where they change nothing, which is `charset=utf-8` for JSON.
    init?(contentType: String) {
        let parts = contentType.split(separator: ";", omittingEmptySubsequences: false).map {
            String($0).trimmed.lowercased()
        }
        switch parts[0] {
        case "application/json":
            guard parts.dropFirst().allSatisfy({ ["charset=utf-8", "charset=\"utf-8\""].contains($0) }) else {
                return nil
            }
            self = .json
        case "application/proto":
            guard parts.count == 1 else { return nil }
            self = .proto
        default: return nil
        }
    }
}

/// Why a request is not answered by the service.
package enum EdgeRefusal: Error, Sendable {
    /// It is no call at all: a status of HTTP's own, with a sentence for people and fields that say what would be right.
    case http(HTTPResponse.Status, String, HTTPFields)
    /// The call failed.
    case connect(RPCError)
}

extension RPCError {
    /// The client did it wrong, and nothing was executed.
    init(refused message: String) { self.init(.invalidArgument, message, executed: .no) }
}

extension HTTPField.Name {
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let connectProtocolVersion = HTTPField.Name("Connect-Protocol-Version")!
    static let connectTimeoutMs = HTTPField.Name("Connect-Timeout-Ms")!
    static let requestID = HTTPField.Name("X-Request-Id")!
}

extension String {
    /// Without the blanks and tabs around it.
    var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
