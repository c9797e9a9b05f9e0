// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `Scripts/demo`, as its users run it, with the executables that were built for the tests.
@Suite(.serialized, .blocking, .timeLimit(.minutes(5)))
struct DemoTests {
    @Test func whatItPrintsWorksWhenPasted() throws {
        try withDemo { demo in
            let start = try demo.start()
            try #require(start.status == 0, "\(start.text)")
            let lines = start.text.split(separator: "\n").filter { $0.hasPrefix("curl ") }
            #expect(lines.count == 4)
            let answers = [
                #""vehicles":["#, #""make":"Volvo""#, #""comparableCount":"#, #""errors":["#,
            ]
            for (line, answer) in zip(lines, answers) {
                let result = try run("bash", ["-c", String(line)])
                #expect(result.status == 0 && result.text.contains(answer), "\(line)\n\(result.text)")
            }

            let status = try demo.does("--status")
            #expect(status.status == 0 && status.text.matches(of: /running/).count == 3, "\(status.text)")
            let processes = try demo.processes()
            #expect(Set(processes.values).count == 3)
            let stop = try demo.does("--stop")
            #expect(stop.status == 0 && !stop.text.contains("killing"), "\(stop.text)")
            #expect(processes.values.allSatisfy { !isRunning($0) })
            #expect(try demo.does("--status").status == 1)
            #expect(try demo.does("--stop").text.contains("nothing is running"))
        }
    }

    @Test func acknowledgedDataSurvivesAKill() throws {
        try withDemo { demo in
            try #require(try demo.start().status == 0)
            let found = try demo.call("catalog", "SearchVehicles", #"{"pageSize": 1}"#)
            let vin = try #require(found.text.firstMatch(of: /"vin": "(\w{17})"/)?.output.1)
            let reservation = #"{"vin": "\#(vin)", "expectedVersion": "1", "holder": "ada"}"#
            let held = try demo.ask("catalog", "ReserveVehicle", reservation)
            try #require(held.text.contains(#""holder":"ada""#), "\(held.text)")
            let order = #"{"requestId": "r1", "vin": "\#(vin)", "customer": "ada"}"#
            let quote = try demo.call("pricing", "CreateQuote", order)
            try #require(quote.status == 0, "\(quote.text)")

            let catalog = try #require(try demo.processes()["catalog"])
            kill(catalog, SIGKILL)
            try #require(has(ended: catalog))
            let status = try demo.does("--status")
            #expect(status.status == 1 && status.text.contains(/catalog +stopped/), "\(status.text)")
            #expect(
                try demo.ask("catalog", "GetVehicle", #"{"vin": "\#(vin)"}"#).text.contains(#""unavailable""#)
            )

            #expect(try demo.does("--stop").status == 0)
            let again = try demo.start()
            try #require(again.status == 0, "\(again.text)")
            let vehicle = try demo.call("catalog", "GetVehicle", #"{"vin": "\#(vin)"}"#)
            #expect(vehicle.text.contains(#""holder": "ada""#) && vehicle.text.contains(#""version": "2""#))
            #expect(try demo.call("pricing", "CreateQuote", order).text == quote.text)
        }
    }

    @Test func controlCStopsEverything() throws {
        try withDemo { demo in
            let program = try Program("Scripts/demo", demo.options)
            try #require(program.says("Ctrl-C stops everything"), "\(program.text)")
            let processes = try demo.processes()
            #expect(processes.count == 3 && processes.values.allSatisfy(isRunning))
            let second = try demo.start()
            #expect(second.status == 1 && second.text.contains("running already"), "\(second.text)")
            program.interrupt()
            #expect(program.end() == 130, "\(program.text)")
            #expect(processes.values.allSatisfy { !isRunning($0) })
        }
    }

    @Test func takenPortIsExplained() throws {
        try withDemo { demo in
            try #require(try demo.start().status == 0)
            let port = try demo.port(of: "edge")
            let other = try run(
                "Scripts/demo", demo.options + ["--folder", demo.folder.path + "/other", "--port", port])
            let edge = try #require(try demo.processes()["edge"])
            #expect(
                other.status == 1 && other.text.contains("port \(port) is taken by process \(edge)"),
                "\(other.text)")
        }
    }

    @Test func failedStartShowsTheLogAndLeavesNothing() throws {
        try withDemo { demo in
            try Data("no database".utf8).write(to: demo.folder.appending(path: "pricing.sqlite"))
            let start = try demo.start()
            #expect(start.status == 1 && start.text.contains("pricing has ended"), "\(start.text)")
            #expect(start.text.contains("cannot open the database"), "\(start.text)")
            #expect(!(try demo.does("--status").text.contains("running")))
        }
    }

    @Test(arguments: [["--port"], ["--port", "http"], ["--port", "65536"], ["--gone"]])
    func wrongOptionsAreRefused(options: [String]) throws {
        #expect(try run("Scripts/demo", options).status != 0)
    }
}

/// A demo in a folder of its own, on free ports, with a small stock.
struct Demo {
    let folder: URL

