// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// The name of one request in answers, logs and the services' metadata.
enum RequestID {
    /// The client's own id if it may be used, else a new one of 128 random bits.
    static func of(_ fields: HTTPFields) -> String {
        let given = fields[values: .requestID]
        if given.count == 1, isUsable(given[0]) { return given[0] }
        return made()
    }

    // Ids are no secrets: a process draws two numbers once, which part it from all others, and mixes its count with them.
    // The system's random numbers would cost two calls into the kernel for each request.
    private static let start = UInt64.random(in: .min ... .max)
    private static let other = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// A new id of 128 bits.
    private static func made() -> String {
        let number = start &+ count.wrappingAdd(1, ordering: .relaxed).oldValue
        return String(unsafeUninitializedCapacity: 32) { bytes in
            write(mixed(number), to: bytes, at: 0)
            write(mixed(number ^ other), to: bytes, at: 16)
            return 32
        }
    }

    /// Another number for each number (the end of SplitMix64).
    private static func mixed(_ number: UInt64) -> UInt64 {
        var number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }

    /// Writes 16 hexadecimal digits.
    private static func write(_ value: UInt64, to bytes: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        for index in 0..<16 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 0xF
            bytes[start + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
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
}
