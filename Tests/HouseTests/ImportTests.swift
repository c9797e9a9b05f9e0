// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// Which of our modules each module may import, and who may import what is not ours. Arrows only point down.
enum Arrows {
    static let ours: [String: Set<String>] = [
        "CProtobufC": [],
        "CZlib": [],
        "RavioliWire": [],
        "RavioliSchema": ["CProtobufC"],
        "Ravioli": ["RavioliWire", "RavioliSchema"],
        "RavioliResilience": ["Ravioli"],
        "RavioliEdge": ["CZlib", "Ravioli", "RavioliResilience", "RavioliSchema"],
        "RavioliMessaging": ["Ravioli", "RavioliSchema"],
        "RavioliNATS": ["RavioliMessaging"],
        "RavioliTelemetry": ["Ravioli"],
        "RavioliTesting": ["Ravioli", "RavioliMessaging", "RavioliSchema", "RavioliWire"],
        "RavioliCodeGen": ["RavioliSchema"],
        "protoc-gen-ravioli": ["RavioliCodeGen", "RavioliSchema"],
        "ravioli-cli": ["Ravioli", "RavioliEdge", "RavioliSchema"],

        // Services know each other by their contracts alone.
        "ShowroomContracts": ["Ravioli", "RavioliSchema"],
        "Showroom": ["Ravioli", "RavioliSchema", "ShowroomContracts"],
        "ShowroomCatalog": ["Ravioli", "RavioliSchema", "Showroom", "ShowroomContracts"],
        "ShowroomPricing": ["Ravioli", "RavioliSchema", "Showroom", "ShowroomContracts"],
        "showroom-catalog": ["Ravioli", "Showroom", "ShowroomCatalog", "ShowroomContracts"],
        "showroom-pricing": ["Ravioli", "Showroom", "ShowroomPricing", "ShowroomContracts"],
    ]

    /// Dependencies with a home: whoever else imports them opens a second door to the same secret. A key stands for
    /// all modules whose names begin with it.
    static let homes: [(prefix: String, modules: Set<String>)] = [
        ("GRDB", ["RavioliEdge", "RavioliMessaging", "Showroom", "ShowroomCatalog", "ShowroomPricing"]),
        ("NIOPosix", ["Ravioli", "RavioliEdge"]),
        ("NIOSSL", ["Ravioli", "RavioliEdge"]),
        (
            "ArgumentParser",
            ["Showroom", "ravioli-cli", "protoc-gen-ravioli", "showroom-catalog", "showroom-pricing"]
        ),
    ]

    /// Modules of which every byte counts: Foundation stays out.
    static let withoutFoundation: Set = ["RavioliSchema", "RavioliWire", "Ravioli"]

    /// The module that a line imports; of `import struct Foundation.Date` it is Foundation.
    static func importedModule(_ line: Substring) -> String? {
        guard line.contains("import ") else { return nil }
        let words = line.split(separator: " ")
        guard let index = words.firstIndex(of: "import"), index + 1 < words.count,
            words[..<index].allSatisfy({ $0.hasPrefix("@") || access.contains(String($0)) })
        else { return nil }
        let rest = words[(index + 1)...].drop { kinds.contains(String($0)) }
        return rest.first?.split(separator: ".").first.map(String.init)
    }

    private static let access: Set = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]

    static func violations(in file: SourceFile) -> [Violation] {
        guard let module = file.module else { return [] }
        guard let allowed = ours[module] else {
            return [file.violation(0, "module \(module) is not in the table of arrows in Tests/HouseTests")]
        }
        return file.code.indices.compactMap { index in
            guard let imported = importedModule(file.code[index]) else { return nil }
            if ours[imported] != nil, !allowed.contains(imported) {
                return file.violation(index, "\(module) must not import \(imported)")
            }
            for home in homes where imported.hasPrefix(home.prefix) && !home.modules.contains(module) {
                return file.violation(index, "\(imported) is imported by \(home.modules.sorted()) alone")
            }
            if imported.hasPrefix("Foundation"), withoutFoundation.contains(module) {
                return file.violation(index, "\(module) does without Foundation")
            }
            if module == "RavioliWire", imported.hasPrefix("NIO"), imported != "NIOCore" {
                return file.violation(index, "NIOCore is all that RavioliWire takes from NIO")
            }
            return nil
        }
    }
}

@Suite(.blocking) struct ImportTests {
    @Test func arrowsOnlyPointDown() {
        let violations = Repository.swift.flatMap(Arrows.violations)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func tableHasNoCircle() {
        // Take away modules that import nothing any more; a circle would be left.
        var left = Arrows.ours
        while let free = left.first(where: { $0.value.allSatisfy { left[$0] == nil } })?.key {
            left[free] = nil
        }
        #expect(left.isEmpty)
    }

    @Test(arguments: [
        ("RavioliWire", "import RavioliSchema"), ("Ravioli", "public import RavioliEdge"),
        ("RavioliSchema", "@preconcurrency import Ravioli"), ("RavioliSchema", "import FoundationEssentials"),
        ("Ravioli", "package import struct Foundation.Date"), ("RavioliWire", "import NIOPosix"),
        ("ShowroomCatalog", "internal import ShowroomPricing"), ("RavioliSchema", "import GRDB"),
        ("Ravioli", "@_exported import GRDBSQLite"), ("Surprise", "import NIOCore"),
    ])
    func seesAnArrowThatPointsUp(module: String, line: String) {
        let file = SourceFile(path: "Sources/\(module)/Bad.swift", text: "// A file.\n\n\(line)\n")
        #expect(!Arrows.violations(in: file).isEmpty)
    }

    @Test func ignoresCommentsAndStrings() {
        let text = "// import RavioliEdge\nlet text = \"\"\"\nimport RavioliEdge\n\"\"\"\n"
        #expect(Arrows.violations(in: SourceFile(path: "Sources/Ravioli/Good.swift", text: text)).isEmpty)
    }
}

/// Violations, one a line.
func report(_ violations: [Violation]) -> String {
    "\n" + violations.map(\.description).joined(separator: "\n")
}
