// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Synchronization

/// Writes the response of a call with enveloped messages into its exchange. The head waits for what follows it, so that
/// both leave together.
final class EnvelopedOutput: CallOutput {
    private let exchange: Exchange
    private let response: EnvelopedResponse
    private let rules: HeaderRules
    /// The head, until it is sent.
    private let head: Mutex<HTTPResponse?>

    init(_ exchange: Exchange, _ response: EnvelopedResponse, rules: HeaderRules) {
        self.exchange = exchange
        self.response = response
        self.rules = rules
        head = Mutex(response.head(ResponseMetadata([:], rules: rules)))
    }

    func begin(_ metadata: Metadata) {
        begin(ResponseMetadata(metadata, rules: rules))
    }

    func begin(_ metadata: ResponseMetadata) { head.withLock { $0 = response.head(metadata) } }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        do throws(BodyFailure) {
            try await exchange.send(ResponsePart(head: takeHead(), body: response.message(message)))
        } catch {
            throw RPCError(.cancelled, "the client has gone", executed: .maybe)
        }
    }

    /// Sends the end of a call that went well, and the head before it if no message did.
    func end(_ trailing: ResponseMetadata.Fields) async {
        var part = response.end(nil, trailing: trailing, types: DescriptorPool())
        part.head = takeHead()
        try? await exchange.send(part)
    }

    /// Sends the end of a call that failed, and the head before it if no message did.
    ///
    /// - Parameter types: Where the types of its details are looked up.
    func fail(_ error: RPCError, _ metadata: Metadata, types: DescriptorPool) async {
        let waiting = takeHead()
        // gRPC's clients look for what comes with an error behind it.
        let isFirst = waiting != nil && !response.rpc.isGRPC
        let metadata = ResponseMetadata(end: metadata, isFirst: isFirst, rules: rules)
        var part = response.end(error, trailing: metadata.trailing, types: types)
        part.head = waiting
        for (name, value) in metadata.leading {
            part.head?.headerFields.append(HTTPField(name: name, value: value))
        }
        try? await exchange.send(part)
    }

    /// Sends a whole answer of gRPC's that was kept: its metadata, its message if it has one, and its end.
    func send(_ answer: StoredAnswer) async {
        var first = response.head(ResponseMetadata([:], rules: rules))
        for field in answer.fields { first.headerFields.append(field) }
        let isSuccess = answer.trailers[.grpcStatus] == "0"
        let body = isSuccess ? response.message(answer.body) : nil
        try? await exchange.send(ResponsePart(head: first, body: body))
        try? await exchange.send(response.end(answer.trailers))
    }

    /// The metadata of a stream's end as fields.
    func trailing(_ metadata: Metadata) -> ResponseMetadata.Fields {
        ResponseMetadata(end: metadata, isFirst: false, rules: rules).trailing
    }

    private func takeHead() -> HTTPResponse? {
        head.withLock { head in
            defer { head = nil }
            return head
        }
    }
}
