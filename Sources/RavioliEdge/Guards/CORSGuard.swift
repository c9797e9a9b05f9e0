// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Lets pages of other origins call the edge, by the Fetch standard's rules.
struct CORSGuard: DoorGuard {
    private let options: CORSOptions
    private let allowedHeaders: String
    private let exposedHeaders: String
    private static let methods = "GET, HEAD, POST, PUT, PATCH, DELETE"

    init(_ options: CORSOptions) {
        self.options = options
        let own = [
            "Content-Type", "Content-Encoding", "Accept-Encoding", "Authorization",
            "Connect-Protocol-Version",
            "Connect-Timeout-Ms", "Connect-Content-Encoding", "Connect-Accept-Encoding", "Grpc-Timeout",
            "X-Grpc-Web",
            "X-User-Agent", "X-Request-Id", "X-Server-Timeout", "Idempotency-Key", "If-Match",
            "If-None-Match",
        ]
        allowedHeaders = (own + options.requestHeaders).joined(separator: ", ")
        let exposed = [
            "ETag", "Idempotency-Replayed",
            "Content-Encoding", "Connect-Content-Encoding", "Grpc-Encoding", "Grpc-Status", "Grpc-Message",
            "Grpc-Status-Details-Bin", "X-Request-Id", "Retry-After",
            "RateLimit", "RateLimit-Policy", "WWW-Authenticate",
        ]
        exposedHeaders = (exposed + options.responseHeaders).joined(separator: ", ")
    }

    func look(at visit: inout Visit) async -> GuardVerdict {
        let fields = visit.head.headerFields
        let isPreflight = visit.head.method == .options && fields[.accessControlRequestMethod] != nil
        guard let origin = fields[.origin], fields[values: .origin].count == 1 else {
            return .pass(options.allowsAnyOrigin ? [:] : [.vary: "Origin"])
        }
        guard options.allows(origin) else {
            if isPreflight { return .answer(preflight([:])) }
            return .pass([.vary: "Origin"])
        }
        var allowed: HTTPFields = [:]
        allowed[.accessControlAllowOrigin] =
            options.allowsAnyOrigin && !options.allowsCredentials ? "*" : origin
        if options.allowsCredentials { allowed[.accessControlAllowCredentials] = "true" }
        if isPreflight { return .answer(preflight(allowed)) }
        allowed[.accessControlExposeHeaders] = exposedHeaders
        allowed[.vary] = "Origin"
        return .pass(allowed)
    }

    private func preflight(_ allowed: HTTPFields) -> EdgeAnswer {
        var answer = EdgeAnswer.empty(.noContent)
        for field in allowed { answer.headers.append(field) }
        answer.headers[.vary] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        guard !allowed.isEmpty else { return answer }
        answer.headers[.accessControlAllowMethods] = Self.methods
        answer.headers[.accessControlAllowHeaders] = allowedHeaders
        answer.headers[.accessControlMaxAge] = "\(options.maxAge.components.seconds)"
        return answer
    }
}
