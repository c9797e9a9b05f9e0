// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import RavioliSchema

/// Answers go to standard output, all else to standard error.
enum Terminal {
    static func answer(_ text: String) { write(text, to: .standardOutput) }
    static func note(_ text: String) { write(text, to: .standardError) }

    private static func write(_ text: String, to file: FileHandle) {
        try? file.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Says why the command failed, and how it is to exit.
    static func exit(_ failure: Failure, asJSON: Bool, types: DescriptorPool = DescriptorPool()) -> ExitCode {
        note(asJSON ? failure.json(types: types) : failure.text(types: types))
        return ExitCode(failure.exitCode)
    }

    /// The request: the text itself, `@FILE`, or `-` for standard input.
    static func request(_ data: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        do {
            let bytes: Data?
            if data == "-" {
                bytes = try FileHandle.standardInput.read(upToCount: bytesMax + 1)
            } else if data.hasPrefix("@") {
                let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: String(data.dropFirst())))
                bytes = try file.read(upToCount: bytesMax + 1)
            } else {
                bytes = Data(data.utf8)
            }
            guard bytes?.count ?? 0 <= bytesMax else {
                throw Failure.file("the request is over \(bytesMax) bytes")
            }
            return Array(bytes ?? Data())
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .file(
                "cannot read \(data == "-" ? "standard input" : String(data.dropFirst())): \(error.localizedDescription)"
            )
        }
    }
}
