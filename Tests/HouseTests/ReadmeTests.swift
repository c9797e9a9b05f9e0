// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import Foundation
import Testing

/// A fenced block of a Markdown page.
struct FencedBlock: Hashable {
    var language: Substring
    var lines: [Substring]
    /// The file named by the comment `<!-- FILE -->` in the line above, of which the block is a part.
    var origin: Substring?

    static func all(in text: String) -> [FencedBlock] {
        var blocks: [FencedBlock] = []
        var open: FencedBlock?
        var above: Substring = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```"), let block = open {
                blocks.append(block)
                open = nil
            } else if line.hasPrefix("```") {
                open = FencedBlock(
                    language: line.dropFirst(3), lines: [],
                    origin: above.wholeMatch(of: #/<!-- (\S+) -->/#)?.output.1)
            } else {
                open?.lines.append(line)
            }
            above = line
        }
        return blocks
    }

    /// Whether the block stands in the text, however both are broken into lines and indented. A line `…` stands for
    /// any number of lines.
    func isPart(of text: String) -> Bool {
        var rest = text.filter { !$0.isWhitespace }[...]
        for run in lines.split(separator: "…") {
            guard let found = rest.range(of: run.joined().filter { !$0.isWhitespace }) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}

/// What the README claims.
enum Readme {
    /// The names in the first column of the table under the heading.
    static func names(inTableUnder heading: String, of text: String) -> Set<String> {
        guard let start = text.range(of: "\n\(heading)\n") else { return [] }
        let section = text[start.upperBound...].split(separator: "\n")
        let rows = section.prefix { !$0.hasPrefix("## ") }.compactMap {
            $0.prefixMatch(of: #/\| *`([^`]+)`/#)
        }
        return Set(rows.map { String($0.output.1) })
    }

    /// The targets of a manifest that are not tests or for tests alone.
    static func targets(ofManifest text: String) -> Set<String> {
        let starts = text.matches(
            of: #/\.(target|executableTarget|systemLibrary|plugin|testTarget)\(\s*name: "([^"]+)"/#)
        var names: Set<String> = []
        for (index, start) in starts.enumerated() where start.output.1 != "testTarget" {
            let end = index + 1 < starts.count ? starts[index + 1].range.lowerBound : text.endIndex
            if !text[start.range.upperBound..<end].contains("path: \"Tests/") {
                names.insert(String(start.output.2))
            }
        }
        return names
    }

    /// What `swift run` can run in the package in a folder.
    static func programs(inPackage folder: String) -> Set<String> {
        let manifest =
            (try? Repository.text(folder == "" ? "Package.swift" : "\(folder)/Package.swift")) ?? ""
        let pattern = #/\.(?:executable|executableTarget)\(\s*name: "([^"]+)"/#
        return Set(manifest.matches(of: pattern).map { String($0.output.1) })
    }

    /// The commands of a shell block that name nothing that exists.
    static func unknownCommands(
        in block: FencedBlock, exists: (String) -> Bool, programs: (String) -> Set<String>
    ) -> [String] {
        guard ["sh", "bash", "shell", "console"].contains(block.language) else { return [] }
        var continues = false
        return block.lines.filter { line in
            defer { continues = line.hasSuffix("\\") }
            return !continues && !isKnown(line, exists, programs)
        }.map(String.init)
    }

    private static func isKnown(
        _ line: Substring, _ exists: (String) -> Bool, _ programs: (String) -> Set<String>
    ) -> Bool {
        var words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
        guard let command = words.first else { return true }
        if command.contains("/") { return exists(command) }
        if words.starts(with: ["swift", "run"]) {
            var folder = ""
            if words.count > 4, words[2] == "--package-path" {
                folder = words[3]
                words.removeSubrange(2...3)
            }
            return words.count > 2 && programs(folder).contains(words[2])
        }
        return ["curl", "cd"].contains(command)
    }
}

@Suite(.blocking) struct ReadmeTests {
    @Test func opensWithTheTwoCommands() throws {
        let first = FencedBlock.all(in: try Repository.text("README.md")).first
        #expect(first?.lines.map { String($0.prefix { $0 != " " }) } == ["Scripts/demo", "Scripts/test"])
    }

    @Test func namesEveryModule() throws {
        let documented = Readme.names(inTableUnder: "## Modules", of: try Repository.text("README.md"))
        let targets = Readme.targets(ofManifest: try Repository.text("Package.swift"))
        #expect(
            documented == targets, "only in one of both: \(documented.symmetricDifference(targets).sorted())")
    }

    @Test func seesAMissingModule() {
        let manifest = """
            .systemLibrary(
                name: "C", pkgConfig: "c"), .target(name: "A", dependencies: []),
            .executableTarget(
                name: "run-a", dependencies: ["A"]),
            .target(
                name: "Samples", dependencies: ["A"], path: "Tests/Samples"),
            .testTarget(name: "ATests", dependencies: ["A"]),
            """
        #expect(Readme.targets(ofManifest: manifest) == ["A", "C", "run-a"])
        let text =
            "\n## Modules\n\n| module | what |\n|---|---|\n| `A` | x `z` |\n| `B` | y |\n\n## More\n\n| `C` | z |\n"
        #expect(Readme.names(inTableUnder: "## Modules", of: text) == ["A", "B"])
    }

    @Test func commandsExist() throws {
        for block in FencedBlock.all(in: try Repository.text("README.md")) {
            let unknown = Readme.unknownCommands(
                in: block, exists: Repository.exists, programs: Readme.programs)
            #expect(unknown == [])
        }
    }

    @Test(arguments: [
        "Scripts/gone", "swift run gone", "gone --help", "./gone", "swift run --package-path There here x",
        "swift run", "sudo gone",
    ])
    func seesAnUnknownCommand(line: String) {
        let text = """
            ```sh
            Scripts/here now
            curl x \\
                -d y
            swift run here z  # why
            swift run --package-path There there x
            \(line)
            ```
            """
        let unknown = Readme.unknownCommands(in: FencedBlock.all(in: text)[0]) {
            $0 == "Scripts/here"
        } programs: {
            $0 == "There" ? ["there"] : ["here"]
        }
        #expect(unknown == [line])
    }

    @Test func snippetsAreReal() throws {
        let blocks = FencedBlock.all(in: try Repository.text("README.md"))
        for block in blocks where ["swift", "proto"].contains(block.language) {
            let origin = try #require(block.origin, "no <!-- FILE --> above \(block.lines.first ?? "")")
            #expect(block.isPart(of: try Repository.text(String(origin))), "not in \(origin): \(block.lines)")
        }
    }

    @Test func seesAnInventedSnippet() {
        let block = FencedBlock.all(in: "<!-- a.swift -->\n```swift\nlet x = 1\n…\n\nlet y = 2\n```\n")[0]
        #expect(block.origin == "a.swift")
        #expect(block.isPart(of: "  let x = 1\n  f()\n  let y = 2\n"))
        #expect(!block.isPart(of: "  let x = 1\n  f()\n  let z = 2\n"))
        #expect(!block.isPart(of: "  let y = 2\n  let x = 1\n"))
    }

    @Test func pagesItPointsToExist() throws {
        for match in try Repository.text("README.md").matches(of: #/\]\(([^)#:\s]+)\)/#) {
            #expect(Repository.exists(String(match.output.1)), "\(match.output.1) does not exist")
        }
    }
}
