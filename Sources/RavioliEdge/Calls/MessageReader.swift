// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Ravioli

/// The messages of an enveloped request, one after another, as they arrive. One task reads.
struct MessageReader {
    private let body: RequestBody
    private var envelopes: EnvelopeReader
    private var base64: Base64Stream?

    init(_ body: RequestBody, _ head: CallHead, bytesMax: Int) {
        self.body = body
        envelopes = EnvelopeReader(bytesMax: bytesMax, coding: head.requestCoding)
        base64 = head.rpc == .grpcWebText ? Base64Stream() : nil
    }

    /// The next message; nil after the last one.
    mutating func next() async throws(RPCError) -> ByteBuffer? {
        while true {
            if let message = try envelopes.next() { return message }
            guard var bytes = try await RPCError.reading({ () throws(BodyFailure) in try await body.next() })
            else {
                try base64?.end()
                try envelopes.end()
                return nil
            }
            if base64 != nil, let decoded = try base64?.decode(bytes) { bytes = decoded }
            envelopes.append(bytes)
        }
    }

    /// The only message.
    ///
    /// - Throws: `unimplemented` for none or more than one, which is how gRPC and Connect want it.
    mutating func only() async throws(RPCError) -> ByteBuffer {
        guard let message = try await next() else {
            throw RPCError(.unimplemented, "the method takes one message, and none came", executed: .no)
        }
        guard try await next() == nil else {
            throw RPCError(.unimplemented, "the method takes one message, and more came", executed: .no)
        }
        return message
    }
}

extension RPCError {
    /// Reads a body; what goes wrong becomes the error of a call.
    static func reading<Result>(
        bytesMax: Int = 0, _ read: () async throws(BodyFailure) -> Result
    ) async throws(RPCError) -> Result {
        do {
            return try await read()
        } catch {
            switch error {
            case .tooLarge: throw RPCError(tooLarge: bytesMax)
            case .timedOut:
                throw RPCError(.deadlineExceeded, "the request took too long to arrive", executed: .no)
            case .gone, .cancelled:
                throw RPCError(.cancelled, "the request did not arrive whole", executed: .no)
            }
        }
    }
}
