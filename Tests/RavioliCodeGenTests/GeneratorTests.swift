// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import RavioliCodeGen
import RavioliSchema
import Testing

/// The generator as a function from protoc's request to Swift text.
@Suite(.blocking) struct GeneratorTests {
    @Test func greetingReadsAsCommitted() throws {
        let committed = packageRoot.appending(
            path: "Tests/RavioliCodeGenTests/Generated/ravioli_test_v1_greeting.ravioli.swift")
        let generated = try generate(["ravioli/test/v1/greeting.proto"])
        #expect(generated.map(\.name) == ["ravioli_test_v1_greeting.ravioli.swift"])
        #expect(generated.first?.content == (try String(contentsOf: committed, encoding: .utf8)))
    }

    @Test(arguments: ["internal", "package", "public"])
    func visibilityStandsBeforeEveryDeclaration(_ visibility: String) throws {
        let text = try #require(
            try generate(["ravioli/test/v1/greeting.proto"], "visibility=\(visibility)").first?.content)
        let prefix = visibility == "internal" ? "" : visibility + " "
        for line in [
            "struct GreetRequest: ", "    init() {}\n", "    var name: String",
            "    static let descriptor", "final class GreeterFake", "        static let formal",
            "struct GreeterClient",
        ] {
            let indentation = line.prefix { $0 == " " }
            #expect(text.contains("\n\(indentation)\(prefix)\(line.dropFirst(indentation.count))"), "\(line)")
        }
    }

    @Test func linesAreSeparatedEvenly() throws {
        for file in try generate(["ravioli/test/v1/everything.proto", "ravioli/test/v1/legacy.proto"]) {
            let text = file.content ?? ""
            #expect(!text.contains("\n\n\n") && !text.contains("{\n\n") && text.hasSuffix("}\n"))
            #expect(text.firstRange(of: /\n\n[ ]*}/) == nil)
            #expect(text.firstRange(of: /[ ]+\n/) == nil)
        }
    }

    @Test func onlyNeededModulesAreImported() throws {
        let book = try #require(try generate(["ravioli/test/v1/book.proto"]).first?.content)
        #expect(imports(book) == ["import RavioliSchema"])
        let file = "ravioli/test/v1/everything.proto"
        let mapped = try #require(
            try generate([file], "visibility=public,module=ravioli/test/v1/book.proto:Library").first?.content
        )
        // Book comes in through shelf.proto's public import.
        #expect(
            imports(mapped) == [
                "public import Library", "public import Ravioli", "public import RavioliSchema",
            ])
        #expect(mapped.contains("var book: Book?"))
        let bare = try #require(try generate([file], "services=false").first?.content)
        #expect(imports(bare) == ["import RavioliSchema"] && !bare.contains("EverythingClient"))
    }

    @Test func modulesThatOnlyBodiesNeedAreImportedInternally() throws {
        let request = try request(
            ["ravioli/test/v1/shelf.proto"], "visibility=public,module=ravioli/test/v1/book.proto:Library")
        var unused = request
        for index in unused.protoFile.indices
        where unused.protoFile[index].name == "ravioli/test/v1/shelf.proto" {
            unused.protoFile[index].messageType = []
        }
        let text = try #require(Generator.respond(to: unused).file.first?.content)
        #expect(imports(text) == ["import Library", "public import RavioliSchema"])
        #expect(text.contains("dependencies: [RavioliTestV1BookSchema.file]"))
    }

    @Test func ownModuleIsNotImported() throws {
        let files = ["ravioli/test/v1/book.proto", "ravioli/test/v1/shelf.proto"]
        for file in try generate(files, "module=ravioli/test/:Tests") {
            #expect(imports(file.content ?? "") == ["import RavioliSchema"])
        }
    }

    @Test func prefixStandsBeforeEveryType() throws {
        let text = try #require(
            try generate(["ravioli/test/v1/greeting.proto"], "prefix=Demo").first?.content)
        for name in [
            "struct DemoGreetRequest:", "struct DemoGreeting:", "enum DemoGreeter ", "class DemoGreeterFake",
        ] {
            #expect(text.contains(name))
        }
    }

    @Test func commentsAreEmbeddedOnlyIfSoWished() throws {
        let path = "ravioli/test/v1/greeting.proto"
        let plain = try #require(try generate([path], "").first?.content)
        #expect(plain == (try generate([path], "comments=false").first?.content))
        let text = try #require(try generate([path], "comments=true").first?.content)
        let lines = text.split(separator: "\"\"\"")
        let base64 = try #require(lines.dropFirst().first).filter { !$0.isWhitespace && $0 != "\\" }
        let file = try Google_Protobuf_FileDescriptorProto(decoding: try #require(Base64.decode(base64)))
        let info = try #require(file.sourceCodeInfo)
        #expect(!info.location.isEmpty)
        #expect(info.location.allSatisfy { $0.span.isEmpty && $0.leadingDetachedComments.isEmpty })
        #expect(info.location.allSatisfy { $0.leadingComments != nil || $0.trailingComments != nil })
    }

    @Test(arguments: [
        ("visibility=open", "visibility is internal, package or public, not \"open\""),
        ("visibility", "option \"visibility\" has no value; write name=value"),
        ("module=a", "module is given as path:Module, not \"a\""),
        (
            "flavour=mint",
            "option \"flavour=mint\" does not exist; there are visibility, prefix, module, services and comments"
        ),
    ])
    func wrongOptionIsExplained(_ parameter: String, _ message: String) throws {
        let response = Generator.respond(to: .init(parameter: parameter))
        #expect(response.error == message && response.file.isEmpty)
    }

    @Test func filesOfOneNameAreRefused() throws {
        var request = try request(["ravioli/test/v1/book.proto"], "")
        request.protoFile.append(request.protoFile[0])
        request.protoFile[1].name = "ravioli/test_v1/book.proto"
        request.fileToGenerate.append("ravioli/test_v1/book.proto")
        #expect(Generator.respond(to: request).error?.contains("rename one") == true)
    }

    @Test func editionsAreAnnounced() throws {
        let response = Generator.respond(to: .init())
        // FEATURE_PROTO3_OPTIONAL, FEATURE_SUPPORTS_EDITIONS
        #expect(response.supportedFeatures == 3)
        #expect(response.unknownFields.records(numbered: 3).map(\.value) == [.varint(998)])
        #expect(response.unknownFields.records(numbered: 4).map(\.value) == [.varint(1000)])
    }

    @Test func edition2023IsGenerated() throws {
        // optional int32 plain = 1 has presence; field 2 is implicit by its features.
        var file = Google_Protobuf_FileDescriptorProto(name: "e.proto", syntax: "editions")
        file.unknownFields = try UnknownFields(encoded: [0x70, 0xe8, 0x07])
        var implicit = Google_Protobuf_FieldOptions()
        implicit.unknownFields = try UnknownFields(encoded: [0xaa, 0x01, 0x02, 0x08, 0x02])
        file.messageType = [
            .init(
                name: "Edition",
                field: [
                    .init(name: "explicit", number: 1, label: .optional, type: .int32),
                    .init(name: "implicit", number: 2, label: .optional, type: .int32, options: implicit),
                ])
        ]
        let response = Generator.respond(to: .init(fileToGenerate: ["e.proto"], protoFile: [file]))
        let text = try #require(response.file.first?.content, "\(response.error ?? "")")
        #expect(text.contains("explicit: Int32? = nil") && text.contains("implicit: Int32 = 0"))
    }

    private func imports(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { $0.contains("import ") && !$0.contains("//") }
    }

    private func generate(
        _ files: [String], _ parameter: String = ""
    ) throws -> [Google_Protobuf_Compiler_CodeGeneratorResponse.File] {
        let response = Generator.respond(to: try request(files, parameter))
        #expect(response.error == nil)
        return response.file
    }

    /// What protoc would send: it parses the files and the generator's part is done here.
    private func request(
        _ files: [String], _ parameter: String
    ) throws -> Google_Protobuf_Compiler_CodeGeneratorRequest {
        let set = try run(
            "protoc",
            ["-IProtos", "--include_imports", "--include_source_info", "--descriptor_set_out=/dev/stdout"]
                + files)
        try #require(set.status == 0, "\(set.errors)")
        let protos = try Google_Protobuf_FileDescriptorSet(decoding: [UInt8](set.output))
        return .init(fileToGenerate: files, parameter: parameter, protoFile: protos.file)
    }
}
