// SPDX-License-Identifier: Apache-2.0

// The codec beside swift-protobuf on the same messages, its guard on. Without --library both are timed in turn within each
// round; quote the ratios, because other processes share the machine. With it, one library does one thing, as
// `Benchmarks/run` has every peer do it: see Benchmarks/Peers/README.md.
//
//     swift run -c release --package-path Benchmarks --scratch-path .build-release CodecBenchmark [rounds]

@main
struct CodecBenchmark {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--library") { return try PeerRun(arguments).run() }
        try Comparison.run(rounds: arguments.compactMap { Int($0) }.first ?? 15)
    }
}

/// Keeps the optimiser from dropping what was computed, without copying it.
@inline(never)
func keep<Value>(_ value: consuming Value) {}
