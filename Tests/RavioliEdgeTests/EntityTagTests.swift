// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import Testing

@testable import RavioliEdge

@Suite(.timeLimit(.minutes(1)))
struct EntityTagTests {
    private static let list = "/v1/shelves/s/volumes?pageSize=200"
    private static let connect =
        "/ravioli.test.v1.Library/GetVolume?encoding=json&message=%7B%22name%22:%22a%22%7D"

    private func get(
        _ path: String, _ fields: HTTPFields = [:], method: HTTPRequest.Method = .get,
        _ change: (inout EdgeOptions) -> Void = { _ in }
    ) async throws -> TestResponse {
        try await TestEdge(services: [LibraryServer()], change)
            .answer(path, method: method, headers: fields, body: "")
    }

    private func tag(_ path: String, _ fields: HTTPFields = [:]) async throws -> String {
        try #require(try await get(path, fields).headers[.eTag])
    }

    @Test(arguments: [list, connect, "/openapi.json", "/"])
    func whoHasTheAnswerIsNotSentItAgain(path: String) async throws {
        let tag = try await tag(path)
        #expect(tag.hasPrefix("\"") && tag.utf8.count == 34)
        let again = try await get(path, [.ifNoneMatch: tag])
        #expect(again.status == .notModified && again.bytes.isEmpty)
        #expect(again.headers[.eTag] == tag)
        #expect(again.headers[.cacheControl] == "private, no-cache")
        #expect(again.headers[.vary] == "Accept, Accept-Encoding, Origin, Authorization")
        #expect(again.headers[.contentLength] == nil && again.headers[.contentType] == nil)
        let full = try await get(path, [.ifNoneMatch: "\"other\""])
        #expect(full.status == .ok && full.headers[.eTag] == tag)
        #expect(full.headers[.cacheControl] == "private, no-cache")
        #expect(full.headers[.vary] == again.headers[.vary])
    }

    @Test func eachCodingHasATagOfItsOwn() async throws {
        let plain = try await tag(Self.list)
        let gzip = try await get(Self.list, [.acceptEncoding: "gzip"])
        #expect(gzip.headers[.contentEncoding] == "gzip")
        #expect(gzip.headers[.eTag] != plain)
        let known = try #require(gzip.headers[.eTag])
        #expect(try await get(Self.list, [.ifNoneMatch: known]).status == .ok)
        let both = try await get(Self.list, [.ifNoneMatch: "\(plain), \(known)", .acceptEncoding: "gzip"])
        #expect(both.status == .notModified && both.headers[.eTag] == known)
        #expect(both.headers[.contentEncoding] == nil)
    }

    @Test func headIsLikeGet() async throws {
        let (get, head) = (try await get(Self.list), try await self.get(Self.list, method: .head))
        #expect(head.headers[.eTag] == get.headers[.eTag])
        #expect(head.headers[.contentLength] == get.headers[.contentLength] && head.bytes.isEmpty)
        let tag = try #require(get.headers[.eTag])
        #expect(try await self.get(Self.list, [.ifNoneMatch: tag], method: .head).status == .notModified)
        #expect(try await self.get(Self.list, [.ifMatch: "\"x\""], method: .head).status.code == 412)
    }

    @Test func aConditionThatDoesNotHoldIs412InTheFormOfTheRequest() async throws {
        let rest = try await get(Self.list, [.ifMatch: "\"other\""])
        #expect(rest.status.code == 412)
        #expect(
            rest.text.hasPrefix(#"{"code":9,"message":"the answer has another ETag than If-Match names""#))
        let connect = try await get(Self.connect, [.ifMatch: "W/\(try await tag(Self.connect))"])
        #expect(connect.status.code == 412)
        #expect(connect.text.hasPrefix(#"{"code":"failed_precondition""#))
        #expect(try await get(Self.list, [.ifMatch: "*"]).status == .ok)
        #expect(try await get(Self.list, [.ifMatch: try await tag(Self.list)]).status == .ok)
        // If-Match comes first.
        let tag = try await tag(Self.list)
        #expect(try await get(Self.list, [.ifMatch: "\"x\"", .ifNoneMatch: tag]).status.code == 412)
        #expect(try await get(Self.list, [.ifMatch: tag, .ifNoneMatch: tag]).status == .notModified)
    }

    @Test func errorsAndCallsHaveNoTag() async throws {
        let gone = try await get("/v1/volumes/volumes%2Fnone", [.ifNoneMatch: "*", .ifMatch: "\"x\""])
        #expect(gone.status == .notFound && gone.headers[.eTag] == nil)
        #expect(gone.headers[.cacheControl] == "no-store")
        let call = try await TestEdge(services: [LibraryServer()]).answer(
            "/ravioli.test.v1.Library/GetVolume",
            headers: [.contentType: "application/json", .ifNoneMatch: "*"])
        #expect(call.status == .ok && call.headers[.eTag] == nil && call.headers[.cacheControl] == "no-store")
        let stream = try await get("/v1/shelves/s:watch", [.ifNoneMatch: "*"])
        #expect(stream.status == .ok && stream.headers[.eTag] == nil)
    }

    @Test func withoutTagsNothingIsKept() async throws {
        let answer = try await get(Self.list, [.ifNoneMatch: "*"]) { $0.etags = false }
        #expect(answer.status == .ok && answer.headers[.eTag] == nil)
        #expect(answer.headers[.cacheControl] == "no-store")
    }

    // MARK: Lists

    static let lists: [(values: [String], strong: Bool?, weak: Bool?)] = [
        ([], nil, nil), (["*"], true, true), ([" * "], true, true), (["\"TAG\""], true, true),
        (["W/\"TAG\""], false, true), (["\"a,\", \"TAG\""], true, true), (["\"a\"", "\"TAG\""], true, true),
        ([",,\"TAG\" ,"], true, true), (["\"a\",W/\"TAG\""], false, true), (["\"b\""], false, false),
        (["TAG"], nil, nil), (["\"TAG"], nil, nil), (["w/\"TAG\""], nil, nil), (["\"TAG\" \"b\""], nil, nil),
        (["*, \"TAG\""], nil, nil), ([""], false, false), (["\"\""], false, false),
    ]

    @Test(arguments: lists.indices) func listsNameTags(index: Int) {
        let row = Self.lists[index]
        let tag = EntityTag(ByteBuffer(string: "body"))
        let list = EntityTag.List(row.values.map { $0.replacing("TAG", with: tag.text) })
        #expect(list?.names(tag, weakly: false) == row.strong)
        #expect(list?.names(tag, weakly: true) == row.weak)
    }
}
