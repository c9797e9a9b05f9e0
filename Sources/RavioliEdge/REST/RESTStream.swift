// SPDX-License-Identifier: Apache-2.0
//
// A stream of messages as one HTTP answer. Whoever uses the encoder sends no head before the first message, the end or
// an error is known, so that an early error has a status of its own; later ones are the last thing that is said. A
// client can always tell a stream that ended from one that was cut off.

package import HTTPTypes

/// Writes a stream's messages in the form that the client accepts. Pure: values in, bytes out.
package struct RESTStream: Sendable {
    /// How messages stand in the body.
    package enum Form: Sendable, Hashable, CaseIterable {
        /// One array of all of them.
        case array
        /// `{"result": …}` on a line of its own each.
        case lines
        /// Server-sent events.
        case events
        /// The bytes of `HttpBody` one after the other, of the type that the first names.
        case raw

        /// Whether it is compressed for clients that accept it. Events are not: some proxies between hold back what they
        /// cannot read, and bytes of the service's own choice often are compressed already.
        package var isCompressible: Bool { self == .array || self == .lines }

        /// The media type; nil where the first message names it.
        package var contentType: String? {
            switch self {
            case .array: "application/json"
            case .lines: "application/x-ndjson"
            case .events: "text/event-stream"
            case .raw: nil
            }
        }
    }

    /// What an error in the midst of a stream makes of it.
    package enum Ending: Sendable, Hashable {
        /// These bytes, and then the ordinary end of the body.
        case complete([UInt8])
        /// The connection, or HTTP/2 stream, must be reset after these bytes: the form has no place for an error.
        case abort([UInt8])
    }

    package let form: Form
    private var count = 0

    /// A stream in this form.
    package init(_ form: Form) { self.form = form }

    /// A stream in the form that the client accepts.
    ///
    /// - Throws: 406.
    package init(_ binding: RESTBinding, _ accepted: AcceptedTypes) throws(RESTFailure) {
        if binding.answersRaw {
            form = .raw
            return
        }
        let offered: [Form] = [.array, .lines, .events]
        let names = offered.compactMap(\.contentType)
        guard let name = accepted.best(of: names), let index = names.firstIndex(of: name) else {
            if accepted.name(RESTErrorBody.problemType) {
                form = .array
                return
            }
            throw .notAcceptable(names.joined(separator: ", "))
        }
        form = offered[index]
    }

    /// What the head says beside the status.
    ///
    /// - Parameter first: the body of the first message, whose type a raw stream has.
    package func headers(first: RESTResponse.Body? = nil) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: form.contentType ?? first?.contentType ?? "application/octet-stream"
        ]
        if form == .events {
            headers[.cacheControl] = "no-cache"
            // nginx would otherwise hold events back until its buffer is full.
            headers[HTTPField.Name("X-Accel-Buffering")!] = "no"
        }
        return headers
    }

    // MARK: Parts of the body

    /// The bytes of one message, given as JSON without line breaks, or as they are in a raw stream.
    package mutating func message(_ body: [UInt8]) -> [UInt8] {
        defer { count += 1 }
        switch form {
        case .array: return Array((count == 0 ? "[" : ",\n").utf8) + body
        case .lines: return Array("{\"result\":".utf8) + body + Array("}\n".utf8)
        case .events: return Array("data: ".utf8) + body + Array("\n\n".utf8)
        case .raw: return body
        }
    }

    /// The bytes behind the last message of a stream that ended well. Events say so, because their clients would
    /// otherwise connect again.
    package func end() -> [UInt8] {
        switch form {
        case .array: Array((count == 0 ? "[]\n" : "]\n").utf8)
        case .events: Array("event: end\ndata: {}\n\n".utf8)
        case .lines, .raw: []
        }
    }

    /// What ends a stream that failed after its head was sent.
    ///
    /// - Parameter error: as ``RESTErrorBody`` prints it.
    package func failure(_ error: String) -> Ending {
        switch form {
        case .lines: .complete(Array("{\"error\":\(error)}\n".utf8))
        case .events: .complete(Array("event: error\ndata: \(error)\n\n".utf8))
        case .array, .raw: .abort([])
        }
    }

    /// Bytes that mean nothing, to be sent when nothing else was for a while; nil in forms that have none. They too
    /// wait for the head.
    package var heartbeat: [UInt8]? {
        switch form {
        case .events: Array(":\n\n".utf8)
        case .array: count > 0 ? [UInt8(ascii: "\n")] : nil
        case .lines, .raw: nil
        }
    }
}
