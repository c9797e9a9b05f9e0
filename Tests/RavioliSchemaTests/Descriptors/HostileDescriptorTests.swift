// SPDX-License-Identifier: Apache-2.0

import BlockingTests
import RavioliSchema
import Testing

/// Descriptor sets that a peer may send: they are linked or refused, in bounded time, and never trap.
@Suite(.blocking) struct HostileDescriptorTests {
    // MARK: Building blocks, by the numbers of descriptor.proto

    private func text(_ number: UInt64, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }

    private func message(_ name: String, _ parts: [UInt8]...) -> [UInt8] {
        text(1, name) + parts.flatMap { $0 }
    }

    private func fieldOf(
        _ name: String, _ number: UInt64, type: UInt64 = 5, label: UInt64 = 1, typeName: String? = nil,
        _ more: [UInt8] = []
    ) -> [UInt8] {
        let parts = text(1, name) + field(3, number) + field(4, label) + field(5, type)
        return field(2, parts + (typeName.map { text(6, $0) } ?? []) + more)
    }

    private func file(
        _ name: String, imports: [String] = [], package: String = "", _ parts: [UInt8]...
    ) -> [UInt8] {
        let head = text(1, name) + (package.isEmpty ? [] : text(2, package)) + imports.flatMap { text(3, $0) }
        return field(1, head + parts.flatMap { $0 } + text(12, "proto3"))
    }

    private func declared(_ message: [UInt8]) -> [UInt8] { field(4, message) }

    private func refusal(_ set: [UInt8]) -> String? {
        do throws(SchemaError) {
            _ = try DescriptorPool(fileDescriptorSet: set)
            return nil
        } catch {
            return error.message
        }
    }

    // MARK: Sets

    @Test func linksFilesInAnyOrder() throws {
        let set =
            file("c", imports: ["b"], declared(message("C", fieldOf("a", 1, type: 11, typeName: ".B"))))
            + file("b", imports: ["a"], declared(message("B", fieldOf("a", 1, type: 11, typeName: ".A"))))
            + file("a", declared(message("A")))
        let pool = try DescriptorPool(fileDescriptorSet: set)
        #expect(pool.files.map(\.name) == ["a", "b", "c"])
        let again = try DescriptorPool(fileDescriptorSet: pool.fileDescriptorSet)
        #expect(again.files.map(\.name) == ["a", "b", "c"])
    }

