// SPDX-License-Identifier: Apache-2.0

@testable import RavioliSchema
import BlockingTests
import Testing

/// Input made to exhaust the stack, the memory or the time, each on the smallest stack that a thread may have.
@Suite(.blocking) struct HostileInputTests {
    /// The error's code and the depth of its path, or what was decoded.
    private func outcome(_ bytes: [UInt8], as type: Sample) -> Result<[UInt8], SchemaError> {
        onSmallStack {
            do throws(SchemaError) { return .success(try type.recode(bytes)) } catch {
                return .failure(error)
            }
        } ?? .failure(SchemaError(.invalidSchema, "no thread"))
    }

    private func refusal(_ bytes: [UInt8], as type: Sample) -> SchemaError? {
        if case .failure(let error) = outcome(bytes, as: type) { error } else { nil }
    }

    // MARK: Depth

    /// A message type, the fields by which it contains itself, and what one level of it has beside the next.
    static let routes: [(Sample, [UInt64])] = [
        (.leaf, [5]), (.leaf, [6]), (.leaf, [11]), (.leaf, [12, 2]), (.legacy, [18]), (.legacy, [10]),
    ]

    private func message(_ route: [UInt64], depth: Int, around innermost: [UInt8] = []) -> [UInt8] {
        var message = innermost
        for level in (0..<depth).reversed() { message = field(route[level % route.count], message) }
        return message
    }

    @Test("Depth 100 passes and 101 does not", arguments: routes)
    func boundsDepth(_ type: Sample, _ route: [UInt64]) throws {
        #expect(try outcome(message(route, depth: 100), as: type).get().count > 100)
        let error = refusal(message(route, depth: 101), as: type)
        #expect(error?.code == .limitExceeded)
        #expect(error?.message == "nested deeper than 100 levels")
        #expect(error?.path.split(separator: ".").count == 101)
        #expect(error?.offset != nil)
    }

    @Test func boundsDepthWithRequiredFieldsOnTheWay() throws {
        let fields = hex("08 01 38 01")
        var message = fields
        for _ in 0..<100 { message = field(2, message) + fields }
        #expect(try outcome(message, as: .strict).get().count == message.count)
        #expect(refusal(field(2, message) + fields, as: .strict)?.code == .limitExceeded)
    }

    @Test func boundsDepthOfUnknownGroups() throws {
        func groups(_ depth: Int) -> [UInt8] {
            Array(repeatElement([0xfb, 0x07], count: depth).joined())
                + Array(repeatElement([0xfc, 0x07], count: depth).joined())
        }
        #expect(try outcome(groups(100), as: .leaf).get() == groups(100))
        #expect(refusal(groups(101), as: .leaf)?.code == .limitExceeded)
        #expect(refusal(groups(1_000_000), as: .leaf)?.code == .limitExceeded)
        // Messages and groups count together.
        #expect(try outcome(nested(5, depth: 60, around: groups(40)), as: .leaf).get().count > 100)
        #expect(refusal(nested(5, depth: 60, around: groups(41)), as: .leaf)?.code == .limitExceeded)
    }

    @Test func boundsDepthWhenMerging() throws {
        let twice = nested(5, depth: 99, around: field(5, field(1, 1)) + field(5, field(2, 2)))
        let once = nested(5, depth: 100, around: field(1, 1) + field(2, 2))
        #expect(try outcome(twice, as: .leaf).get() == once)
        let deeper = nested(5, depth: 100, around: field(5, []) + field(5, []))
        #expect(refusal(deeper, as: .leaf)?.code == .limitExceeded)
        let everywhere = (0..<12).reduce(field(1, 1)) { message, _ in field(5, message) + field(5, message) }
        #expect(try outcome(everywhere, as: .leaf).get() == nested(5, depth: 12, around: field(1, 1)))
    }

    @Test func boundsDepthWhenEncoding() throws {
        @Sendable func leaf(_ depth: Int) -> Leaf {
            (0..<depth).reduce(Leaf(a: 1)) { inner, _ in Leaf(leaf: inner) }
        }
        let sizes = onSmallStack { [99, 100].map { try? leaf($0).encoded().count } }
        #expect(sizes?.allSatisfy { $0 != nil } == true)
        let error = onSmallStack { () -> SchemaError? in
            do throws(SchemaError) { _ = try leaf(101).encoded() } catch { return error }
            return nil
        }
        #expect(error??.code == .invalidValue)
        #expect(error??.path == Array(repeatElement("leaf", count: 100)).joined(separator: "."))
    }

