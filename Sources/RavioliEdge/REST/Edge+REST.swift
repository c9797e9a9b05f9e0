// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema

extension Edge {
    /// Answers a request for a path that there is for other HTTP methods.
    func answerOtherMethods(_ allowed: [String], _ exchange: Exchange) async {
        guard exchange.head.method == .options else {
            return await exchange.answer(restFailure(.methodNotAllowed(allowed), exchange))
        }
        var answer = EdgeAnswer.empty(.noContent)
        answer.headers[.allow] = allowed.joined(separator: ", ")
        await exchange.answer(answer)
    }

    /// Refuses a path that there is not, in REST's form; false for what looks like a call of another protocol, and for
    /// other refusals.
    func refuseREST(_ refusal: EdgeRefusal, _ exchange: Exchange) async -> Bool {
        guard case .http(let status, _, _) = refusal, !looksLikeCall(exchange.head) else { return false }
        switch status {
        case .notFound: await exchange.answer(restFailure(.noSuchPath, exchange))
        case .badRequest: await exchange.answer(restFailure(.malformedPath, exchange))
        default: return false
        }
        return true
    }

    /// Whether a request for something that there is not was meant for Connect, gRPC or gRPC-Web: by its content type,
    /// by Connect's own header, or because its path ends like that of a method.
    func looksLikeCall(_ head: HTTPRequest) -> Bool {
        guard head.method == .post else { return false }
        let type = head.headerFields[.contentType].flatMap { RPCContentType($0) }
        if let type, type.rpc != .connectUnary || type.codec != .json { return true }
        if head.headerFields[.connectProtocolVersion] != nil { return true }
        guard let segments = EdgePath(head.path ?? "")?.segments, segments.count >= 2 else { return false }
        let (service, method) = (segments[segments.count - 2], segments[segments.count - 1])
        return service.contains(".") && MethodName("\(service)/\(method)") != nil
    }

    /// An error as REST's clients read it.
    func restFailure(_ failure: RESTFailure, _ exchange: Exchange, route: Route? = nil) -> EdgeAnswer {
        let form = RESTErrorBody.Form(AcceptedTypes(exchange.head.headerFields[values: .accept]))
        let types = route?.types ?? DescriptorPool()
        let text = RESTErrorBody.json(failure, form, requestID: exchange.requestID, types: types)
        var answer = EdgeAnswer(failure.status, form.contentType, ByteBuffer(string: text + "\n"))
        for field in failure.headers { answer.headers.append(field) }
        let metadata = ResponseMetadata(failure.error.metadata, rules: options.responseHeaders)
        for (name, value) in metadata.leading + metadata.trailing {
            answer.headers.append(HTTPField(name: name, value: value))
        }
        return answer
    }

    /// Whether a request is for the document or the page.
    func isDocument(_ head: HTTPRequest) -> Bool {
        options.rest.servesDocument && (head.path(is: "/") || head.path(is: Self.documentPath))
    }

    /// The document or the page.
    func document(_ head: HTTPRequest) -> EdgeAnswer {
        guard head.method == .get || head.method == .head else {
            return .refusal(.methodNotAllowed, "The path is for GET, HEAD.", [.allow: "GET, HEAD"])
        }
        if head.path(is: Self.documentPath) {
            let document = EdgeAnswer(.ok, "application/json", ByteBuffer(bytes: restDoor.document))
            return document.conditional(head, isOn: options.etags) { .refusal(.preconditionFailed, $0) }
        }
        var answer = EdgeAnswer(.ok, APIPage.contentType, ByteBuffer(bytes: APIPage.html))
        answer.headers[.contentSecurityPolicy] = APIPage.securityPolicy
        return answer.conditional(head, isOn: options.etags) { .refusal(.preconditionFailed, $0) }
    }

    private static let documentPath = "/openapi.json"
}
