// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Writes fields of an encoded message one by one: what path and query give is a handful of fields, which become part
/// of the message by standing behind the others. Source: protobuf encoding guide.
struct WireWriter {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    mutating func varint(_ value: UInt64, numbered number: Int32) {
        tag(number, wireType: 0)
        raw(value)
    }

    mutating func fixed32(_ value: UInt32, numbered number: Int32) {
        tag(number, wireType: 5)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func fixed64(_ value: UInt64, numbered number: Int32) {
        tag(number, wireType: 1)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func blob(_ value: some Collection<UInt8>, numbered number: Int32) {
        tag(number, wireType: 2)
        raw(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Fields that are encoded already.
    mutating func fields(_ encoded: [UInt8]) { bytes += encoded }

    private mutating func tag(_ number: Int32, wireType: UInt64) { raw(UInt64(number) << 3 | wireType) }

    private mutating func raw(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}

extension [UInt8] {
    /// The last value of a field in an encoded message, through the messages on its path; nil if it is absent.
    func lastValue(of path: [FieldDescriptor]) -> WireRecords.Value? {
        var bytes = self[...]
        var value: WireRecords.Value?
        for field in path {
            value = nil
            var inner: [UInt8] = []
            var records = WireRecords(bytes)
            while let record = try? records.next() {
                guard record.number == field.number else { continue }
                value = record.value
                // Several records of one message are its parts.
                if case .bytes(let part) = record.value { inner += part }
            }
            bytes = inner[...]
        }
        return value
    }
}
