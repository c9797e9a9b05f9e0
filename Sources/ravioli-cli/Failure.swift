// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli
import RavioliSchema

/// Why a command failed, with its exit code. The table stands in `ravioli --help`.
enum Failure: Error {
    /// A call ended with an error.
    case call(RPCError)
    /// The request is no message of the method's type.
    case request(SchemaError)
    /// The file with the request cannot be read.
    case file(String)
    /// The command line is wrong in a way that only the server's schema shows.
    case usage(String)
    case other(String)

    var exitCode: Int32 {
        switch self {
        case .call(let error): 100 + Int32(error.code.rawValue)
        case .request: 65
        case .file: 66
        case .usage: 64
        case .other: 1
        }
    }

    /// For a person.
    func text(types: DescriptorPool) -> String {
        switch self {
        case .call(let error): Self.text(error, types: types)
        case .request(let error): "error: the request is not valid: \(error)"
        case .file(let text), .usage(let text), .other(let text): "error: \(text)"
        }
    }

    /// For a program: Connect's error JSON, with `executed` and `origin` beside it where a call was made.
    func json(types: DescriptorPool) -> String {
        switch self {
        case .call(let error): Self.json(error, types: types)
        case .request(let error):
            Self.json(RPCError(.invalidArgument, "\(error)", executed: .no), types: types)
        case .file(let text), .usage(let text), .other(let text):
            Self.json(RPCError(.unknown, text, executed: .no), types: types)
        }
    }

    private static func text(_ error: RPCError, types: DescriptorPool) -> String {
        var lines = ["error: \(error.code): \(error.message)"]
        lines.append(
            "executed: \(error.executed) (\(error.origin == .peer ? "the server says so" : "seen from here"))"
        )
        for detail in error.details {
            let json = StatusDetailText.json(detail, types: types)
            lines.append(
                "detail \(detail.typeName): " + (json.map(PrettyJSON.print) ?? "\(detail.value.count) bytes"))
        }
        return lines.joined(separator: "\n")
    }

    private static func json(_ error: RPCError, types: DescriptorPool) -> String {
        let details = error.details.map { detail in
            let debug = StatusDetailText.json(detail, types: types).map { ",\"debug\":\($0)" } ?? ""
            let value = Base64.encode(detail.value, padded: false)
            return "{\"type\":\(JSONText.quoted(String(detail.typeName))),\"value\":\"\(value)\"\(debug)}"
        }
        let message = JSONText.quoted(error.message)
        let origin = error.origin == .peer ? "peer" : "local"
        return PrettyJSON.print(
            "{\"code\":\"\(error.code)\",\"message\":\(message),\"details\":[\(details.joined(separator: ","))],"
                + "\"executed\":\"\(error.executed)\",\"origin\":\"\(origin)\"}")
    }
}

/// Error details in readable form.
enum StatusDetailText {
    /// Nil if the type is unknown or the bytes are broken.
    static func json(_ detail: StatusDetail, types: DescriptorPool) -> String? {
        guard let type = types.message(named: String(detail.typeName)) else { return nil }
        var options = JSONEncodingOptions.defaults
        options.printsUnresolvedAnyAsBase64 = true
        options.types = types
        let json = try? JSONTranscoder.json(fromEncoded: detail.value, as: type, options: options)
        return json.map { String(decoding: $0, as: UTF8.self) }
    }
}
