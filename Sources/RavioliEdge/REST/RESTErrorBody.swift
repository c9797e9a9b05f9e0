// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
package import RavioliSchema

/// Errors as JSON: `google.rpc.Status`, or problem details (RFC 9457) for clients that ask for those.
package enum RESTErrorBody {
    static let problemType = "application/problem+json"

    /// How an error is written.
    package enum Form: Sendable {
        case status, problem

        /// What the client's `Accept` asks for: problem details where they are named and JSON is not wanted more.
        package init(_ accepted: AcceptedTypes) {
            let isNamed = accepted.name(problemType)
            self = isNamed ? .problem : .status
        }

        package var contentType: String {
            switch self {
            case .status: "application/json"
            case .problem: problemType
            }
        }
    }

    /// Prints a failure on one line. Texts of this end about its own connections are never printed.
    ///
    /// - Parameter types: where the types of details are looked up; those that are not found are printed as base64.
    package static func json(
        _ failure: RESTFailure, _ form: Form, requestID: String, types: DescriptorPool = DescriptorPool()
    ) -> String {
        let error = failure.error.forTheWorld
        switch form {
        case .status: return status(failure, error, requestID: requestID, types: types)
        case .problem: return problem(failure, error, requestID: requestID, types: types)
        }
    }

    // MARK: Forms

    private static func status(
        _ failure: RESTFailure, _ error: RPCError, requestID: String, types: DescriptorPool
    ) -> String {
        var details = error.details.compactMap { detail($0, types: types) }
        if !failure.violations.isEmpty {
            let type = "\"@type\":\"type.googleapis.com/google.rpc.BadRequest\""
            details.append("{\(type),\"fieldViolations\":\(violations(failure))}")
        }
        details.append(
            "{\"@type\":\"type.googleapis.com/google.rpc.RequestInfo\",\"requestId\":"
                + "\(JSONText.quoted(requestID))}")
        return "{\"code\":\(error.code.rawValue),\"message\":\(JSONText.quoted(error.message)),"
            + "\"details\":[\(details.joined(separator: ","))]}"
    }

    private static func problem(
        _ failure: RESTFailure, _ error: RPCError, requestID: String, types: DescriptorPool
    ) -> String {
        var members = [
            "\"type\":\"about:blank\"",
            "\"title\":\(JSONText.quoted(failure.status.reasonPhrase))",
            "\"status\":\(failure.status.code)",
            "\"detail\":\(JSONText.quoted(error.message))",
            "\"code\":\(JSONText.quoted(error.code.name))",
            "\"requestId\":\(JSONText.quoted(requestID))",
        ]
        if !failure.violations.isEmpty { members.append("\"fieldViolations\":\(violations(failure))") }
        let details = error.details.compactMap { detail($0, types: types) }
        if !details.isEmpty { members.append("\"details\":[\(details.joined(separator: ","))]") }
        return "{\(members.joined(separator: ","))}"
    }

    private static func violations(_ failure: RESTFailure) -> String {
        let items = failure.violations.map {
            "{\"field\":\(JSONText.quoted($0.field)),\"description\":\(JSONText.quoted($0.description))}"
        }
        return "[\(items.joined(separator: ","))]"
    }

    /// A detail as ProtoJSON shows an `Any`. The error must get out whatever its details are.
    private static func detail(_ detail: StatusDetail, types: DescriptorPool) -> String? {
        guard let type = GoogleProtobufAnySchema.file.message(named: "google.protobuf.Any") else {
            return nil
        }
        var wire = WireWriter()
        wire.blob(detail.typeURL.utf8, numbered: 1)
        wire.blob(detail.value, numbered: 2)
        var options = JSONEncodingOptions.defaults
        options.printsUnresolvedAnyAsBase64 = true
        options.types = types
        let json = try? JSONTranscoder.json(fromEncoded: wire.bytes, as: type, options: options)
        return json.map { String(decoding: $0, as: UTF8.self) }
    }
}
