// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import HTTPTypes
import NIOCore
import Ravioli
import RavioliSchema
import Testing

@testable import RavioliEdge

/// Plans behind the edge's door: paths, parameters, metadata, time, errors.
@Suite(.timeLimit(.minutes(1)))
struct PlanServingTests {
    static let yaml = """
        plans:
          CarPage:
            description: What the page of one car shows. And more.
            get: /v1/pages/cars/{id}
            parameters:
              id: { description: Which car. }
              limit: { type: int32, default: 2 }
              extras: { type: bool, required: false }
            steps:
              car:
                call: ravioli.test.v1.Garage/GetCar
                request: { id: $id }
              similar:
                call: ravioli.test.v1.Garage/ListCars
                request: { maker: $car.maker, limit: $limit }
                required: false
              prices:
                call: ravioli.test.v1.Garage/Price
                request: { ids: $similar.cars.id }
                required: false
              more:
                call: ravioli.test.v1.Garage/ListCars
                request: { maker: more, limit: 1 }
                when: $extras
            response:
              id: $car.id
              seen: $car.tags
              time: $car.year
              similar: $similar.cars.id
              total: $prices.total
              more: $more.cars.id
          Search:
            post: /v1/pages:search
            parameters: { ids: { repeated: true }, note: { default: none } }
            steps:
              prices: { call: ravioli.test.v1.Garage/Price, request: { ids: $ids } }
            response: { total: $prices.total, note: $note }
        """

    private let garage = GarageServer()

    private func edge(
        _ yaml: String = Self.yaml, _ change: (inout EdgeOptions) -> Void = { _ in }
    ) throws -> TestEdge {
        try TestEdge(services: [garage, LibraryServer()]) { options in
            options.plans.files = [.init(name: "pages.yaml", yaml: yaml)]
            options.plans.timeout = .seconds(20)
            change(&options)
        }
    }

    private func get(
        _ path: String, _ method: HTTPRequest.Method = .get, _ headers: HTTPFields = [:], body: String = "",
        edge: TestEdge? = nil
    ) async throws -> TestResponse {
        try await (edge ?? self.edge()).answer(path, method: method, headers: headers, body: body)
    }

    // MARK: Requests

    @Test func aPageIsAnswered() async throws {
        let answer = try await get("/v1/pages/cars/a%201?limit=3")
        #expect(answer.status == .ok && answer.headers[.contentType] == "application/json")
        #expect(answer.text.hasPrefix(#"{"id":"a 1","seen":["x-request-id="#))
        #expect(answer.text.hasSuffix(#""similar":["c0","c1","c2"],"total":4.5,"more":null,"errors":[]}"#))
        #expect(try await get("/v1/pages/cars/a?extras=true").text.contains(#""more":["c0"]"#))
    }

    @Test func headOptionsAndOtherMethodsAreAnsweredAsForAnyPath() async throws {
        let head = try await get("/v1/pages/cars/a", .head)
        #expect(head.status == .ok && head.bytes.isEmpty && head.headers[.contentLength] != nil)
        let options = try await get("/v1/pages/cars/a", .options)
        #expect(options.status == .noContent && options.headers[.allow] == "GET, HEAD")
        let post = try await get("/v1/pages/cars/a", .post, [.contentType: "application/json"], body: "{}")
        #expect(post.status == .methodNotAllowed && post.headers[.allow] == "GET, HEAD")
        let search = try await get("/v1/pages:search")
        #expect(search.status == .methodNotAllowed && search.headers[.allow] == "POST")
        #expect(try await get("/v1/pages/cars").status == .notFound)
        #expect(try await get("/v1/pages/cars/a/").status == .notFound)
        #expect(try await get("/v1/pages/cars/a%").status == .badRequest)
    }

