// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Foundation
import Ravioli
import Testing

@Suite(.timeLimit(.minutes(3)))
struct CallCommandTests {
    private let echo = "ravioli.test.v1.Desk/Echo"
    private let fail = "ravioli.test.v1.Desk/Fail"

    private func call(_ arguments: String..., input: String = "") async throws -> Command.Outcome {
        try await Command.run(atDesk: ["call", "@"] + arguments, input: input)
    }

    @Test func printsTheResponseAsReadableJSON() async throws {
        let outcome = try await call(echo, "-d", #"{"text": "a\"{b", "inner": {}}"#)
        #expect(outcome.status == 0)
        #expect(
            outcome.output.hasPrefix(
                """
                {
                  "request": {
                    "text": "a\\"{b",
                    "inner": {}
                  },
                  "remainingMilliseconds": "
                """))
        #expect(outcome.errors.isEmpty)
    }

    @Test func sendsAnEmptyMessageByDefault() async throws {
        #expect(try await call(echo).status == 0)
    }

    @Test func readsStandardInputAndFiles() async throws {
        #expect(try await call(echo, "-d", "-", input: #"{"text": "piped"}"#).output.contains("piped"))
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(#"{"text": "filed"}"#.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try await call(echo, "-d", "@\(file.path)").output.contains("filed"))
    }

    @Test func aFileThatIsMissingHasItsExitCode() async throws {
        let outcome = try await call(echo, "-d", "@/nowhere/at/all")
        #expect(outcome.status == 66)
        #expect(outcome.errors.contains("/nowhere/at/all"))
    }

    @Test func sendsMetadataAndShowsTheResponses() async throws {
        let outcome = try await call(echo, "-H", "X-Tenant: north", "-H", "trace-bin:AAE=", "-v")
        #expect(outcome.output.contains(#""x-tenant: north""#))
        #expect(outcome.output.contains(#""trace-bin: AAE=""#))
        #expect(outcome.errors.contains("x-reply: one\nx-reply: two\nx-reply-bin: /wAB\n"))
        #expect(outcome.errors.contains("took "))
    }

    @Test func errorsShowCodeMessageDetailsAndWhetherItRan() async throws {
        let outcome = try await call(fail, "-d", #"{"code": 5, "message": "no such car"}"#)
        #expect(outcome.status == 105)
        #expect(outcome.output.isEmpty)
        #expect(
            outcome.errors == """
                error: not_found: no such car
                executed: no (the server says so)
                detail ravioli.test.v1.Reason: {
                  "field": "code"
                }
                detail elsewhere.v1.Unknown: 2 bytes

                """)
    }

    @Test func errorsAreJSONOnRequest() async throws {
        let outcome = try await call(fail, "-d", #"{"code": 9, "message": "why"}"#, "--json")
        #expect(outcome.status == 109)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.errors.utf8)) as? [String: Any]
        #expect(object?["code"] as? String == "failed_precondition")
        #expect(object?["message"] as? String == "why")
        #expect(object?["executed"] as? String == "no")
        #expect(object?["origin"] as? String == "peer")
        let details = object?["details"] as? [[String: Any]]
        #expect(details?.first?["value"] as? String == "CgRjb2Rl")
    }

    @Test(arguments: [1, 3, 4, 8, 13, 16]) func everyStatusHasItsExitCode(number: Int32) async throws {
        #expect(try await call(fail, "-d", #"{"code": \#(number)}"#).status == 100 + number)
    }

    @Test func timeIsBounded() async throws {
        let outcome = try await call("ravioli.test.v1.Desk/Wait", "--timeout", "200ms")
        #expect(outcome.status == 104)
        #expect(outcome.errors.contains("deadline_exceeded"))
    }

    @Test func invalidJSONNamesLineAndColumn() async throws {
        let outcome = try await call(echo, "-d", "{\n  \"text\": 7\n}")
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("line 2, column 11"))
        #expect(outcome.errors.contains("text"))
    }

    @Test func unknownMethodsAndServicesHaveSuggestions() async throws {
        let method = try await call("ravioli.test.v1.Desk/Eco")
        #expect(method.status == 112)
        #expect(method.errors.contains("did you mean Echo?"))
        let service = try await call("ravioli.test.v1.Dsk/Echo")
        #expect(service.status == 112)
        #expect(service.errors.contains("did you mean ravioli.test.v1.Desk?"))
    }

    @Test func aDotInsteadOfTheSlashIsExplained() async throws {
        let outcome = try await call("ravioli.test.v1.Desk.Echo")
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("did you mean ravioli.test.v1.Desk/Echo?"))
    }

    @Test func streamsAreRefused() async throws {
        #expect(try await call("ravioli.test.v1.Desk/Watch").status == 112)
    }

    @Test(arguments: [["call", "nonsense", "a.B/C"], ["call"], ["frobnicate"], ["call", "h:1", "a.B/C", "--timeout", "soon"]])
    func wrongCommandLinesAreUsageErrors(arguments: [String]) async throws {
        let outcome = try await Command.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("Usage:"))
    }

    @Test func anAddressWithNobodyBehindItIsUnavailable() async throws {
        let outcome = try await Command.run(["call", "127.0.0.1:1", echo, "--timeout", "5s"])
        #expect(outcome.status == 114)
        #expect(outcome.errors.contains("127.0.0.1:1"))
    }

    @Test func reachesASocketFile() async throws {
        let path = "/tmp/ravioli-\(UUID().uuidString.prefix(8)).sock"
        let outcome = try await withServer([DeskServer()], on: .unix(path: path)) { _, _ in
            try await Command.run(["call", "unix:\(path)", echo, "-d", #"{"text": "by file"}"#])
        }
        #expect(outcome.output.contains("by file"))
    }
}
