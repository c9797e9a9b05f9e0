// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// That everything public says what it is.
enum Documentation {
    /// Files whose public methods are called by generated code alone and are documented in groups.
    static let documentedInGroups: Set = [
        "Sources/RavioliSchema/Memory/FieldReader.swift", "Sources/RavioliSchema/Memory/FieldWriter.swift",
        "Sources/RavioliSchema/Memory/FieldWriter+Nested.swift",
    ]

    /// Declarations marked public that have no `///` above them.
    ///
    /// Left out are those in an extension that states a conformance, since the protocol documents them, and the
    /// witnesses that a type's own declaration brings: `hash(into:)`, `description` and operators.
    static func missing(in file: SourceFile) -> [Violation] {
        var conformanceDepth: Int?
        var depth = 0
        var violations: [Violation] = []
        for (index, line) in file.code.enumerated() {
            if conformanceDepth == nil, line.contains("extension "),
                line.contains(#/^\s*(?:@\w+\s+)*extension [^{]*:/#)
            {
                conformanceDepth = depth
            }
            if conformanceDepth == nil, let name = publicName(line), !isDocumented(file, index) {
                violations.append(file.violation(index, "public \(name) has no documentation"))
            }
            for character in line.utf8 {
                depth += character == UInt8(ascii: "{") ? 1 : character == UInt8(ascii: "}") ? -1 : 0
            }
            if let open = conformanceDepth, depth <= open, line.contains("}") { conformanceDepth = nil }
        }
        return violations
    }

    private static var declaration: Regex<(Substring, Substring)> {
        #/^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public|open)\s+(?:[a-z]+(?:\([a-z]+\))?\s+)*?(?:func|var|let|class|struct|enum|protocol|actor|typealias|init|subscript)\b\s*(\S*)/#
    }

    private static func publicName(_ line: Substring) -> String? {
        guard line.contains("public ") || line.contains("open "),
            let match = line.firstMatch(of: declaration),
            !line.contains("override ")
        else { return nil }
        let name = match.output.1.prefix {
            !"(:<{=".contains($0) || $0 == "=" && match.output.1.hasPrefix("==")
        }
        let isWitness =
            ["hash", "description", "debugDescription", "==", ""].contains(name) && !line.contains("init")
        return isWitness ? nil : String(name)
    }

    private static func isDocumented(_ file: SourceFile, _ index: Int) -> Bool {
        for above in file.lines[..<index].reversed() {
            let text = above.drop { $0 == " " }
            if text.hasPrefix("///") || text.hasSuffix("*/") { return true }
            // Attributes, and reasons for the code, may stand between.
            guard text.hasPrefix("@") || text.hasPrefix("//") || text.hasPrefix("#if") else { return false }
        }
        return false
    }
}

@Suite(.blocking) struct DocumentationTests {
    @Test func everythingPublicIsDocumented() {
        let sources = Repository.sources.filter { !Documentation.documentedInGroups.contains($0.path) }
        let violations = sources.flatMap(Documentation.missing)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test(arguments: [
        "public struct Call {}", "/// Documented.\npublic struct Call {\n    public var x: Int\n}",
        "// Why.\n@inlinable\npublic func f() {}", "    @inlinable public init(x: Int) {}",
        "public static let defaults = 1", "extension Call {\n    public var x: Int { 1 }\n}",
    ])
    func seesMissingDocumentation(text: String) {
        #expect(
            Documentation.missing(in: SourceFile(path: "Sources/Ravioli/Bad.swift", text: text)).count == 1)
    }

    @Test(arguments: [
        "/// Says so.\n@inlinable\npublic func f() {}", "public import NIOCore", "public extension Call {}",
        "extension Call: Hashable {\n    public func f() {\n    }\n    public var x: Int { 1 }\n}",
        "package struct Call {}", "// public struct Call",
    ])
    func leavesTheRestAlone(text: String) {
        #expect(Documentation.missing(in: SourceFile(path: "Sources/Ravioli/Good.swift", text: text)).isEmpty)
    }
}
