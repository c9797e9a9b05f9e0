// SPDX-License-Identifier: Apache-2.0

import Foundation
import RavioliSchema
import SwiftProtobuf

/// One library that does one thing for some time, and a line of JSON about it.
struct PeerRun {
    private let options: [String: String]
    private let binary: [UInt8]
    private let json: [UInt8]

    struct UsageError: Error { var text: String }

    /// Messages between two looks at the clock.
    private static let batch = 64

    init(_ arguments: [String]) throws {
        var options: [String: String] = [:]
        for index in stride(from: 0, to: arguments.count - 1, by: 2) {
            options[arguments[index]] = arguments[index + 1]
        }
        self.options = options
        binary = try Self.contents(options["--binary"])
        json = try Self.contents(options["--json"])
    }

    private static func contents(_ path: String?) throws -> [UInt8] {
        guard let path, let data = FileManager.default.contents(atPath: path) else {
            throw UsageError(text: "cannot read \(path ?? "a file that is not named")")
        }
        return [UInt8](data)
    }

    func run() throws {
        switch (options["--library"], options["--message"]) {
        case ("ravioli", "order"): try ours(Order.self)
        case ("ravioli", "sample"): try ours(Sample.self)
        case ("swift-protobuf", "order"): try theirs(Ravioli_Benchmark_V1_Order.self)
        case ("swift-protobuf", "sample"): try theirs(Ravioli_Benchmark_V1_Sample.self)
        default: throw UsageError(text: "--library is ravioli or swift-protobuf, --message order or sample")
        }
    }

    @inline(__always)
    private func ours<Value: RavioliSchema.Message>(_: Value.Type) throws {
        let (binary, json) = (binary, json)
        let value = try Value(decoding: binary)
        guard try Value(jsonUTF8: json) == value else { throw UsageError(text: "the files differ") }
        switch options["--work"] {
        case "encode": try measure { keep(try value.encoded()) }
        case "decode": try measure { keep(try Value(decoding: binary)) }
        case "to-json": try measure { keep(try value.jsonUTF8Bytes()) }
        case "from-json": try measure { keep(try Value(jsonUTF8: json)) }
        default: throw Self.unknownWork
        }
    }

    @inline(__always)
    private func theirs<Value: SwiftProtobuf.Message & Equatable>(_: Value.Type) throws {
        let (binary, json) = (binary, json)
        let value = try Value(serializedBytes: binary)
        guard try Value(jsonUTF8Bytes: json) == value else { throw UsageError(text: "the files differ") }
        switch options["--work"] {
        case "encode": try measure { keep(try value.serializedBytes() as [UInt8]) }
        case "decode": try measure { keep(try Value(serializedBytes: binary)) }
        case "to-json": try measure { keep(try value.jsonUTF8Bytes() as [UInt8]) }
        case "from-json": try measure { keep(try Value(jsonUTF8Bytes: json)) }
        default: throw Self.unknownWork
        }
    }

    private static let unknownWork = UsageError(text: "--work is encode, decode, to-json or from-json")

    @inline(__always)
    private func measure(_ body: () throws -> Void) throws {
        _ = try spend(seconds("--warm-up") ?? 0, body)
        let calls = options["--calls"].flatMap { Int($0) }
        let (begun, used) = (clock(CLOCK_MONOTONIC), clock(CLOCK_PROCESS_CPUTIME_ID))
        var count = calls ?? 0
        if let calls {
            for _ in 0..<calls { try body() }
        } else {
            count = try spend(seconds("--seconds") ?? 1, body)
        }
        let (elapsed, cpu) = (clock(CLOCK_MONOTONIC) - begun, clock(CLOCK_PROCESS_CPUTIME_ID) - used)
        print("{\"calls\": \(count), \"seconds\": \(elapsed), \"cpu_seconds\": \(cpu), \"errors\": 0}")
    }

    /// Repeats `body` for some time and returns how often.
    @inline(__always)
    private func spend(_ seconds: Double, _ body: () throws -> Void) rethrows -> Int {
        let end = clock(CLOCK_MONOTONIC) + seconds
        var count = 0
        while clock(CLOCK_MONOTONIC) < end {
            for _ in 0..<Self.batch { try body() }
            count += Self.batch
        }
        return count
    }

    private func seconds(_ name: String) -> Double? { options[name].flatMap { Double($0) } }

    private func clock(_ id: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(id, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
