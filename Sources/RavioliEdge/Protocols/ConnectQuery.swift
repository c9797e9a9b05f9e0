// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
package import NIOCore
import Ravioli
import RavioliSchema

/// The query of a Connect GET: `?connect=v1&encoding=json&message=…`, and `base64=1` and `compression=gzip` where they
/// are needed, in any order. Parameters of other names mean nothing.
package struct ConnectQuery: Sendable {
    package let contentType: RPCContentType
    /// `v1`, or nil if it is not said.
    package let version: String?
    package let compression: String?
    /// The message, not inflated yet.
    package let message: ByteBuffer

    /// Reads the query of a request's path.
    ///
    /// - Throws: An HTTP 415 for a codec that there is not, else `invalid_argument`.
    package init(path: String) throws(EdgeRefusal) {
        let query = path.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()
        var values: [String: [UInt8]] = [:]
        do {
            values = try Self.parameters(query)
        } catch {
            throw .call(error)
        }
        func text(_ name: String) -> String? { values[name].map { String(decoding: $0, as: UTF8.self) } }
        version = text("connect")
        if let version, version != "v1" { throw .call(RPCError(refused: "connect must be v1")) }
        guard let encoding = text("encoding") else {
            throw .call(RPCError(refused: "the query parameter encoding is missing"))
        }
        guard let type = RPCContentType("application/" + encoding), type.rpc == .connectUnary else {
            throw .http(.unsupportedMediaType, "The encoding must be json or proto.", [:])
        }
        contentType = type
        compression = text("compression")
        guard let message = values["message"] else {
            throw .call(RPCError(refused: "the query parameter message is missing"))
        }
        switch text("base64") {
        case nil, "0": self.message = ByteBuffer(bytes: message)
        case "1":
            guard let bytes = Base64.decode(message) else {
                throw .call(RPCError(refused: "the query parameter message is not base64"))
            }
            self.message = ByteBuffer(bytes: bytes)
        default: throw .call(RPCError(refused: "base64 must be 1"))
        }
    }

    /// The protocol's own parameters, decoded once; one that is given twice is refused, because two readers of such a
    /// query could disagree.
    private static func parameters(_ query: Substring.UTF8View) throws(RPCError) -> [String: [UInt8]] {
        var values: [String: [UInt8]] = [:]
        for part in query.split(separator: UInt8(ascii: "&")) {
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            guard
                let key = PercentEncoding.decoded(name, plusIsBlank: true).map({
                    String(decoding: $0, as: UTF8.self)
                }),
                names.contains(key)
            else { continue }
            let rest = part.dropFirst(name.count + 1)
            guard let value = PercentEncoding.decoded(rest, plusIsBlank: true) else {
                throw RPCError(refused: "the query parameter \(key) has a broken escape")
            }
            guard values.updateValue(value, forKey: key) == nil else {
                throw RPCError(refused: "the query parameter \(key) is given twice")
            }
        }
        return values
    }

    private static let names: Set = ["connect", "encoding", "message", "base64", "compression"]
}
