// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import RavioliSchema
import Testing

/// The package's root folder.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// Where the build puts executables and modules: beside the test bundle.
let buildFolder: URL = {
    var folder = URL(filePath: CommandLine.arguments[0]).standardizedFileURL
    repeat {
        folder.deleteLastPathComponent()
    } while folder.path != "/" && !FileManager.default.fileExists(atPath: folder.path + "/protoc-gen-ravioli")
    return folder
}()

/// What a program has written before it ended.
struct Outcome {
    var status: Int32
    var output: Data
    var errors: String
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String], input: Data = Data()) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.currentDirectoryURL = packageRoot
    let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    // Files, since pipes would have to be emptied while the program runs.
    let files = ["in", "out", "err"].map { scratch.appending(path: $0) }
    try input.write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try Spawning.alone { try process.run() }
    process.waitUntilExit()
    return Outcome(
        status: process.terminationStatus, output: try Data(contentsOf: files[1]),
        errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
}

/// protoc as the judge of what the generated code encodes and decodes.
enum Protoc {
    /// Encodes a message from protobuf's text format.
    static func encode(_ text: String, as type: any Message.Type) throws -> [UInt8] {
        let result = try run(
            "protoc", ["-IProtos", "--encode=\(type.descriptor.fullName)", type.descriptor.file.name],
            input: Data(text.utf8))
        try #require(result.status == 0, "\(result.errors)")
        return [UInt8](result.output)
    }

    /// Decodes a message into protobuf's text format.
    static func decode(_ bytes: [UInt8], as type: any Message.Type) throws -> String {
        let result = try run(
            "protoc", ["-IProtos", "--decode=\(type.descriptor.fullName)", type.descriptor.file.name],
            input: Data(bytes))
        try #require(result.status == 0, "\(result.errors)")
        return String(decoding: result.output, as: UTF8.self)
    }
}

/// Checks that a message survives encoding and decoding, and that protoc reads from it what it reads from the same
/// message written as text.
func expectRoundTrip<Value: Message>(_ message: Value, text: String? = nil) throws {
    let bytes = try message.encoded(deterministic: true)
    #expect(try Value(decoding: bytes) == message)
    guard let text else { return }
    let theirs = try Protoc.encode(text, as: Value.self)
    #expect(try Value(decoding: theirs) == message)
    #expect(try Protoc.decode(bytes, as: Value.self) == Protoc.decode(theirs, as: Value.self))
}
