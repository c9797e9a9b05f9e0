// SPDX-License-Identifier: Apache-2.0

import Ravioli
import Testing

@testable import RavioliEdge

/// What holds for each of the edge's files: its own, that of REST rules, and that of plans.
struct YAMLFileTests {
    enum File: String, CaseIterable {
        case edge, rules, plans

        /// What is wrong with a text of its kind; nil for nothing.
        func fault(_ yaml: String) -> String? {
            do {
                switch self {
                case .edge: _ = try EdgeConfiguration(yaml: yaml, name: "f.yaml", folder: "")
                case .rules: _ = try RESTRuleFile(yaml: yaml, name: "f.yaml")
                case .plans: _ = try PlanFile(yaml: yaml, name: "f.yaml")
                }
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    @Test(arguments: File.allCases) func aliasesAreRefusedBeforeTheyArePutInPlace(file: File) {
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let list = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            laughs += "a\(level): &a\(level) [\(list)]\n"
        }
        #expect(file.fault(laughs)?.contains("f.yaml has anchors and aliases (& and *)") == true)
    }

    @Test(arguments: File.allCases) func depthAndSizeAreBounded(file: File) {
        let deep = "a: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(file.fault(deep)?.contains("f.yaml is nested deeper than 64 levels in line 1") == true)
        let long = "# " + String(repeating: "a", count: YAMLText.bytesMax)
        #expect(file.fault(long)?.contains("f.yaml is over 1048576 bytes") == true)
    }

    @Test(arguments: File.allCases) func faultsNameTheFileAndTheLine(file: File) {
        let start = file == .edge ? "upstreams: [{ name: a, address: \"h:1\" }]" : ""
        let unknown = file.fault(start + "\nnope: 1")
        #expect(unknown?.contains("f.yaml, line 2: the file has no key \"nope\"; there are ") == true)
        #expect(
            file.fault("- 1")?.contains("f.yaml, line 1: the file is a mapping of keys to values") == true)
        #expect(file.fault("a: [")?.contains("f.yaml is no YAML: ") == true)
        #expect(file.fault("a: 1\na: 2")?.contains("has a key that is there already: \"a\"") == true)
        #expect(file.fault("? [a]\n: 1")?.contains("f.yaml, line 1: a key is a text") == true)
    }

    @Test func timesAreReadAlikeEverywhere() {
        for text in ["1", "s", "-1s", "1e3s", "0x1s", "infs", "1 s", "1d", "", "1..5s"] {
            #expect(WrittenUnits.duration(text) == nil, "\(text)")
            let plan =
                "plans:\n  P:\n    get: /p\n    timeout: \"\(text)\"\n    steps: { a: { call: a.B/C } }"
            #expect(File.plans.fault(plan)?.contains("f.yaml, line 4: timeout is a time") == true, "\(text)")
            let edge = "upstreams: [{ name: a, address: \"h:1\" }]\nlimits:\n  drain_timeout: \"\(text)\""
            #expect(File.edge.fault(edge)?.contains("f.yaml, line 3: drain_timeout is a") == true, "\(text)")
        }
        for text in ["0s", "601s", "1h"] {
            let plan = "plans:\n  P:\n    get: /p\n    timeout: \(text)\n    steps: { a: { call: a.B/C } }"
            #expect(File.plans.fault(plan)?.contains("ten minutes at most") == true, "\(text)")
        }
    }
}
