// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// Connect's error JSON: `{"code": …, "message": …, "details": […]}`.
package enum ConnectErrorBody {
    /// Prints an error.
    ///
    /// - Parameter types: Where the types of its details are looked up, so that people can read them.
    package static func json(_ error: RPCError, types: DescriptorPool) -> String {
        var members = ["\"code\":\(JSONText.quoted(error.code.name))"]
        if !error.message.isEmpty { members.append("\"message\":\(JSONText.quoted(error.message))") }
        if !error.details.isEmpty {
            members.append(
                "\"details\":[\(error.details.map { detail($0, types: types) }.joined(separator: ","))]")
        }
        return "{\(members.joined(separator: ","))}"
    }

    private static func detail(_ detail: StatusDetail, types: DescriptorPool) -> String {
        let type = String(detail.typeName)
        var members = ["\"type\":\(JSONText.quoted(type))"]
        members.append("\"value\":\"\(Base64.encode(detail.value, padded: false))\"")
        if let debug = debug(detail, type: type, types: types) { members.append("\"debug\":\(debug)") }
        return "{\(members.joined(separator: ","))}"
    }

    /// The detail in readable form, left out where its type is not known or its bytes are broken: the error itself
    /// must get out whatever its details are.
    private static func debug(_ detail: StatusDetail, type: String, types: DescriptorPool) -> String? {
        guard let descriptor = types.message(named: type) else { return nil }
        var options = JSONEncodingOptions.defaults
        options.printsUnresolvedAnyAsBase64 = true
        options.types = types
        let json = try? JSONTranscoder.json(fromEncoded: detail.value, as: descriptor, options: options)
        return json.map { String(decoding: $0, as: UTF8.self) }
    }
}
