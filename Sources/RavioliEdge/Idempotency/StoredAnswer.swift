// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore

/// An answer as it is kept: everything but what belongs to one exchange alone, such as the request id and the content
/// coding.
///
/// On disk: a byte 1 for this form, two bytes of status, the fields, the trailers, the body. Fields are their number in
/// two bytes, and names and values with their lengths in four. All numbers are big-endian.
struct StoredAnswer: Sendable, Hashable {
    var status: Int
    var fields: HTTPFields
    /// The body before any content coding; for gRPC the message without its envelope.
    var body: ByteBuffer
    /// gRPC's; empty elsewhere.
    var trailers: HTTPFields = [:]

    init(status: Int, fields: HTTPFields, body: ByteBuffer, trailers: HTTPFields = [:]) {
        (self.status, self.fields, self.body, self.trailers) = (status, fields, body, trailers)
    }

    init(_ answer: EdgeAnswer) {
        self.init(status: answer.status.code, fields: answer.headers, body: answer.body)
    }

    /// The answer for an exchange.
    var edgeAnswer: EdgeAnswer {
        var answer = EdgeAnswer.empty(HTTPResponse.Status(code: status))
        (answer.headers, answer.body) = (fields, body)
        return answer
    }

    // MARK: On disk

    private static let form: UInt8 = 1

    var encoded: [UInt8] {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(body.readableBytes + 1024)
        bytes.writeInteger(Self.form)
        bytes.writeInteger(UInt16(clamping: status))
        Self.write(fields, to: &bytes)
        Self.write(trailers, to: &bytes)
        bytes.writeImmutableBuffer(body)
        return Array(bytes.readableBytesView)
    }

    /// Nil for bytes that are no such answer.
    init?(encoded: [UInt8]) {
        var bytes = ByteBuffer(bytes: encoded)
        guard bytes.readInteger() == Self.form, let status = bytes.readInteger(as: UInt16.self),
            (100...599).contains(status), let fields = Self.fields(&bytes),
            let trailers = Self.fields(&bytes)
        else { return nil }
        self.init(status: Int(status), fields: fields, body: bytes, trailers: trailers)
    }

    private static func write(_ fields: HTTPFields, to bytes: inout ByteBuffer) {
        bytes.writeInteger(UInt16(clamping: fields.count))
        for field in fields.prefix(Int(UInt16.max)) {
            for text in [field.name.rawName, field.value] {
                bytes.writeInteger(UInt32(clamping: text.utf8.count))
                bytes.writeString(text)
            }
        }
    }

    private static func fields(_ bytes: inout ByteBuffer) -> HTTPFields? {
        guard let count = bytes.readInteger(as: UInt16.self) else { return nil }
        var fields = HTTPFields()
        for _ in 0..<count {
            guard let name = text(&bytes).flatMap({ HTTPField.Name($0) }), let value = text(&bytes) else {
                return nil
            }
            fields.append(HTTPField(name: name, value: value))
        }
        return fields
    }

    private static func text(_ bytes: inout ByteBuffer) -> String? {
        bytes.readInteger(as: UInt32.self).flatMap { bytes.readString(length: Int($0)) }
    }
}
