// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// `google.api.HttpBody`: bytes that cross HTTP as they are.
enum HTTPBody {
    static let typeName = "google.api.HttpBody"

    private static let contentType: Int32 = 1
    private static let data: Int32 = 2

    static func isType(_ type: MessageDescriptor?) -> Bool { type?.fullName == typeName }

    /// Bytes that came in, encoded.
    static func encoded(_ bytes: UnsafeRawBufferPointer, contentType: String?) -> [UInt8] {
        var wire = WireWriter()
        if let contentType { wire.blob(contentType.utf8, numbered: Self.contentType) }
        if !bytes.isEmpty { wire.blob(bytes, numbered: data) }
        return wire.bytes
    }

    /// Takes an encoded one apart. A type that could not stand in a header is left out.
    static func parts(of encoded: some Sequence<UInt8>) throws(SchemaError) -> (type: String, data: [UInt8]) {
        var (type, data) = ("", [UInt8]())
        var records = WireRecords(Array(encoded))
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            if record.number == contentType { type = String(decoding: value, as: UTF8.self) }
            if record.number == Self.data { data = Array(value) }
        }
        let isPrintable = !type.isEmpty && type.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        return (isPrintable ? type : "application/octet-stream", data)
    }
}
