// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOHTTP1
import NIOHTTPTypes

/// What the fields of a head of HTTP/1.1 say about the connection and the body, found in one walk over them.
struct HTTP1Facts {
    private var hosts = 0
    private var host: String?
    private var contentLengths = 0
    private(set) var contentLength: String?
    private var transferEncodings = 0
    private var isChunked = false
    private(set) var hasUpgrade = false
    /// Whether the client waits to be told that its body is welcome.
    private(set) var asksToContinue = false
    private var fields = HTTPFields()

    init(_ headers: HTTPHeaders) {
        fields.reserveCapacity(headers.count)
        for (name, value) in headers {
            switch name.utf8.count {
            case 4 where Self.isSame(name, "host"):
                hosts += 1
                if host == nil { host = value }
                continue
            case 6 where Self.isSame(name, "expect"): asksToContinue = Self.isSame(value, "100-continue")
            case 7 where Self.isSame(name, "upgrade"): hasUpgrade = true
            case 14 where Self.isSame(name, "content-length"):
                contentLengths += 1
                if contentLength == nil { contentLength = value }
            case 17 where Self.isSame(name, "transfer-encoding"):
                transferEncodings += 1
                isChunked = Self.isSame(value, "chunked")
            default: break
            }
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
    }

    /// Whether a text is another one of ASCII in lower case, whatever its own case is.
    private static func isSame(_ text: String, _ lower: StaticString) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            bytes.count == lower.utf8CodeUnitCount
                && bytes.indices.allSatisfy { index in
                    let byte = bytes[index]
                    let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                    return (isUpper ? byte | 0x20 : byte) == lower.utf8Start[index]
                }
        }
    }

    /// The request of a head; nil for one that two readers could understand differently.
    func request(_ head: HTTPRequestHead, isSecure: Bool) -> HTTPRequest? {
        guard head.version == .http1_1 ? hosts == 1 : head.version == .http1_0 && hosts <= 1,
            contentLengths <= 1,
            transferEncodings == 0
                || transferEncodings == 1 && isChunked && contentLengths == 0 && head.version == .http1_1,
            head.uri.utf8.first == UInt8(ascii: "/") || head.uri == "*",
            let method = HTTPRequest.Method(head.method.rawValue)
        else { return nil }
        return HTTPRequest(
            method: method, scheme: isSecure ? "https" : "http", authority: host, path: head.uri,
            headerFields: fields)
    }
}

extension HTTPFields {
    /// The fields of HTTP/1.1, without what is said elsewhere.
    init(_ headers: HTTPHeaders) {
        self.init()
        reserveCapacity(headers.count)
        for (name, value) in headers {
            guard let name = HTTPField.Name(name), name.canonicalName != "host" else { continue }
            append(HTTPField(name: name, value: value))
        }
    }
}
