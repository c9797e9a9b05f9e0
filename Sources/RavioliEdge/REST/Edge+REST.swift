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
            guard let route = route(of: match) else { return false }
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

    /// Refuses a path that there is not, in REST's form; false for what may be a call of another protocol, which all are
    /// POST, and for other refusals.
    func refuseREST(_ refusal: EdgeRefusal, _ exchange: Exchange) async -> Bool {
        guard case .http(let status, _, _) = refusal, exchange.head.method != .post else { return false }
        switch status {
        case .notFound: await exchange.answer(restFailure(.noSuchPath, exchange))
        case .badRequest: await exchange.answer(restFailure(.malformedPath, exchange))
        default: return false
        }
        return true
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
            return EdgeAnswer(.ok, "application/json", ByteBuffer(bytes: restDoor.document))
        }
        var answer = EdgeAnswer(.ok, APIPage.contentType, ByteBuffer(bytes: APIPage.html))
        answer.headers[.contentSecurityPolicy] = APIPage.securityPolicy
        return answer
    }
}
