// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// Messages that keep their fields in storage.
@Suite struct LargeMessageTests {
    @Test func largeMessageIsOneReference() throws {
        #expect(MemoryLayout<Large>.size == 8 && MemoryLayout<VeryLarge>.size == 8)
        try expectRoundTrip(
            Large(field1: 1, field2: "two", field9: .green, field10: Scalars(anInt32: 3), field72: "last"),
            text: #"field_1: 1 field_2: "two" field_9: COLOR_GREEN field_10 { an_int32: 3 } field_72: "last""#
        )
    }

    @Test func veryLargeMessageHasAllItsFields() throws {
        #expect(VeryLarge.descriptor.fields.count == 303)
        try expectRoundTrip(
            VeryLarge(
                field1: 1, field11: [1, 2], field298: 5, choice: .second(6), larges: ["k": Large(field1: 7)]),
            text: """
                field_1: 1 field_11: [1, 2] field_298: 5 second: 6 larges { key: "k" value { field_1: 7 } }
                """)
    }

    @Test func copiesAreIndependent() throws {
        let first = Large(field1: 1)
        var second = first
        #expect(first == second && first.hashValue == second.hashValue)
        second.field1 = 2
        second.field10 = Scalars(aString: "changed")
        #expect(first.field1 == 1 && first.field10 == nil && first != second)
    }
}
