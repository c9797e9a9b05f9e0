// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema

extension Edge {
    /// Answers what REST rules, the document and the page are for; false for everything else. Paths of
    /// methods come before it, so no rule can hide one.
    func answerREST(_ exchange: Exchange, verified: Metadata) async -> Bool {
        let head = exchange.head
        if let page = page(head) {
            await exchange.answer(page)
            return true
        }
        switch restDoor.match(head.method.rawValue, head.path ?? "") {
        case .found(let match):
            guard let route = route(of: match.binding.method) else { return false }
            await RESTResponder(self, exchange, match, route).serve(verified: verified)
        case .methodNotAllowed(let allowed):
            if head.method == .options {
                var answer = EdgeAnswer.empty(.noContent)
                answer.headers[.allow] = allowed.joined(separator: ", ")
                await exchange.answer(answer)
            } else {
                await exchange.answer(restFailure(.methodNotAllowed(allowed), exchange))
            }
        case .notFound, .malformed: return false
        }
        return true
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
    private func looksLikeCall(_ head: HTTPRequest) -> Bool {
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

    /// The document and the page; nil for other paths.
    private func page(_ head: HTTPRequest) -> EdgeAnswer? {
        guard options.rest.servesDocument, let path = head.path?.prefix(while: { $0 != "?" }),
            path == "/" || path == "/openapi.json"
        else { return nil }
        guard head.method == .get || head.method == .head else {
            return .refusal(.methodNotAllowed, "The path is for GET, HEAD.", [.allow: "GET, HEAD"])
        }
        if path == "/openapi.json" {
            let document = EdgeAnswer(.ok, "application/json", ByteBuffer(bytes: restDoor.document))
            return document.conditional(head, isOn: options.etags) { .refusal(.preconditionFailed, $0) }
        }
        var answer = EdgeAnswer(.ok, APIPage.contentType, ByteBuffer(bytes: APIPage.html))
        answer.headers[.contentSecurityPolicy] = APIPage.securityPolicy
        return answer.conditional(head, isOn: options.etags) { .refusal(.preconditionFailed, $0) }
    }
}
