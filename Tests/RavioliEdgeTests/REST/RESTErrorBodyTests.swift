// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import Ravioli
@testable import RavioliEdge
import RavioliSchema
import Testing

@Suite struct RESTErrorBodyTests {
    private func json(
        _ failure: RESTFailure, _ form: RESTErrorBody.Form = .status, types: DescriptorPool = DescriptorPool()
    ) -> String {
        RESTErrorBody.json(failure, form, requestID: "r1", types: types)
    }

    private static let requestInfo =
        #"{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"r1"}"#

    @Test func statusHasCodeMessageDetailsAndRequest() {
        let failure = RESTFailure(RPCError(.notFound, "no \"such\" volume"))
        #expect(failure.status == .notFound)
        #expect(
            json(failure)
                == #"{"code":5,"message":"no \"such\" volume","details":[\#(Self.requestInfo)]}"#)
    }

    @Test func fieldsThatAreWrongAreNamed() {
        let failure = RESTFailure(field: "pages", "must be a number")
        #expect(
            json(failure)
                == #"{"code":3,"message":"pages: must be a number","details":[{"@type":"#
                + #""type.googleapis.com/google.rpc.BadRequest","fieldViolations":"#
                + #"[{"field":"pages","description":"must be a number"}]},\#(Self.requestInfo)]}"#)
    }

    @Test func detailsAreReadableAndUnknownOnesStillGetOut() throws {
        let error = RPCError(
            .aborted, "other",
            details: [
                try StatusDetail(Reason(field: "f")),
                StatusDetail(typeURL: "type.googleapis.com/elsewhere.v1.Unknown", value: [8, 1]),
                StatusDetail(typeURL: "type.googleapis.com/ravioli.test.v1.Reason", value: [0xff]),
            ])
        let text = json(RESTFailure(error), types: DescriptorPool([RavioliTestV1DeskSchema.file]))
        #expect(text.contains(#"{"@type":"type.googleapis.com/ravioli.test.v1.Reason","field":"f"}"#))
        #expect(text.contains(#"{"@type":"type.googleapis.com/elsewhere.v1.Unknown","value":"CAE="}"#))
        #expect(text.contains(#"{"@type":"type.googleapis.com/ravioli.test.v1.Reason","value":"/w=="}"#))
    }

    @Test func problemDetailsHaveTheirMembers() {
        let failure = RESTFailure(field: "pages", "must be a number")
        #expect(
            json(failure, .problem)
                == #"{"type":"about:blank","title":"Bad Request","status":400,"#
                + #""detail":"pages: must be a number","code":"invalid_argument","requestId":"r1","#
                + #""fieldViolations":[{"field":"pages","description":"must be a number"}]}"#)
    }

    @Test(arguments: [
        ([], "application/json"), (["*/*"], "application/json"), (["application/*"], "application/json"),
        (["application/problem+json"], "application/problem+json"),
        (["application/json, application/problem+json"], "application/problem+json"),
        (["application/json, application/problem+json;q=0"], "application/json"),
    ])
    func acceptChoosesTheForm(accept: [String], type: String) {
        #expect(RESTErrorBody.Form(AcceptedTypes(accept)).contentType == type)
    }

    @Test func textsAboutOurOwnConnectionsStayInside() {
        let inferred = RPCError(
            call: .unavailable, "connection to 10.0.0.7:7001 refused", executed: .no, origin: .local)
        #expect(!json(RESTFailure(inferred)).contains("10.0.0.7"))
        #expect(!json(RESTFailure(inferred), .problem).contains("10.0.0.7"))
    }

    @Test func refusalsOfHTTPHaveTheirOwnStatus() {
        #expect(RESTFailure.noSuchPath.status == .notFound)
        #expect(RESTFailure.malformedPath.status == .badRequest)
        let method = RESTFailure.methodNotAllowed(["GET", "HEAD"])
        #expect(method.status == .methodNotAllowed)
        #expect(method.headers[.allow] == "GET, HEAD")
        #expect(RESTFailure.bodyTooLarge(bytesMax: 5).status == .contentTooLarge)
        #expect(
            RESTFailure.unsupportedMediaType("PATCH").headers[HTTPField.Name("Accept-Patch")!]
                == "application/json")
        #expect(json(.bodyTooLarge(bytesMax: 5)).hasPrefix(#"{"code":8,"#))
    }

    @Test(arguments: [
        (StatusCode.cancelled, 499), (.unknown, 500), (.invalidArgument, 400), (.deadlineExceeded, 504),
        (.notFound, 404), (.alreadyExists, 409), (.permissionDenied, 403), (.resourceExhausted, 429),
        (.failedPrecondition, 400), (.aborted, 409), (.outOfRange, 400), (.unimplemented, 501),
        (.internal, 500), (.unavailable, 503), (.dataLoss, 500), (.unauthenticated, 401),
    ])
    func everyCodeHasItsStatus(code: StatusCode, status: Int) {
        let failure = RESTFailure(RPCError(code, "x"))
        #expect(failure.status.code == status)
        #expect(json(failure).hasPrefix(#"{"code":\#(code.rawValue),"message":"x""#))
    }
}
