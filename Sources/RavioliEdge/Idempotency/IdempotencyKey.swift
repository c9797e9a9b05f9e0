// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import Ravioli

/// The value of an `Idempotency-Key` field: a structured string, `"8e03978e"` (draft-ietf-httpapi-idempotency-key-header,
/// section 2.1), or the same without quotes, as many clients send it. Both name the same key.
struct IdempotencyKey: Sendable, Hashable {
    let text: String

    /// Nil for what is no key: several, empty, too long, or other than printable ASCII.
    init?(_ values: [String], bytesMax: Int) {
        guard values.count == 1, let text = Self.unquoted(values[0].trimmed),
            (1...bytesMax).contains(text.utf8.count)
        else { return nil }
        self.text = text
    }

    private static func unquoted(_ value: String) -> String? {
        let quote = UInt8(ascii: "\""), backslash = UInt8(ascii: "\\")
        guard value.utf8.first == quote else {
            let others: [UInt8] = [quote, backslash, UInt8(ascii: ","), UInt8(ascii: ";")]
            let isBare = value.utf8.allSatisfy { (0x21...0x7E).contains($0) && !others.contains($0) }
            return isBare ? value : nil
        }
        var text: [UInt8] = []
        var rest = value.utf8.dropFirst()
        while let byte = rest.popFirst() {
            switch byte {
            case quote: return rest.isEmpty ? String(decoding: text, as: UTF8.self) : nil
            case backslash:
                guard let next = rest.popFirst(), next == quote || next == backslash else { return nil }
                text.append(next)
            case 0x20...0x7E: text.append(byte)
            default: return nil
            }
        }
        return nil
    }
}

/// One call that has a key, as the store knows it: nothing of it can be read back from there.
struct KeyedCall: Sendable {
    /// Whose key it is and for which method, as a digest.
    let scope: [UInt8]
    /// What a repeat must be equal in, as a digest.
    private(set) var fingerprint: [UInt8] = []
    /// Whether running it twice does no harm, by its schema.
    let isIdempotent: Bool
    private let credential: String

    init(_ key: IdempotencyKey, method: MethodName, caller: [String], credential: String, isIdempotent: Bool)
    {
        scope = Digest.of([method.fullName, key.text] + caller)
        self.credential = credential
        self.isIdempotent = isIdempotent
    }

    /// The call with this content.
    ///
    /// - Parameters:
    ///   - form: How the client speaks, which the answer depends on: its protocol and codec, or its REST rule.
    ///   - message: The request as it goes to the service, so that neither the order of JSON's members nor a
    ///     compression matters.
    func with(form: String, _ message: [UInt8]) -> KeyedCall {
        var call = self
        call.fingerprint = Digest.of([form, credential], message)
        return call
    }
}

/// SHA-256 over parts whose ends cannot be mistaken.
enum Digest {
    static func of(_ parts: [String], _ message: [UInt8] = []) -> [UInt8] {
        var hash = SHA256()
        for part in parts {
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(part.utf8))
        }
        hash.update(data: message)
        return Array(hash.finalize())
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
}
