// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

struct WireRecordsTests {
    private func all(_ bytes: String) throws -> [WireRecords.Record] {
        var records = WireRecords(hex(bytes))
        var result: [WireRecords.Record] = []
        while let record = try records.next() { result.append(record) }
        return result
    }

    @Test func readsEachWireType() throws {
        let records = try all("08 96 01 11 01 02 03 04 05 06 07 08 1a 02 61 62 23 08 01 24 2d 01 02 03 04")
        #expect(records.map(\.number) == [1, 2, 3, 4, 5])
        #expect(
            records.map(\.value) == [
                .varint(150), .fixed64(0x0807_0605_0403_0201), .bytes([0x61, 0x62]), .group([8, 1]),
                .fixed32(0x0403_0201),
            ])
    }

    @Test(
        "Ill-formed records",
        arguments: [
            "08", "80", "00 01", "80 80 80 80 10 00", "88 80 80 80 80 00 01",
            "08 80 80 80 80 80 80 80 80 80 80 01", "09 01", "0d 01",
            "0a 02 61", "0a ff ff ff ff 0f", "0a 80 80 80 80 80 00", "0b", "0b 14", "0c", "0e", "0f",
        ])
    func refuses(_ bytes: String) {
        let error = #expect(throws: SchemaError.self) { try all(bytes) }
        #expect(error?.code == .invalidData)
        #expect(error?.offset != nil)
    }

    @Test func boundsTheDepthOfGroups() throws {
        func groups(_ depth: Int) -> String {
            String(repeating: "0b ", count: depth) + String(repeating: "0c ", count: depth)
        }
        #expect(try all(groups(100)).count == 1)
        #expect(throws: SchemaError.self) { try all(groups(101)) }
    }
}