    @Test func refusesContradictions() {
        let empty = declared(message("A"))
        #expect(refusal(file("a", imports: ["b"])) == "a imports b, which is missing")
        #expect(
            refusal(file("a", imports: ["b"]) + file("b", imports: ["a"])) == "the imports of a form a cycle")
        #expect(refusal(file("a", imports: ["a"])) == "the imports of a form a cycle")
        #expect(refusal(file("a") + file("a")) == "the file a is in the set twice")
        #expect(refusal(file("a", empty) + file("b", empty)) == "A is declared by two files")
        #expect(refusal(file("a", empty, empty)) == "A is declared twice")
        let missing = declared(message("A", fieldOf("b", 1, type: 11, typeName: ".B")))
        #expect(refusal(file("a", missing)) == "A.b refers to the unknown message type B")
        let notImported = file("b", declared(message("B"))) + file("a", missing)
        #expect(refusal(notImported) == "A.b refers to the unknown message type B")
        let twice = declared(message("A", fieldOf("x", 1), fieldOf("y", 1)))
        #expect(refusal(file("a", twice)) == "message A has two fields numbered 1")
        let sameName = declared(message("A", fieldOf("x", 1), fieldOf("x", 2)))
        #expect(refusal(file("a", sameName)) == "message A has two fields of the same name")
        let service = field(6, text(1, "S") + field(2, text(1, "M") + text(2, ".A") + text(3, ".A")))
        #expect(
            refusal(file("a", empty, service) + file("b", imports: ["a"], service))
                == "S is declared by two files")
        #expect(refusal(file("a", empty, service, service)) == "S is declared twice")
    }

    @Test("Field numbers out of range", arguments: [0, 536_870_912, UInt64(UInt32.max), .max] as [UInt64])
    func refusesFieldNumbers(_ number: UInt64) {
        #expect(refusal(file("a", declared(message("A", fieldOf("x", number))))) != nil)
    }

    @Test("Field types that do not exist", arguments: [0, 19, 255, 256 + 5, .max] as [UInt64])
    func refusesFieldTypes(_ type: UInt64) {
        #expect(refusal(file("a", declared(message("A", fieldOf("x", 1, type: type))))) != nil)
    }

    @Test("Oneofs that do not exist", arguments: [0, 1, UInt64(Int32.max), .max] as [UInt64])
    func refusesOneofs(_ index: UInt64) {
        #expect(refusal(file("a", declared(message("A", fieldOf("x", 1, field(9, index)))))) != nil)
    }

    static let names = ["", "1a", "a-b", "a b", "a.b", "é", "a\n", String(repeating: "a", count: 2_000)]

    @Test("Names that are no identifiers", arguments: names)
    func refusesNames(_ name: String) {
        #expect(refusal(file("a", declared(message(name)))) != nil)
        #expect(refusal(file("a", declared(message("A", fieldOf(name, 1))))) != nil)
        #expect(refusal(file("a", field(6, text(1, name)))) != nil)
        #expect(refusal(file("a", field(5, text(1, name) + field(2, text(1, "V"))))) != nil)
        if !name.isEmpty, name != "a.b" { #expect(refusal(file("a", package: name)) != nil) }
    }

    @Test func refusesWhatItDoesNotSupport() {
        let messageSet = declared(message("A", field(7, field(1, 1))))
        #expect(refusal(file("a", messageSet))?.contains("message_set_wire_format") == true)
        #expect(refusal(field(1, text(1, "a") + text(12, "proto4"))) == "syntax \"proto4\" is not supported")
        #expect(
            refusal(field(1, text(1, "a") + text(12, "editions") + field(14, 1_001)))?.contains("edition")
                == true)
        #expect(refusal(field(1, text(1, "a") + text(12, "editions") + field(14, 1_000))) == nil)
    }

    static let badEntries: [(String, UInt64, UInt64, UInt64)] = [
        ("a float key", 2, 1, 5), ("a bytes key", 12, 1, 5), ("a repeated key", 5, 3, 5),
        ("a group value", 5, 1, 10),
    ]

    @Test("Map entries that are none", arguments: badEntries)
    func refusesMapEntries(_ clause: String, _ keyType: UInt64, _ label: UInt64, _ valueType: UInt64) {
        let entry = message(
            "E", fieldOf("key", 1, type: keyType, label: label),
            fieldOf("value", 2, type: valueType, typeName: ".A"),
            field(7, field(7, 1)))
        #expect(refusal(file("a", declared(message("A")), declared(entry)))?.contains("map entry") == true)
    }

    // MARK: Size

    @Test func bindsNestedTypesToTheDepthLimit() {
        @Sendable func chain(_ depth: Int) -> [UInt8] {
            (1..<depth).reduce(message("M")) { inner, _ in message("M", field(3, inner)) }
        }
        let outcomes = onSmallStack {
            [refusal(file("a", declared(chain(100)))), refusal(file("a", declared(chain(101))))]
        }
        #expect(outcomes?[0] == nil)
        #expect(outcomes?[1] == "message types nested deeper than 100")
    }

    @Test(.timeLimit(.minutes(5))) func linksAChainOfTypesInLinearTime() throws {
        // Each type holds the next, and only the last has a required field.
        let count = 10_000
        let parts = (0..<count).flatMap { index in
            declared(message("M\(index)", fieldOf("next", 1, type: 11, typeName: ".M\(index + 1)")))
        }
        let last = declared(message("M\(count)", fieldOf("x", 1, label: 2)))
        let pool = try DescriptorPool(fileDescriptorSet: file("a", parts, last))
        let first = try #require(pool.message(named: "M0"))
        #expect(first.field(named: "next")?.messageType?.fullName == "M1")
    }

    @Test(.timeLimit(.minutes(5))) func linksAChainOfFilesInLinearTime() throws {
        let count = 5_000
        let set = (0..<count).flatMap { file("f\($0)", imports: $0 + 1 < count ? ["f\($0 + 1)"] : []) }
        #expect(try DescriptorPool(fileDescriptorSet: set).files.count == count)
    }

    @Test(.timeLimit(.minutes(5))) func linksAWideOneofInLinearTime() throws {
        let oneof = field(8, text(1, "o"))
        let members = (1...20_000).flatMap { fieldOf("f\($0)", UInt64($0), field(9, 0)) }
        let set = file("a", declared(message("A", members, oneof)))
        #expect(
            try DescriptorPool(fileDescriptorSet: set).message(named: "A")?.oneofs.first?.fieldNumbers.count
                == 20_000)
    }

    @Test func refusesNamesThatMultiply() {
        let package = Array(repeatElement("p23456789", count: 100)).joined(separator: ".")
        let types = (0..<20_000).flatMap { declared(message("M\($0)")) }
        #expect(
            refusal(file("a", package: package, types)) == "the full names of a file's types are too long")
    }

    @Test func refusesTooManyFieldsFilesAndImports() {
        let fields = (1...65_535).flatMap { fieldOf("f\($0)", UInt64($0)) }
        #expect(refusal(file("a", declared(message("A", fields)))) == "message A has more than 65534 fields")
        let files = (0...16_384).flatMap { file("f\($0)") }
        #expect(refusal(files) == "the set has more than 16384 files")
        let names = (0...1_024).map { "f\($0)" }
        let importing = names.flatMap { file($0) } + file("a", imports: names)
        #expect(refusal(importing) == "a file imports more than 1024 files")
    }

    // MARK: Mutations

    @Test func mutatedSetsAreLinkedOrRefused() throws {
        let plan = FuzzPlan(share: 0.5)
        var dice = Dice(seed: plan.seed)
        let own = DescriptorPool([Leaf.descriptor.file, Legacy.descriptor.file]).fileDescriptorSet
        let small = file(
            "a",
            declared(
                message(
                    "A", fieldOf("x", 1, type: 11, typeName: ".A"), field(8, text(1, "o")),
                    fieldOf("y", 2, field(9, 0)))))
        // Each set that is linked stays in memory, so their number is bounded too.
        var linked = 0
        while !plan.isOver, linked < 2_000 {
            var set = dice.chance(4) ? own : small
            set.mutate(&dice)
            do throws(SchemaError) {
                let pool = try DescriptorPool(fileDescriptorSet: set)
                linked += 1
                for message in pool.files.flatMap(\.messages) {
                    #expect(message.field(named: "x")?.number != 0)
                }
            } catch {
                #expect(error.code == .invalidSchema || error.code == .invalidData)
            }
        }
    }
}
