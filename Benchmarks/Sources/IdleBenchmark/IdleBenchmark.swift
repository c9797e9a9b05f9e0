// SPDX-License-Identifier: Apache-2.0

// What an idle connection costs a server: a server in a process of its own, so many connections that have exchanged
// hellos and do nothing, and the growth of the server's resident memory for each.
//
//     swift run -c release --package-path Benchmarks --scratch-path .build-release IdleBenchmark [connections]

import Foundation
import NIOCore
import NIOPosix
import Ravioli
import RavioliSchema

@main
struct IdleBenchmark {
    struct Failure: Error { let text: String }

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "serve" { return try await serve() }
        let connections = arguments.first.flatMap(Int.init) ?? 10_000
        try allowFiles(connections + 200)
        try await measure(connections)
    }

    /// Serves nothing but its reflection until its input ends; says where on its output.
    static func serve() async throws {
        try allowFiles(200_000)
        let server = try Server([], on: .tcp(host: "127.0.0.1", port: 0))
        let address = try await server.start()
        FileHandle.standardOutput.write(Data("\(address)\n".utf8))
        _ = try FileHandle.standardInput.readToEnd()
        await server.stop()
    }

    static func measure(_ count: Int) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { try? input.fileHandleForWriting.close() }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = line.split(separator: ":").last.flatMap({ Int($0.dropLast()) }) else {
            throw Failure(text: "the server did not say where it serves: \(line)")
        }
        // A few connections first, so that what is made once for all is not counted for each.
        var open = try await connect(100, port)
        let base = try residentBytes(of: process.processIdentifier)
        open += try await connect(count, port)
        let full = try residentBytes(of: process.processIdentifier)
        let each = (full - base) / count
        print(
            "\(count) idle connections: \(each) bytes each, \(base / 1024) KiB before them, \(full / 1024) after"
        )
        for channel in open { channel.close(promise: nil) }
    }

    /// Connects, greets and waits for the server's greeting.
    static func connect(_ count: Int, _ port: Int) async throws -> [any NIOCore.Channel] {
        var channels: [any NIOCore.Channel] = []
        while channels.count < count {
            let batch = min(200, count - channels.count)
            let made = try await withThrowingTaskGroup(of: (any NIOCore.Channel).self) { group in
                for _ in 0..<batch { group.addTask { try await greeted(port) } }
                var made: [any NIOCore.Channel] = []
                for try await channel in group { made.append(channel) }
                return made
            }
            channels += made
        }
        return channels
    }

    private static func greeted(_ port: Int) async throws -> any NIOCore.Channel {
        let group = MultiThreadedEventLoopGroup.singleton
        let greeting = group.any().makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeting(greeting))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: hello))
        try await greeting.futureResult.get()
        return channel
    }

    /// The specification's example of a client's hello.
    private static let hello: [UInt8] =
        [0, 0, 0, 44, 0, 0, 0, 0, 1, 0] + [0x52, 0x41, 0x56, 0x49, 1, 0, 2, 0, 0, 0, 0, 0]
        + [0, 1, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0x64, 0, 0, 0x20, 0, 0, 4, 0, 0, 0, 0x10, 0, 0]
        + [UInt8](repeating: 0, count: 8)

    private static func residentBytes(of process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(separator: " ").compactMap({ Int($0) }).first
        else { throw Failure(text: "no VmRSS in /proc/\(process)/status") }
        return kibibytes * 1024
    }

    private static func allowFiles(_ count: Int) throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
        limit.rlim_cur = min(limit.rlim_max, rlim_t(count))
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    }

    /// Hears the server's first bytes.
    private final class Greeting: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var promise: EventLoopPromise<Void>?
        init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            promise?.succeed()
            promise = nil
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise?.fail(ChannelError.eof)
            promise = nil
        }
    }
}