    @Test func namesTheBranchThatIsTooDeepToEncode() {
        let deep = (0..<98).reduce(Leaf(leaf: Leaf(leaf: Leaf()))) { inner, _ in Leaf(choice: .right(inner)) }
        let flat = (0..<97).reduce(Leaf(leaf: Leaf())) { inner, _ in Leaf(leaf: inner) }
        let error = #expect(throws: SchemaError.self) { try Leaf(leaves: [Leaf(), flat, deep]).encoded() }
        #expect(
            error?.path == "leaves." + Array(repeatElement("right", count: 98)).joined(separator: ".")
                + ".leaf")
    }

    @Test func refusesTwentyNineKilobytesOfNesting() {
        var message: [UInt8] = []
        for _ in 0..<9_000 { message = field(5, message) }
        #expect(message.count > 29_000)
        let error = refusal(message, as: .leaf)
        #expect(error?.code == .limitExceeded)
        #expect(error?.path == Array(repeatElement("leaf", count: 101)).joined(separator: "."))
    }

    // MARK: Memory

    @Test func refusesMillionsOfEmptyMessagesBeforeAllocating() {
        let message = Array(repeatElement([0x6a, 0x00] as [UInt8], count: 2 << 20).joined())
        let arena = Arena.make(budget: Codec.arenaBudget(.defaults))
        defer { arena.destroy() }
        let before = arena.state.pointee.budget
        let error = #expect(throws: SchemaError.self) {
            try message.withUnsafeBytes {
                try Codec.unpack($0, as: Lists.descriptor, limits: .defaults, arena: arena)
            }
        }
        #expect(error?.code == .limitExceeded)
        #expect(error?.path == "empty")
        #expect(arena.state.pointee.budget == before)
    }

    static let floods: [(Sample, [UInt8])] = [
        (.maps, [0x0a, 0x00]), (.lists, [0x62, 0x00]), (.lists, [0x52, 0x00]), (.leaf, [0x5a, 0x00]),
        (.leaf, [0x62, 0x00]), (.scalars, [0xf8, 0x07, 0x00]),
        (.legacy, [0x20, 0x63]), (.legacy, [0x32, 0x01, 0x63]), (.strict, [0x1a, 0x00]),
        (.crowd, [0x8a, 0x04, 0x00]),
    ]

    @Test("Half a megabyte of the smallest record", .timeLimit(.minutes(5)), arguments: floods)
    func boundsFloods(_ type: Sample, _ record: [UInt8]) {
        let message = Array(repeatElement(record, count: (512 << 10) / record.count).joined())
        let limits = SchemaLimits(decodedBytesMax: 4 << 20)
        #expect(throws: SchemaError.self) { _ = try type.recode(message, limits: limits) }
    }

    @Test(.timeLimit(.minutes(5))) func manyEmptyGroupsAreKept() throws {
        let message = Array(repeatElement([0xfb, 0x07, 0xfc, 0x07] as [UInt8], count: 1 << 17).joined())
        let isKept = try Sample.scalars.recode(message) == message
        #expect(isKept)
    }

    @Test func packedNumbersThatFillAMessagePass() throws {
        let message = field(1, [UInt8](repeating: 1, count: (4 << 20) - 8))
        #expect(try Lists(decoding: message).i32.count == (4 << 20) - 8)
    }

    @Test func aLengthOfFourGibibytesAllocatesNothing() {
        let arena = Arena.make(budget: 1 << 20)
        defer { arena.destroy() }
        let before = arena.state.pointee.budget
        let error = #expect(throws: SchemaError.self) {
            try hex("7a ff ff ff ff 0f").withUnsafeBytes {
                try Codec.unpack($0, as: Scalars.descriptor, limits: .defaults, arena: arena)
            }
        }
        #expect(error?.code == .invalidData)
        #expect(arena.state.pointee.budget == before)
    }

    // MARK: Truncation

    @Test("Every prefix of a valid message decodes or is refused", arguments: Sample.allCases)
    func survivesTruncation(_ type: Sample) throws {
        var dice = Dice(seed: 99)
        for _ in 0..<10 {
            let message = try Samples.bytes(of: type, &dice)
            #expect(try type.recode(message).count == message.count)
            for end in 0..<min(message.count, 1_500) {
                do throws(SchemaError) {
                    _ = try type.recode(Array(message[..<end]))
                } catch {
                    #expect(error.code == .invalidData)
                    #expect((error.offset ?? 0) <= end)
                }
            }
        }
    }

    @Test func errorsDoNotEchoWhatTheyRefuse() {
        let error = #expect(throws: SchemaError.self) {
            try Scalars(decoding: field(14, Array("secret".utf8) + [0xff]))
        }
        #expect(error?.description == "invalid UTF-8 in field text at byte 8")
    }
}
