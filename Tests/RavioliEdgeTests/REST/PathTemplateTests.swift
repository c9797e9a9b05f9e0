// SPDX-License-Identifier: Apache-2.0

@testable import RavioliEdge
import Testing

@Suite struct PathTemplateTests {
    @Test func readsEveryPartOfTheGrammar() throws {
        let template = try PathTemplate("/v1/{volume.name=shelves/*/volumes/**}:lend")
        #expect(
            template.segments == [
                .literal("v1"), .literal("shelves"), .any, .literal("volumes"), .rest,
            ])
        #expect(
            template.variables == [
                .init(fieldPath: ["volume", "name"], segments: 1..<5, takesSeveral: true)
            ])
        #expect(template.verb == "lend")
    }

    @Test func variableWithoutTemplateIsOneSegment() throws {
        let template = try PathTemplate("/{a}/{b=*}/*")
        #expect(template.segments == [.any, .any, .any])
        #expect(template.variables.map(\.takesSeveral) == [false, false])
    }

    @Test func literalsAreDecodedOnce() throws {
        #expect(try PathTemplate("/a%2520b:c%2Dd").segments == [.literal("a%20b")])
        #expect(try PathTemplate("/a:c%2Dd").verb == "c-d")
    }

    @Test(arguments: [
        ("v1", "a template begins with \"/\", which is missing at character 1"),
        ("/", "a segment is missing at character 2"), ("/v1/", "a segment is missing at character 5"),
        ("//v1", "a segment is missing at character 2"),
        ("/{a", "a variable ends with \"}\", which is missing at character 4"),
        ("/{}", "the name of a field is missing at character 3"),
        ("/{a.}", "the name of a field is missing at character 5"),
        ("/{1a}", "the name of a field is missing at character 3"),
        ("/{a=}", "a segment is missing at character 5"),
        ("/{a={b}}", "variables do not nest, and one begins at character 6"),
        ("/**/a", "** is the last segment, and another follows at character 5"),
        ("/{a=**}/b", "** is the last segment, and another follows at character 9"),
        ("/***", "a segment is *, ** or text, and a third * stands at character 4"),
        ("/ext-{id}", "a segment is all variable or all text, and both meet at character 6"),
        ("/{id}.json", "a segment is all variable or all text, and both meet at character 6"),
        ("/{a}/{a}", "a is bound twice, again at character 9"),
        ("/a:", "a verb is missing at character 4"),
        ("/a:b:c", "a template has one verb, and a second begins at character 5"),
        ("/a:b/c", "nothing may follow, and something does at character 5"),
        ("/a b", "nothing may follow, and something does at character 3"),
        ("/a?b=c", "nothing may follow, and something does at character 3"),
        ("/%4", "a segment with a broken escape ends at character 4"),
    ])
    func refusesWithTheCharacter(text: String, error: String) {
        #expect(throws: RESTRuleError(error)) { try PathTemplate(text) }
    }
}
