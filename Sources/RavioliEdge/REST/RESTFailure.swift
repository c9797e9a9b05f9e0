// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli

/// Why a REST request is not answered as it hoped.
package struct RESTFailure: Error, Sendable {
    /// A field of the request, and what is wrong with it.
    package struct Violation: Sendable, Hashable {
        /// As the client named it: `filter.minPages`.
        package var field: String
        package var description: String

        package init(field: String, description: String) {
            self.field = field
            self.description = description
        }
    }

    /// The HTTP status, which is the code's own unless HTTP has a better one.
    package var status: HTTPResponse.Status
    package var error: RPCError
    /// What is wrong with which fields of the request, as far as the edge has found out.
    package var violations: [Violation] = []
    /// Fields that say what would be right, such as `Allow`.
    package var headers: HTTPFields = [:]

    /// A call that failed.
    package init(_ error: RPCError) {
        status = error.code.httpStatus
        self.error = error
    }

    /// A request that is refused before any call.
    package init(
        _ status: HTTPResponse.Status, _ code: StatusCode, _ message: String, headers: HTTPFields = [:]
    ) {
        self.status = status
        self.headers = headers
        error = RPCError(code, message, executed: .no)
    }

    /// A request of which a field is wrong.
    package init(field: String, _ description: String) {
        self.init(.badRequest, .invalidArgument, "\(field): \(description)")
        violations = [Violation(field: field, description: description)]
    }

    // MARK: Refusals of HTTP

    /// 404: there is no such path.
    package static var noSuchPath: RESTFailure {
        RESTFailure(.notFound, .notFound, "there is no such path")
    }

    /// 400: the path has a broken escape or a segment of dots.
    package static var malformedPath: RESTFailure {
        RESTFailure(.badRequest, .invalidArgument, "the path is malformed")
    }

    /// 405: the path exists for other methods.
    package static func methodNotAllowed(_ allowed: [String]) -> RESTFailure {
        let list = allowed.joined(separator: ", ")
        return RESTFailure(
            .methodNotAllowed, .unimplemented, "the path is for \(list)", headers: [.allow: list])
    }

    /// 406: nothing that the client would accept can be answered.
    package static func notAcceptable(_ offered: String) -> RESTFailure {
        RESTFailure(.notAcceptable, .invalidArgument, "the answer can be \(offered)")
    }

    /// 415: the body is of a type that the method does not take.
    package static func unsupportedMediaType(_ httpMethod: String?) -> RESTFailure {
        let name = httpMethod == "PATCH" ? HTTPField.Name("Accept-Patch")! : .acceptPost
        return RESTFailure(
            .unsupportedMediaType, .invalidArgument, "the content type must be application/json",
            headers: [name: "application/json"])
    }

    /// 413: the body is over the limit.
    package static func bodyTooLarge(bytesMax: Int) -> RESTFailure {
        RESTFailure(.contentTooLarge, .resourceExhausted, "the body is over its limit of \(bytesMax) bytes")
    }
}
