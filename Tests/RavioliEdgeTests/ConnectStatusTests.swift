// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Ravioli
import RavioliEdge
import Testing

/// Row by row, as Connect's specification prints them.
struct ConnectStatusTests {
    static let statuses: [(String, Int)] = [
        ("canceled", 499), ("unknown", 500), ("invalid_argument", 400), ("deadline_exceeded", 504), ("not_found", 404),
        ("already_exists", 409), ("permission_denied", 403), ("resource_exhausted", 429), ("failed_precondition", 400),
        ("aborted", 409), ("out_of_range", 400), ("unimplemented", 501), ("internal", 500), ("unavailable", 503),
        ("data_loss", 500), ("unauthenticated", 401), ("ok", 200),
    ]

    @Test(arguments: statuses) func codeHasItsHTTPStatus(name: String, status: Int) throws {
        #expect(try #require(StatusCode(name: name)).httpStatus.code == status)
    }

    @Test func everyCodeIsInTheTable() {
        #expect(Set(Self.statuses.map(\.0)) == Set(StatusCode.all.map(\.name)))
    }

    static let inferred: [(Int, String)] = [
        (400, "internal"), (401, "unauthenticated"), (403, "permission_denied"), (404, "unimplemented"),
        (429, "unavailable"), (502, "unavailable"), (503, "unavailable"), (504, "unavailable"), (405, "unknown"),
        (415, "unknown"), (500, "unknown"), (418, "unknown"),
    ]

    @Test(arguments: inferred) func statusWithoutABodyHasItsCode(status: Int, name: String) {
        #expect(StatusCode(httpStatus: status).name == name)
    }
}
