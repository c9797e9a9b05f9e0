// SPDX-License-Identifier: Apache-2.0
//
// protoc's plugin: a request on standard input, a response on standard output.

import Foundation
import RavioliCodeGen
import RavioliSchema

do {
    let request = try Google_Protobuf_Compiler_CodeGeneratorRequest(
        decoding: [UInt8](try FileHandle.standardInput.readToEnd() ?? Data()))
    let response = Generator.respond(to: request)
    FileHandle.standardOutput.write(Data(try response.encoded()))
} catch {
    FileHandle.standardError.write(Data("protoc-gen-ravioli: \(error)\n".utf8))
    exit(1)
}