    var options: [String] {
        [
            "--products", buildFolder.path, "--folder", folder.path, "--port", "0", "--catalog-port", "0",
            "--pricing-port", "0", "--vehicles", "1000",
        ]
    }

    func start() throws -> (status: Int32, text: String) {
        try run("Scripts/demo", ["--detach"] + options)
    }

    /// Runs one of the actions that concern what was started.
    func does(_ action: String) throws -> (status: Int32, text: String) {
        try run("Scripts/demo", [action, "--folder", folder.path])
    }

    /// Calls a method through the edge.
    func ask(_ service: String, _ method: String, _ request: String) throws -> (status: Int32, text: String) {
        let url = "http://127.0.0.1:\(try port(of: "edge"))/\(fullName(service))/\(method)"
        return try run("curl", ["-sS", url, "-H", "Content-Type: application/json", "-d", request])
    }

    /// Calls a method by the command line.
    func call(_ service: String, _ method: String, _ request: String) throws -> (status: Int32, text: String)
    {
        let address = "127.0.0.1:\(try port(of: service))"
        return try run(
            buildFolder.path + "/ravioli", ["call", address, "\(fullName(service))/\(method)", "-d", request])
    }

    private func fullName(_ service: String) -> String { "showroom.\(service).v1.\(service.capitalized)" }

    func port(of name: String) throws -> String {
        let status = try does("--status").text
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name) })
        return String(try #require(line.firstMatch(of: /port (\d+)/)).output.1)
    }

    /// The processes that were started, by name.
    func processes() throws -> [String: pid_t] {
        let names = ["catalog", "pricing", "edge"].filter {
            FileManager.default.fileExists(atPath: folder.appending(path: "\($0).pid").path)
        }
        return try Dictionary(
            uniqueKeysWithValues: names.map { name in
                let note = try String(contentsOf: folder.appending(path: "\(name).pid"), encoding: .utf8)
                return (name, try #require(note.split(separator: " ").first.flatMap { pid_t($0) }))
            })
    }
}

/// Runs `body` with a demo that was not started yet; stops what it has started.
func withDemo(_ body: (Demo) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "demo-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    let demo = Demo(folder: folder)
    defer {
        _ = try? demo.does("--stop")
        try? FileManager.default.removeItem(at: folder)
    }
    try body(demo)
}

/// Whether a process runs; its remains, which nobody has asked for yet, do not.
func isRunning(_ process: pid_t) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
        return false
    }
    return text.split(separator: ")").last?.hasPrefix(" Z") == false
}

/// Waits for the end of a process that is not our child, at most 30 seconds.
func has(ended process: pid_t) -> Bool {
    let end = ContinuousClock.now + .seconds(30)
    while isRunning(process) {
        if ContinuousClock.now > end { return false }
        sched_yield()
    }
    return true
}
