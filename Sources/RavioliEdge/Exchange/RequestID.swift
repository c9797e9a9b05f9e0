// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The name of one request in answers, logs and the services' metadata.
enum RequestID {
    /// The client's own id if it may be used, else a new one of 128 random bits.
    static func of(_ fields: HTTPFields) -> String {
        let given = fields[values: .requestID]
        if given.count == 1, isUsable(given[0]) { return given[0] }
        return hex(UInt64.random(in: .min ... .max)) + hex(UInt64.random(in: .min ... .max))
    }

    /// Short, and of characters that mean nothing in logs, headers and JSON.
    static func isUsable(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
