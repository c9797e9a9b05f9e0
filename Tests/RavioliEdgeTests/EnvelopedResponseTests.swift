// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import RavioliEdge
import RavioliSchema
import Testing

/// What goes back in the protocols with envelopes, byte by byte.
struct EnvelopedResponseTests {
    private let trailing: ResponseMetadata.Fields = [
        (HTTPField.Name("X-A")!, "1"), (HTTPField.Name("x-b-bin")!, "/wA"), (HTTPField.Name("x-a")!, "2"),
    ]

    private func response(_ type: String, _ coding: ContentCoding = .identity) throws -> EnvelopedResponse {
        EnvelopedResponse(try #require(RPCContentType(type)), coding: coding)
    }

    private func end(
        _ type: String, _ error: RPCError? = nil, trailing: ResponseMetadata.Fields = []
    ) throws -> ResponsePart {
        try response(type).end(error, trailing: trailing, types: DescriptorPool())
    }

    private let failure = RPCError(
        .notFound, "no \u{e9} 100%\n",
        details: [StatusDetail(typeURL: "type.googleapis.com/a.B", value: [1, 2, 3])])

    // MARK: Connect

    @Test func connectEndsWithAnObject() throws {
        let end = try end("application/connect+json")
        #expect(end.isLast && end.trailers == nil)
        #expect(end.body == ByteBuffer(bytes: [2, 0, 0, 0, 2] + Array("{}".utf8)))
    }

    @Test func connectEndsWithErrorAndMetadata() throws {
        let body = try #require(try end("application/connect+proto", failure, trailing: trailing).body)
        let json =
            #"{"error":{"code":"not_found","message":"no é 100%\n","details":[{"type":"a.B","value":"AQID"}]},"#
            + #""metadata":{"x-a":["1","2"],"x-b-bin":["/wA"]}}"#
        #expect(Array(body.readableBytesView) == [2, 0, 0, 0, UInt8(json.utf8.count)] + Array(json.utf8))
    }

    @Test func connectAnnouncesItsCompression() throws {
        let head = try response("application/connect+json", .gzip).head(
            ResponseMetadata([:], rules: HeaderRules([])))
        #expect(head.status == .ok)
        #expect(head.headerFields[.contentType] == "application/connect+json")
        #expect(head.headerFields[HTTPField.Name("connect-content-encoding")!] == "gzip")
    }

    // MARK: gRPC

    @Test func grpcEndsWithTrailers() throws {
        let end = try end("application/grpc", trailing: trailing)
        #expect(end.body == nil && end.isLast)
        let fields = end.trailers?.map { "\($0.name.canonicalName): \($0.value)" }
        #expect(fields == ["grpc-status: 0", "x-a: 1", "x-b-bin: /wA", "x-a: 2"])
    }

    @Test func grpcErrorsArePercentEncodedWithDetails() throws {
        let trailers = try #require(try end("application/grpc+proto", failure).trailers)
        #expect(trailers[HTTPField.Name("grpc-status")!] == "5")
        #expect(trailers[HTTPField.Name("grpc-message")!] == "no %C3%A9 100%25%0A")
        let details = try #require(trailers[HTTPField.Name("grpc-status-details-bin")!])
        // google.rpc.Status: code 5, the message, and one Any.
        let message = Array(failure.message.utf8)
        let any: [UInt8] = [0x0a, 23] + Array("type.googleapis.com/a.B".utf8) + [0x12, 3, 1, 2, 3]
        let status: [UInt8] =
            [0x08, 5, 0x12, UInt8(message.count)] + message + [0x1a, UInt8(any.count)] + any
        #expect(Base64.decode(details) == status)
        #expect(!details.contains("="))
    }

    @Test func grpcAnnouncesWhatItReads() throws {
        let head = try response("application/grpc+json", .gzip).head(
            ResponseMetadata([:], rules: HeaderRules([])))
        #expect(head.headerFields[.contentType] == "application/grpc+json")
        #expect(head.headerFields[HTTPField.Name("grpc-encoding")!] == "gzip")
        #expect(head.headerFields[HTTPField.Name("grpc-accept-encoding")!] == "gzip, identity")
    }

    // MARK: gRPC-Web

    @Test func grpcWebEndsWithAFrameOfTrailers() throws {
        let end = try end("application/grpc-web+proto", trailing: trailing)
        let block = "grpc-status: 0\r\nx-a: 1\r\nx-b-bin: /wA\r\nx-a: 2\r\n"
        #expect(end.trailers == nil)
        #expect(end.body == ByteBuffer(bytes: [0x80, 0, 0, 0, UInt8(block.utf8.count)] + Array(block.utf8)))
    }

    @Test func grpcWebTextIsBase64() throws {
        let response = try response("application/grpc-web-text")
        #expect(response.message(ByteBuffer(bytes: [8, 1])) == ByteBuffer(string: "AAAAAAIIAQ=="))
        let end = try #require(try end("application/grpc-web-text").body)
        let frame: [UInt8] = [0x80, 0, 0, 0, 16] + Array("grpc-status: 0\r\n".utf8)
        #expect(String(buffer: end) == Base64.encode(frame))
    }

    // MARK: Metadata

    @Test func partsWhatGoesAheadFromWhatFollows() {
        let metadata: Metadata = [
            "x-a": "1", "trailer-x-b": "2", "internal": "3", "trailer-internal": "4",
            "trailer-grpc-status": "0",
        ]
        let parted = ResponseMetadata(metadata, rules: HeaderRules(["x-*", "grpc-*"]))
        #expect(parted.leading.map { "\($0.name.canonicalName)=\($0.value)" } == ["x-a=1"])
        #expect(parted.trailing.map { "\($0.name.canonicalName)=\($0.value)" } == ["x-b=2"])
    }

    @Test(arguments: [
        ("", ""), ("plain ~", "plain ~"), ("%", "%25"), ("\u{7f}\t", "%7F%09"), ("ä", "%C3%A4"),
    ])
    func statusMessagesAreEscaped(text: String, escaped: String) {
        #expect(PercentEncoding.statusMessage(text) == escaped)
    }
}
