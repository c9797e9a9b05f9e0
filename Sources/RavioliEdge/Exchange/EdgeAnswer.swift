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

    private init(_ status: HTTPResponse.Status, _ contentType: String, _ body: ByteBuffer) {
        self.status = status
        self.body = body
        headers = Self.security
        headers[.contentType] = contentType
    }

    /// Answers are data for programs: never sniffed, framed, run or kept by anything in between.
    private static let security: HTTPFields = [
        .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'", .referrerPolicy: "no-referrer",
    ]

    /// The message a call ended with.
    package static func success(
        _ body: ByteBuffer, codec: ConnectRequest.Codec, metadata: Metadata, rules: HeaderRules
    ) -> EdgeAnswer {
        var answer = EdgeAnswer(.ok, codec.contentType, body)
        answer.add(metadata, rules: rules)
        return answer
    }

    /// The error a call ended with.
    ///
    /// - Parameter types: Where the types of its details are looked up, so that people can read them.
    package static func failure(
        _ error: RPCError, types: DescriptorPool = DescriptorPool(), rules: HeaderRules
    ) -> EdgeAnswer {
        let body = ByteBuffer(string: ConnectErrorBody.json(error, types: types))
        var answer = EdgeAnswer(error.code.httpStatus, "application/json", body)
        answer.add(error.metadata, rules: rules)
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

    /// JSON of the edge's own.
    package static func json(_ status: HTTPResponse.Status, _ text: String) -> EdgeAnswer {
        EdgeAnswer(status, "application/json", ByteBuffer(string: text + "\n"))
    }

    private mutating func add(_ metadata: Metadata, rules: HeaderRules) {
        for pair in metadata where rules.allow(pair.name) {
            guard let name = HTTPField.Name(pair.name) else { continue }
            let value = pair.text ?? Base64.encode(pair.value, padded: false)
            headers.append(HTTPField(name: name, value: value))
        }
    }
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}

/// Connect's error JSON: `{"code": …, "message": …, "details": […]}`.
package enum ConnectErrorBody {
    /// Prints an error.
    package static func json(_ error: RPCError, types: DescriptorPool) -> String {
        var members = ["\"code\":\(JSONText.quoted(error.code.name))"]
        if !error.message.isEmpty { members.append("\"message\":\(JSONText.quoted(error.message))") }
        if !error.details.isEmpty {
            members.append(
                "\"details\":[\(error.details.map { detail($0, types: types) }.joined(separator: ","))]")
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func detail(_ detail: StatusDetail, types: DescriptorPool) -> String {
        let type = String(detail.typeName)
        var members = ["\"type\":\(JSONText.quoted(type))"]
        members.append("\"value\":\"\(Base64.encode(detail.value, padded: false))\"")
        if let debug = debug(detail, type: type, types: types) { members.append("\"debug\":\(debug)") }
        return "{\(members.joined(separator: ","))}"
    }

    /// The detail in readable form, left out where its type is not known or its bytes are broken: the error itself
    /// must get out whatever its details are.
    private static func debug(_ detail: StatusDetail, type: String, types: DescriptorPool) -> String? {
        guard let descriptor = types.message(named: type) else { return nil }
        var options = JSONEncodingOptions.defaults
        options.printsUnresolvedAnyAsBase64 = true
        options.types = types
        let json = try? JSONTranscoder.json(fromEncoded: detail.value, as: descriptor, options: options)
        return json.map { String(decoding: $0, as: UTF8.self) }
    }
}