    @Test func parametersComeFromABodyToo() async throws {
        let json: HTTPFields = [.contentType: "application/json"]
        let answer = try await get("/v1/pages:search", .post, json, body: #"{"ids":["a","b"]}"#)
        #expect(answer.text == #"{"total":3,"note":"none","errors":[]}"#)
        let packed = Gzip.deflate(ByteBuffer(string: #"{"ids":["a"],"note":"n"}"#))
        var headers = json
        headers[.contentEncoding] = "gzip"
        let inflated = try await edge().answer(
            "/v1/pages:search", method: .post, headers: headers, bytes: Array(packed.readableBytesView))
        #expect(inflated.text == #"{"total":1.5,"note":"n","errors":[]}"#)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/v1/pages/cars/a?limit=x", "", 400, "limit: must be a 32-bit integer"),
        (.get, "/v1/pages/cars/a?limit=1&limit=2", "", 400, "limit: is given twice and takes one value"),
        (.get, "/v1/pages/cars/a?size=1", "", 400, "size: there is no such query parameter"),
        (.get, "/v1/pages/cars/a?id=b", "", 400, "id: is given by the path"),
        (.get, "/v1/pages/cars/a?limit=%", "", 400, "the query has a broken escape"),
        (.get, "/v1/pages/cars/a", "{}", 400, "this path takes no body"),
        (.post, "/v1/pages:search", #"{"note":"n"}"#, 400, "ids: is missing"),
        (.post, "/v1/pages:search", "", 400, "ids: is missing"),
        (.post, "/v1/pages:search", #"{"ids":7}"#, 400, "ids"),
        (.post, "/v1/pages:search", #"{"ids":["a"],"ids":["b"]}"#, 400, "ids"),
        (.post, "/v1/pages:search", #"{"ids":["a"],"other":1}"#, 400, "other"),
        (.post, "/v1/pages:search?note=x", #"{"ids":["a"]}"#, 400, "there are no query parameters"),
    ])
    func aParameterThatIsWrongIsNamed(
        method: HTTPRequest.Method, path: String, body: String, status: Int, text: String
    ) async throws {
        let headers: HTTPFields = body.isEmpty ? [:] : [.contentType: "application/json"]
        let answer = try await get(path, method, headers, body: body)
        #expect(answer.status.code == status && answer.text.contains(text), "\(answer.text)")
        #expect(answer.text.hasPrefix(#"{"code":3,"#))
    }

    @Test func otherTypesAreRefused() async throws {
        let type = try await get("/v1/pages:search", .post, [.contentType: "text/plain"], body: "{}")
        #expect(type.status == .unsupportedMediaType && type.headers[.acceptPost] == "application/json")
        #expect(try await get("/v1/pages/cars/a", .get, [.accept: "image/png"]).status == .notAcceptable)
        let large = try edge { $0.limits.messageBytesMax = 1024 }
        let body = #"{"note":"\#(String(repeating: "x", count: 2000))"}"#
        let refused = try await get(
            "/v1/pages:search", .post, [.contentType: "application/json"], body: body, edge: large)
        #expect(refused.status == .contentTooLarge)
    }

    // MARK: Calls

    @Test func allowedHeadersAndTheRequestsIDGoAlong() async throws {
        let headers: HTTPFields = [
            HTTPField.Name("X-Request-Id")!: "r-7", HTTPField.Name("X-Tenant")!: "t", .cookie: "secret",
            .authorization: "Bearer secret",
        ]
        let answer = try await get("/v1/pages/cars/a", .get, headers)
        #expect(answer.text.contains(#""seen":["x-request-id=r-7","x-tenant=t"]"#), "\(answer.text)")
        #expect(answer.headers[HTTPField.Name("X-Request-Id")!] == "r-7")
    }

    private struct Knowing: DoorGuard {
        func look(at visit: inout Visit) async -> GuardVerdict {
            visit.verified.add("x-user", "ada")
            return .pass([HTTPField.Name("X-Seen")!: "yes"])
        }
    }

    @Test func whatGuardsVerifiedGoesAlongAndTheClientCannotSayIt() async throws {
        var options = EdgeOptions.defaults
        options.requestHeaders = HeaderRules(["x-*"])
        options.plans.files = [.init(name: "pages.yaml", yaml: Self.yaml)]
        options.plans.timeout = .seconds(20)
        let upstream = Upstream(name: "garage", channel: InProcessChannel([garage]))
        let edge = try Edge([upstream], options: options, guards: [Knowing()], logger: .quiet)
        await edge.refresh()
        let headers: HTTPFields = [HTTPField.Name("X-User")!: "root", HTTPField.Name("X-Request-Id")!: "r"]
        let answer = await edge.answer("/v1/pages/cars/a", method: .get, headers: headers, bytes: [])
        #expect(answer.text.contains(#""seen":["x-request-id=r","x-user=ada"]"#), "\(answer.text)")
        #expect(answer.headers[HTTPField.Name("X-Seen")!] == "yes")
    }

    @Test(arguments: [(nil, 1, 15_000), ("8", 1, 8_000), ("600", 15_001, 20_000)])
    func theTimeIsTheClientsAndThePlansWhicheverIsLess(given: String?, from: Double, to: Double) async throws
    {
        var headers = HTTPFields()
        headers[HTTPField.Name("X-Server-Timeout")!] = given
        let answer = try await get("/v1/pages/cars/a", .get, headers)
        let time = try #require(answer.text.firstMatch(of: /"time":(\d+)/)?.output.1)
        #expect((from...to).contains(Double(time) ?? 0), "\(time)")
        headers[HTTPField.Name("X-Server-Timeout")!] = "soon"
        #expect(try await get("/v1/pages/cars/a", .get, headers).status == .badRequest)
    }

    @Test func timeThatIsUpIs504() async throws {
        let answer = try await get("/v1/pages/cars/slow", .get, [HTTPField.Name("X-Server-Timeout")!: "0.05"])
        #expect(answer.status == .gatewayTimeout)
        #expect(answer.text.hasPrefix(#"{"code":4,"message":"the deadline passed","details":["#))
    }

    /// A tenth of a second is kept for the answer; a machine that is busy may once need longer, but not each time.
    @Test func whatTakesTooLongIsMissingInAnAnswerThatStillComesInTime() async throws {
        var answer = TestResponse()
        for _ in 0..<5 where answer.status != .ok || answer.text.isEmpty {
            answer = try await get("/v1/pages/cars/stuck", .get, [HTTPField.Name("X-Server-Timeout")!: "2"])
        }
        #expect(answer.status == .ok, "\(answer.text)")
        #expect(
            answer.text.contains(
                #""errors":[{"step":"similar","code":"deadline_exceeded","message":"the deadline passed"},"#))
    }

    @Test func aClientThatHasGoneCancelsTheCalls() async throws {
        let edge = try edge().server.edge
        await edge.refresh()
        let asking = Task {
            await edge.answer("/v1/pages/cars/slow", method: .get, headers: [:], bytes: [])
        }
        for await _ in garage.slowBegan { break }
        asking.cancel()
        for await _ in garage.slowEnded { break }
        _ = await asking.value
    }

    // MARK: Errors

    @Test func whatIsMissingIsListedAndTheRestIsThere() async throws {
        let answer = try await get("/v1/pages/cars/odd")
        #expect(answer.status == .ok)
        #expect(
            answer.text.hasSuffix(
                #""similar":null,"total":null,"more":null,"errors":["#
                    + #"{"step":"similar","code":"unavailable","message":"the garage is closed"},"#
                    + #"{"step":"prices","code":"unavailable","message":"it needs similar, which is missing"}]}"#
            ),
            "\(answer.text)")
    }

    @Test func aRequiredStepsErrorIsTheAnswersInTheFormThatIsAccepted() async throws {
        let status = try await get("/v1/pages/cars/none")
        #expect(status.status == .notFound && status.headers[.contentType] == "application/json")
        #expect(status.text.hasPrefix(#"{"code":5,"message":"no such car","details":["#))
        let problem = try await get("/v1/pages/cars/none", .get, [.accept: "application/problem+json"])
        #expect(problem.headers[.contentType] == "application/problem+json")
        #expect(problem.text.contains(#""detail":"no such car","code":"not_found""#))
    }

    @Test func theLogSaysWhatBecameOfEachStepOfARequest() async throws {
        let log = KeptLog()
        var options = EdgeOptions.defaults
        options.plans.files = [.init(name: "pages.yaml", yaml: Self.yaml)]
        options.plans.timeout = .seconds(20)
        let upstream = Upstream(name: "garage", channel: InProcessChannel([garage]))
        let edge = try Edge([upstream], options: options, logger: log.logger)
        await edge.refresh()
        let headers: HTTPFields = [HTTPField.Name("X-Request-Id")!: "r-8"]
        _ = await edge.answer("/v1/pages/cars/odd", method: .get, headers: headers, bytes: [])
        #expect(
            log.text.contains(
                /plan run plan=CarPage request=r-8 steps=car=ok\/\d+us similar=unavailable\/\d+us prices=unavailable more=skipped/
            ), "\(log.text)")
    }

    @Test func longAnswersAreCompressedForThoseWhoAccept() async throws {
        let answer = try await get("/v1/pages/cars/a?limit=400", .get, [.acceptEncoding: "gzip"])
        #expect(
            answer.headers[.contentEncoding] == "gzip"
                && answer.headers[.vary]?.contains("Accept-Encoding") == true)
        let text = String(buffer: try Gzip.inflate(answer.body, upTo: 1 << 20))
        #expect(text.contains("\"c99\""))
    }
}
