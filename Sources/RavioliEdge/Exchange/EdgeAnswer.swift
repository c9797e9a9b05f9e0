// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import NIOCore
package import Ravioli
package import RavioliSchema

/// One HTTP answer, ready to be written.
package struct EdgeAnswer: Sendable {
    package var status: HTTPResponse.Status
    package var headers: HTTPFields
    package var body: ByteBuffer

    package init(_ status: HTTPResponse.Status, _ contentType: String, _ body: ByteBuffer) {
        self.status = status
        self.body = body
        headers = HTTPFields()
        // With room for those that follow from here on.
        headers.reserveCapacity(Self.security.count + 4)
        headers.append(contentsOf: Self.security)
        headers.append(HTTPField(name: .contentType, value: contentType))
    }

    /// Answers are data for programs: never sniffed, framed, run or kept by anything in between.
    package static let security: HTTPFields = [
        .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'", .referrerPolicy: "no-referrer",
    ]

    /// The message a Connect call ended with.
    package static func success(
        _ message: ByteBuffer, _ head: CallHead, _ metadata: ResponseMetadata
    ) -> EdgeAnswer {
        var answer = plain(message, head, metadata)
        answer.compress(head.responseCoding)
        return answer
    }

    /// The message a Connect call ended with, not compressed yet.
    static func plain(_ message: ByteBuffer, _ head: CallHead, _ metadata: ResponseMetadata) -> EdgeAnswer {
        var answer = EdgeAnswer(.ok, head.contentType.name, message)
        answer.add(metadata)
        return answer
    }

    /// Compresses the body where that saves something, and says that it depends on the client.
    mutating func compress(_ coding: ContentCoding) {
        guard coding == .gzip else { return }
        headers.append(HTTPField(name: .vary, value: "Accept-Encoding"))
        guard body.readableBytes >= EnvelopeWriter.compressedBytesMin else { return }
        body = Gzip.deflate(body)
        headers[.contentEncoding] = ContentCoding.gzip.rawValue
    }

    /// The error a Connect call ended with.
    ///
    /// - Parameter types: Where the types of its details are looked up, so that people can read them.
    package static func failure(
        _ error: RPCError, types: DescriptorPool = DescriptorPool(), rules: HeaderRules
    ) -> EdgeAnswer {
        let body = ByteBuffer(string: ConnectErrorBody.json(error, types: types))
        var answer = EdgeAnswer(error.code.httpStatus, "application/json", body)
        answer.add(ResponseMetadata(error.metadata, rules: rules))
        return answer
    }

    /// An answer for a request that is no call: no Connect body, so that clients infer the code from the status.
    package static func refusal(
        _ status: HTTPResponse.Status, _ text: String, _ fields: HTTPFields = [:]
    ) -> EdgeAnswer {
        var answer = EdgeAnswer(status, "text/plain; charset=utf-8", ByteBuffer(string: text + "\n"))
        for field in fields { answer.headers.append(field) }
        return answer
    }

    /// An answer without a body.
    package static func empty(_ status: HTTPResponse.Status) -> EdgeAnswer {
        var answer = refusal(status, "")
        answer.headers[.contentType] = nil
        answer.body = ByteBuffer()
        return answer
    }

    /// JSON of the edge's own.
    package static func json(_ status: HTTPResponse.Status, _ text: String) -> EdgeAnswer {
        EdgeAnswer(status, "application/json", ByteBuffer(string: text + "\n"))
    }

    /// One message has no trailers of HTTP's: they are headers whose names say so.
    private mutating func add(_ metadata: ResponseMetadata) {
        for (name, value) in metadata.leading { headers.append(HTTPField(name: name, value: value)) }
        for (name, value) in metadata.trailing {
            guard let name = HTTPField.Name(ResponseMetadata.trailerPrefix + name.canonicalName) else {
                continue
            }
            headers.append(HTTPField(name: name, value: value))
        }
    }
}

/// Why a request is not answered by the service.
package enum EdgeRefusal: Error, Sendable {
    /// It is no call at all: a status of HTTP's own, with a sentence for people and fields that say what would be right.
    case http(HTTPResponse.Status, String, HTTPFields)
    /// The call failed.
    case call(RPCError)
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
