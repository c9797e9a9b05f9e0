// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The whole of `protoc-gen-ravioli`: takes what protoc asks for and answers with Swift files.
public enum Generator {
    /// `CodeGeneratorResponse.Feature`: `FEATURE_PROTO3_OPTIONAL` and `FEATURE_SUPPORTS_EDITIONS`.
    private static let features: UInt64 = 1 | 2
    /// `minimum_edition` (3) is `EDITION_PROTO2`, 998, and `maximum_edition` (4) is `EDITION_2023`, 1000. The
    /// `plugin.proto` that Debian ships does not know these fields yet, and its protoc ignores them.
    private static let editions: [UInt8] = [3 << 3, 0xe6, 0x07, 4 << 3, 0xe8, 0x07]

    /// Answers a request of protoc. What is wrong with a user's schema or options comes back as the response's
    /// error, which protoc prints.
    public static func respond(
        to request: Google_Protobuf_Compiler_CodeGeneratorRequest
    ) -> Google_Protobuf_Compiler_CodeGeneratorResponse {
        var response = Google_Protobuf_Compiler_CodeGeneratorResponse()
        response.supportedFeatures = features
        do {
            response.unknownFields = try UnknownFields(encoded: editions)
            for file in try files(for: request) {
                response.file.append(.init(name: file.name, content: file.content))
            }
        } catch {
            response.error = String(describing: error)
        }
        return response
    }

    /// A generated file: its name and its text.
    private struct Output {
        var name: String
        var content: String
    }

    /// The name of the file generated from a `.proto` file: its path with underscores, since the names of the files
    /// in a Swift module must differ, whatever folders they lie in: `showroom/v1/car.proto` →
    /// `showroom_v1_car.ravioli.swift`.
    public static func outputName(of path: String) -> String {
        let stem = path.hasSuffix(".proto") ? path.dropLast(6) : path[...]
        return stem.map { $0 == "/" ? "_" : String($0) }.joined() + ".ravioli.swift"
    }

    private static func files(
        for request: Google_Protobuf_Compiler_CodeGeneratorRequest
    ) throws -> [Output] {
        let options = try GeneratorOptions(parameter: request.parameter ?? "")
        var linked: [FileDescriptor] = []
        var comments: [String: [String: String]] = [:]
        for proto in request.protoFile {
            var bare = proto
            bare.sourceCodeInfo = options.comments ? proto.sourceCodeInfo.map(commentsAlone) : nil
            linked.append(
                try FileDescriptor(serialized: try bare.encoded(deterministic: true), dependencies: linked))
            comments[proto.name ?? ""] = SourceComments(proto).byFullName
        }
        let names = TypeNames(files: linked, generated: request.fileToGenerate.first, options: options)
        let sizes = MessageSizes(linked, names: names)
        try checkOutputNames(request.fileToGenerate)
        return request.fileToGenerate.compactMap { path in
            guard let file = linked.first(where: { $0.name == path }) else { return nil }
            let context = GenerationContext(
                file: file, names: names, comments: comments[path] ?? [:], sizes: sizes, options: options)
            return Output(
                name: outputName(of: path),
                content: FileGenerator(context: context, schema: file.serialized).generate())
        }
    }

    /// What is commented and how, without where it stands in the file.
    private static func commentsAlone(
        _ info: Google_Protobuf_SourceCodeInfo
    ) -> Google_Protobuf_SourceCodeInfo {
        var info = info
        info.location = info.location.compactMap { location in
            guard location.leadingComments != nil || location.trailingComments != nil else { return nil }
            var location = location
            location.span = []
            location.leadingDetachedComments = []
            return location
        }
        return info
    }

    private static func checkOutputNames(_ paths: [String]) throws {
        for (name, paths) in Dictionary(grouping: paths, by: outputName(of:)) where paths.count > 1 {
            throw GeneratorError(
                "\(paths.joined(separator: " and ")) would both be generated as \(name); rename one")
        }
    }
}
