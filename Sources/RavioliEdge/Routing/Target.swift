// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
package import RavioliSchema

/// What a request is for, as its path and HTTP method tell. It is found once: guards decide by it, and then it is served.
package enum Target: Sendable {
    /// A method by its own path: a call of Connect, gRPC or gRPC-Web.
    case call(Route)
    /// A method by a REST rule, or a plan by what stands for its method.
    case rest(RESTMatch, Route)
    /// The document of the API, or the page that shows it.
    case document
    /// A path that there is for other HTTP methods only.
    case otherMethods([String])
    /// Nothing.
    case none(EdgeRefusal)

    /// The method that it leads to. Guards know a plan by its path: what stands for its method is none that could be called.
    package var method: MethodDescriptor? {
        switch self {
        case .call(let route): route.method
        case .rest(let match, let route): match.binding.plan == nil ? route.method : nil
        case .document, .otherMethods, .none: nil
        }
    }
}

extension Edge {
    /// What a request is for, as far as it is known. Paths of methods come first, so no rule can hide one.
    func knownTarget(_ head: HTTPRequest, _ path: EdgePath?) -> Target? {
        if let (service, method) = path?.method(behind: prefix), let route = route(service, method) {
            return .call(route)
        }
        if isDocument(head) { return .document }
        switch restDoor.match(head.method.rawValue, head.path ?? "") {
        case .found(let match): return route(of: match).map { .rest(match, $0) }
        case .methodNotAllowed(let allowed): return .otherMethods(allowed)
        case .notFound, .malformed: return nil
        }
    }

    /// What a request is for that is not known: a method that has just come, or nothing.
    func newTarget(_ path: EdgePath?) async -> Target {
        guard let path else { return .none(.http(.badRequest, "The path is malformed.", [:])) }
        guard let (service, method) = path.method(behind: prefix) else { return .none(Self.notFound) }
        do throws(EdgeRefusal) {
            return .call(try await newRoute(service, method))
        } catch {
            return .none(error)
        }
    }

    /// Answers a request that the guards let pass.
    func serve(_ target: Target, _ exchange: Exchange, verified: Metadata) async {
        switch target {
        case .call(let route):
            await CallResponder(self, exchange, types: route.types).serve(route, verified: verified)
        case .rest(let match, let route):
            await RESTResponder(self, exchange, match, route).serve(verified: verified)
        case .document: await exchange.answer(document(exchange.head))
        case .otherMethods(let allowed): await answerOtherMethods(allowed, exchange)
        case .none(let refusal):
            if await refuseREST(refusal, exchange) { return }
            await CallResponder(self, exchange, types: DescriptorPool()).refuse(refusal)
        }
    }

    /// Tells that the guards did not let it pass, in the form that the client understands.
    func refuse(_ error: RPCError, _ target: Target, _ exchange: Exchange) async {
        let isREST =
            switch target {
            case .call: false
            case .rest, .document, .otherMethods: true
            case .none: !looksLikeCall(exchange.head)
            }
        if isREST { return await exchange.answer(restFailure(RESTFailure(error), exchange)) }
        await CallResponder(self, exchange, types: DescriptorPool()).refuse(.call(error))
    }
}
