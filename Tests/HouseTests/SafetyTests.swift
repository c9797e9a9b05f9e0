// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Testing

/// Ways around the compiler's proofs, and where each is allowed and why.
enum Loopholes {
    struct Loophole: Sendable {
        var name: String
        /// Found in code, not in comments or strings.
        var isIn: @Sendable (Substring) -> Bool
        /// Path to reason.
        var allowed: [String: String]
    }

    static let all = [
        Loophole(
            name: "@unchecked Sendable",
            isIn: { $0.contains("@unchecked") && $0.contains(#/@unchecked\s+Sendable/#) },
            allowed: uncheckedSendable),
        Loophole(
            name: "nonisolated(unsafe)", isIn: { $0.contains("nonisolated(unsafe)") },
            allowed: nonisolatedUnsafe),
        Loophole(name: "@_spi", isIn: { $0.contains("@_spi") }, allowed: [:]),
        Loophole(name: "try!", isIn: { $0.contains("try!") }, allowed: [:]),
        Loophole(name: "as!", isIn: { $0.contains("as! ") }, allowed: [:]),
        Loophole(name: "fatalError", isIn: { $0.contains("fatalError(") }, allowed: [:]),
    ]

    private static let uncheckedSendable = [
        "Sources/Ravioli/Loop/SanitizedMutex.swift":
            "a lock, in builds for ThreadSanitizer alone, of the shape of Synchronization.Mutex"
    ]

    private static let writtenBeforePublished =
        "written while a schema is linked, before anybody else can see it, and constant from then on"
    private static let permanentTable = "a C table that is allocated once, filled once and never freed"
    private static let nonisolatedUnsafe = [
        "Sources/RavioliSchema/Descriptors/EnumDescriptor.swift": permanentTable,
        "Sources/RavioliSchema/Descriptors/FieldDescriptor.swift": writtenBeforePublished,
        "Sources/RavioliSchema/Descriptors/FileDescriptor.swift": writtenBeforePublished,
        "Sources/RavioliSchema/Descriptors/MessageDescriptor.swift": writtenBeforePublished,
        "Sources/RavioliSchema/Descriptors/ServiceDescriptor.swift": writtenBeforePublished,
        "Sources/RavioliSchema/JSON/Base64+Memory.swift": permanentTable,
        "Sources/RavioliSchema/Layout/CTable.swift": permanentTable,
        "Sources/RavioliSchema/CopyOnWrite.swift": "written only while the box is uniquely referenced",
        "Sources/Ravioli/Interceptors/InterceptedStream.swift":
            "written once under a lock, before the atomic is set that its readers look at",
        "Sources/Ravioli/Streams/StreamInbox.swift":
            "touched only by who has set an atomic flag, which nobody else can set until it is cleared",
        "Sources/Ravioli/Loop/LoopContext.swift":
            "touched on its event loop's thread alone, which only NIO can know",
    ]

    static func violations(in file: SourceFile) -> [Violation] {
        all.filter { $0.allowed[file.path] == nil }.flatMap { loophole in
            file.code.indices.filter { loophole.isIn(file.code[$0]) }.map {
                file.violation(
                    $0, "\(loophole.name) is not on the list of Tests/HouseTests/SafetyTests.swift")
            }
        }
    }
}

@Suite(.blocking) struct SafetyTests {
    @Test func loopholesAreOnTheList() {
        let violations = Repository.sources.flatMap(Loopholes.violations)
        #expect(violations.isEmpty, "\(report(violations))")
    }

    @Test func listHasNoEntryToSpare() {
        let files = Dictionary(uniqueKeysWithValues: Repository.swift.map { ($0.path, $0) })
        for loophole in Loopholes.all {
            for path in loophole.allowed.keys.sorted() {
                #expect(
                    files[path]?.code.contains(where: loophole.isIn) == true,
                    "\(path) does not need \(loophole.name) any more")
            }
        }
    }

    @Test(arguments: [
        "final class Box: @unchecked Sendable {}", "nonisolated(unsafe) var state = 0",
        "@_spi(Testing) import Ravioli",
        "let x = try! f()", "let y = x as! Int", "fatalError(\"gone\")", "let s = \"\\(try! f())\"",
    ])
    func seesALoophole(line: String) {
        #expect(!Loopholes.violations(in: SourceFile(path: "Sources/Ravioli/Bad.swift", text: line)).isEmpty)
    }

    @Test(arguments: [
        "// try! would trap", "let text = \"as! \"", "/* fatalError(\"\") */", "#\"try! \\(try! f())\"#",
    ])
    func leavesProseAlone(line: String) {
        #expect(Loopholes.violations(in: SourceFile(path: "Sources/Ravioli/Good.swift", text: line)).isEmpty)
    }
}
