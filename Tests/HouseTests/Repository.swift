// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a rule has against a place in a file.
struct Violation: Hashable, CustomStringConvertible {
    var path: String
    /// Counted from 1.
    var line: Int
    var complaint: String

    var description: String { "\(path):\(line): \(complaint)" }
}

/// A text file of the repository.
struct SourceFile: Sendable {
    /// Relative to the root, as `Sources/Ravioli/Calls/Deadline.swift`.
    let path: String
    let lines: [Substring]
    /// Swift that people wrote: the lines with the contents of comments and string literals blanked.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard path.hasSuffix(".swift"), !path.hasSuffix(".ravioli.swift") else {
            code = path.hasSuffix(".swift") ? lines : []
            return
        }
        code = SwiftText.blankingCommentsAndStrings(in: text).split(separator: "\n", omittingEmptySubsequences: false)
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isGenerated: Bool { path.hasSuffix(".ravioli.swift") }
    /// `["Sources", "Ravioli", "Calls", "Deadline.swift"]`
    var components: [Substring] { path.split(separator: "/") }
    /// The target that it belongs to, if it lies in Sources.
    var module: String? {
        components.first == "Sources" && components.count > 2 ? String(components[1]) : nil
    }
    /// The file's name up to the first dot or plus sign.
    var stem: Substring { (components.last ?? "").prefix { $0 != "." && $0 != "+" } }

    func violation(_ index: Int, _ complaint: String) -> Violation {
        Violation(path: path, line: index + 1, complaint: complaint)
    }

    /// A complaint for each line of code with a match.
    func violations(of pattern: some RegexComponent, _ complaint: String) -> [Violation] {
        code.indices.filter { code[$0].contains(pattern) }.map { violation($0, complaint) }
    }
}

/// The working copy that these tests belong to.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// All text files but those that a build or a run leaves behind.
    static let files: [SourceFile] = {
        let folders = [
            "Sources", "Tests", "Protos", "Scripts", "Plugins", "Examples", "Benchmarks", ".ci", "Package.swift",
            "README.md",
        ]
        return folders.flatMap { paths(below: $0) }.compactMap { path in
            guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else { return nil }
            return SourceFile(path: path, text: text)
        }
    }()

    static let swift = files.filter(\.isSwift)
    /// Swift that people wrote.
    static let handwritten = swift.filter { !$0.isGenerated }
    static let sources = handwritten.filter { $0.components.first == "Sources" }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private static func paths(below path: String) -> [String] {
        let url = root.appending(path: path).resolvingSymlinksInPath()
        guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else { return [] }
        guard values.isDirectory == true else { return [path] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().filter { !$0.hasPrefix(".") && !$0.hasPrefix("__") }.flatMap { name in
            paths(below: "\(path)/\(name)")
        }
    }
}
