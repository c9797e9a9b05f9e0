// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The whole of `protoc-gen-ravioli`: takes what protoc asks for and answers with Swift files.
public enum Generator {
    /// `CodeGeneratorResponse.Feature.FEATURE_PROTO3_OPTIONAL`
    private static let supportsProto3Optional: UInt64 = 1

    /// Answers a request of protoc. What is wrong with a user's schema or options comes back as the response's
    /// error, which protoc prints.
    public static func respond(
        to request: Google_Protobuf_Compiler_CodeGeneratorRequest
    ) -> Google_Protobuf_Compiler_CodeGeneratorResponse {
        var response = Google_Protobuf_Compiler_CodeGeneratorResponse()
        response.supportedFeatures = supportsProto3Optional
        do {
            for file in try files(for: request) {
                response.file.append(.init(name: file.name, content: file.content))
            }
        } catch {
            response.error = String(describing: error)
        }
        return response
    }

    /// A generated file: its path, beside the one of the `.proto` file, and its text.
    private struct Output {
        var name: String
        var content: String
    }

    private static func files(
        for request: Google_Protobuf_Compiler_CodeGeneratorRequest
    ) throws -> [Output] {
        let options = try GeneratorOptions(parameter: request.parameter ?? "")
        var linked: [FileDescriptor] = []
        var comments: [String: [String: String]] = [:]
        for proto in request.protoFile {
            var bare = proto
            bare.sourceCodeInfo = nil
            linked.append(try FileDescriptor(serialized: try bare.encoded(deterministic: true), dependencies: linked))
            comments[proto.name ?? ""] = SourceComments(proto).byFullName
        }
        let names = TypeNames(files: linked, options: options)
        let sizes = MessageSizes(linked, names: names)
        return request.fileToGenerate.compactMap { path in
            guard let file = linked.first(where: { $0.name == path }) else { return nil }
            let context = GenerationContext(
                file: file, names: names, comments: comments[path] ?? [:], sizes: sizes, options: options)
            let stem = path.hasSuffix(".proto") ? String(path.dropLast(6)) : path
            return Output(
                name: stem + ".ravioli.swift",
                content: FileGenerator(context: context, schema: file.serialized).generate())
        }
    }
}
