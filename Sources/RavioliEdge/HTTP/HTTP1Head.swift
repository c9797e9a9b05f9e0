// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The head of a request of HTTP/1.1 while it is read, and what its fields say about the connection and the body.
struct HTTP1Head {
    private(set) var method = HTTPRequest.Method.get
    private(set) var target = ""
    /// Whether it is of HTTP/1.1, and not of HTTP/1.0.
    private(set) var isHTTP11 = true
    private(set) var isChunked = false
    /// The length of the body, if it is said.
    private(set) var contentLength: Int?
    /// Whether the client waits to be told that its body is welcome.
    private(set) var asksToContinue = false
    private var closes = false
    private var hasUpgrade = false
    private var hosts = 0
    private var host: String?
    private var contentLengths = 0
    private var transferEncodings = 0
    private var fields = HTTPFields()

    init() {}

    // MARK: Lines

    /// - Parameter line: Without control characters.
    init?(requestLine line: Span<UInt8>) {
        let blank = UInt8(ascii: " ")
        guard let first = line.first(blank, from: 0), let second = line.first(blank, from: first + 1),
            line.first(blank, from: second + 1) == nil,
            let method = Self.method(line.extracting(..<first))
        else { return nil }
        let target = line.extracting(first + 1..<second)
        let version = line.extracting((second + 1)...)
        isHTTP11 = version.text == "HTTP/1.1"
        guard isHTTP11 || version.text == "HTTP/1.0", target.count > 0, target.isVisibleASCII,
            target[0] == UInt8(ascii: "/") || target.isSame("*")
        else { return nil }
        self.method = method
        self.target = target.text
        fields.reserveCapacity(8)
    }

    private static func method(_ bytes: Span<UInt8>) -> HTTPRequest.Method? {
        let text = bytes.text
        if text == "POST" { return .post }
        if text == "GET" { return .get }
        // The longest that is registered has 17 letters.
        return bytes.count <= 32 ? HTTPRequest.Method(rawValue: text) : nil
    }

    /// Where the name and the value of a field are in its line; nil if there is no name before a colon.
    static func parts(ofField line: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>)? {
        guard let colon = line.first(UInt8(ascii: ":"), from: 0), colon > 0 else { return nil }
        var (start, end) = (colon + 1, line.count)
        while start < end, line[start] == UInt8(ascii: " ") || line[start] == UInt8(ascii: "\t") {
            start += 1
        }
        while end > start, line[end - 1] == UInt8(ascii: " ") || line[end - 1] == UInt8(ascii: "\t") {
            end -= 1
        }
        return (0..<colon, start..<end)
    }

    /// Adds a field; false if it cannot be one.
    mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        switch name.count {
        case 4 where name.isSame("host"):
            hosts += 1
            host = value.text
            return true
        case 6 where name.isSame("expect"): asksToContinue = value.isSame("100-continue")
        case 7 where name.isSame("upgrade"): hasUpgrade = true
        case 10 where name.isSame("connection"): closes = closes || Self.saysClose(value.text)
        case 14 where name.isSame("content-length"):
            contentLengths += 1
            guard let length = Self.length(value) else { return false }
            contentLength = length
        case 17 where name.isSame("transfer-encoding"):
            transferEncodings += 1
            isChunked = value.isSame("chunked")
        default: break
        }
        guard let name = HTTP1FieldName.of(name) else { return false }
        fields.append(HTTPField(name: name, value: value.text))
        return true
    }

    /// Digits alone, few enough for any file there is.
    private static func length(_ value: Span<UInt8>) -> Int? {
        guard (1...18).contains(value.count) else { return nil }
        var length = 0
        for index in 0..<value.count {
            let byte = value[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return length
    }

    private static func saysClose(_ value: String) -> Bool {
        value.split(separator: ",").contains { String($0).trimmed.lowercased() == "close" }
    }

    // MARK: The whole

    /// Whether all readers find the same host, and the same end of the body.
    var isUnambiguous: Bool {
        guard isHTTP11 ? hosts == 1 : hosts <= 1, contentLengths <= 1 else { return false }
        return transferEncodings == 0
            || transferEncodings == 1 && isChunked && contentLengths == 0 && isHTTP11
    }

    /// Whether another request may follow on the connection: an upgrade is not taken, and HTTP/1.0 has no other end of
    /// a stream.
    var keepsAlive: Bool { isHTTP11 && !closes && !hasUpgrade && method != .connect }

    func request(isSecure: Bool) -> HTTPRequest {
        HTTPRequest(
            method: method, scheme: isSecure ? "https" : "http", authority: host, path: target,
            headerFields: fields)
    }
}

/// Names of fields that nearly every request has, so that they are not made anew.
enum HTTP1FieldName {
    private static let known: [[HTTPField.Name]] = {
        let names: [HTTPField.Name] = [
            .accept, .acceptEncoding, .acceptLanguage, .authorization, .cacheControl, .connection,
            .contentLength, .contentType, .cookie, .origin, .referer, .userAgent, .connectProtocolVersion,
            .connectTimeoutMs, .requestID,
        ]
        var known = [[HTTPField.Name]](repeating: [], count: 32)
        for name in names { known[name.canonicalName.utf8.count].append(name) }
        return known
    }()

    static func of(_ bytes: Span<UInt8>) -> HTTPField.Name? {
        if bytes.count < known.count {
            for name in known[bytes.count] where bytes.isSame(name.canonicalName) { return name }
        }
        return HTTPField.Name(bytes.text)
    }
}

extension Span<UInt8> {
    /// The text; what is not UTF-8 is replaced.
    fileprivate var text: String {
        withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    fileprivate func first(_ byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    fileprivate var isVisibleASCII: Bool {
        for index in 0..<count where self[index] <= 0x20 || self[index] >= 0x7F { return false }
        return true
    }

    /// Whether it is a text of ASCII in lower case, whatever its own case is.
    fileprivate func isSame(_ lower: StaticString) -> Bool {
        lower.withUTF8Buffer { isSame($0) }
    }

    fileprivate func isSame(_ lower: String) -> Bool {
        var lower = lower
        return lower.withUTF8 { isSame($0) }
    }

    private func isSame(_ lower: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == lower.count else { return false }
        for index in 0..<count {
            let byte = self[index]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUpper ? byte | 0x20 : byte) == lower[index] else { return false }
        }
        return true
    }
}
