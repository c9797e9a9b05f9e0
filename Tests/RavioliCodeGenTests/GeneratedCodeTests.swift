// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// The committed generated files, and generated code under a user's compiler settings.
@Suite(.blocking) struct GeneratedCodeTests {
    @Test func committedFilesAreUpToDate() throws {
        let plugin = buildFolder.appending(path: "protoc-gen-ravioli").path
        let result = try run("Scripts/generate", ["--check", "--plugin", plugin])
        #expect(result.status == 0, "\(String(decoding: result.output, as: UTF8.self))\(result.errors)")
    }

    @Test func documentationShowsWhatIsGenerated() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: packageRoot.appending(path: path), encoding: .utf8)
        }
        let page = try text("Sources/RavioliCodeGen/Documentation.docc/RavioliCodeGen.md")
        let generated = try text("Tests/RavioliCodeGenTests/Generated/ravioli_test_v1_greeting.ravioli.swift")
        let example = try #require(page.firstMatch(of: /```swift\n((?s).*?)```/)).1
        for line in example.split(separator: "\n") where line != "}" {
            #expect(generated.contains("\n\(line)\n") || generated.contains("\n\(line) {\n"), "\(line)")
        }
    }

    private static let strict =
        [
            "ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility",
            "NonisolatedNonsendingByDefault",
        ]
        .flatMap { ["-enable-upcoming-feature", $0] }

    @Test(arguments: [
        ("public", ["-swift-version", "6"] + strict), ("public", ["-swift-version", "5"]),
        ("package", ["-swift-version", "6"]), ("internal", ["-swift-version", "6"]),
    ])
    func compilesWithoutWarnings(_ visibility: String, _ flags: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = [
            "book", "collisions", "everything", "greeting", "keywords", "legacy", "shelf", "twins",
            "unpackaged",
        ]
        let plugin = buildFolder.appending(path: "protoc-gen-ravioli").path
        let generation = try run(
            "protoc",
            [
                "-IProtos", "--plugin=\(plugin)", "--ravioli_opt=visibility=\(visibility)",
                "--ravioli_out=\(folder.path)",
            ] + names.map { "ravioli/test/v1/\($0).proto" })
        try #require(generation.status == 0, "\(generation.errors)")
        // A user's file beside them, which imports the modules without thinking of visibility.
        let user = folder.appending(path: "User.swift")
        try
            "import Ravioli\nimport RavioliSchema\nfunc greeting() -> Greeting { Greeting(text: \"hello\") }\n"
            .write(to: user, atomically: true, encoding: .utf8)
        let sources = names.map { folder.appending(path: "ravioli_test_v1_\($0).ravioli.swift").path }
        let compilation = try run(
            "swiftc",
            ["-typecheck", "-module-name", "User", "-package-name", "user", "-warnings-as-errors"] + flags
                + moduleSearchPaths + sources + [user.path])
        #expect(compilation.status == 0, "\(compilation.errors)")
    }

    /// Where the compiler finds our modules, and those of C in the packages beneath them.
    private var moduleSearchPaths: [String] {
        // Some C targets bring a module map, for others the build writes one.
        let checkouts = buildFolder.deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "checkouts")
        let brought = contents(of: checkouts).flatMap { contents(of: $0.appending(path: "Sources")) }
            .map { $0.appending(path: "include/module.modulemap").path }
        let written = contents(of: buildFolder).filter { $0.pathExtension == "build" }
            .map { $0.appending(path: "module.modulemap").path }
        let maps = (brought + written).filter(FileManager.default.fileExists(atPath:))
        return ["-I", buildFolder.appending(path: "Modules").path, "-I", "Sources/CProtobufC"]
            + maps.flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] }
    }

    private func contents(of folder: URL) -> [URL] {
        (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    }
}
