// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// The documentation's table of codes, row by row, against what the edge sends in each protocol.
@Suite(.timeLimit(.minutes(2)))
struct StatusTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let grpc: Int
        let http: Int
        var testDescription: String { name }
    }

    static let rows: [Row] = {
        let page = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/RavioliEdge/Documentation.docc/RavioliEdge.md")
        let text = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
        return text.matches(of: #/`([a-z_]+)` \| (\d+) \| (\d+)/#).compactMap { match in
            guard let grpc = Int(match.2), let http = Int(match.3) else { return nil }
            return Row(name: String(match.1), grpc: grpc, http: http)
        }
    }()

    @Test func theTableHasEveryCode() {
        #expect(Set(Self.rows.map(\.name)) == Set(StatusCode.all.map(\.name)).subtracting(["ok"]))
        #expect(Self.rows.count == 16)
    }

    private func answer(_ type: String, _ request: LineRequest, isJSON: Bool) async throws -> TestResponse {
        let bytes = try isJSON ? Array(#"{"text":"why","code":\#(request.code)}"#.utf8) : request.encoded()
        let isEnveloped = type != "application/json"
        let body = isEnveloped ? [0, 0, 0, 0, UInt8(bytes.count)] + bytes : bytes
        let method = type.contains("connect") ? "Down" : "Unary"
        return try await TestEdge().answer(
            "/ravioli.test.v1.Line/\(method)", headers: [.contentType: type], bytes: body, isHTTP2: true)
    }

    @Test(arguments: rows) func everyProtocolSaysTheCode(row: Row) async throws {
        let request = LineRequest(text: "why", code: Int32(row.grpc))
        let connect = try await answer("application/json", request, isJSON: true)
        #expect(connect.status.code == row.http)
        #expect(connect.text.hasPrefix(#"{"code":"\#(row.name)","message":"why""#))

        let stream = try await answer("application/connect+json", request, isJSON: true)
        #expect(stream.status == .ok)
        #expect(stream.text.contains(#"{"error":{"code":"\#(row.name)","message":"why""#))

        let grpc = try await answer("application/grpc", request, isJSON: false)
        #expect(grpc.status == .ok)
        #expect(grpc.trailers?[HTTPField.Name("grpc-status")!] == "\(row.grpc)")

        let web = try await answer("application/grpc-web+proto", request, isJSON: false)
        #expect(web.status == .ok)
        #expect(web.text.contains("grpc-status: \(row.grpc)\r\ngrpc-message: why\r\n"))
    }
}
