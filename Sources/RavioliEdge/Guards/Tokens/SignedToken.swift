// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Why a token is not accepted: what the client is told, which is for developers and says nothing of keys and options.
package enum TokenFault: String, Error, Sendable, Hashable {
    case malformed = "the token is malformed"
    case tooLong = "the token is too long"
    case algorithm = "the token's algorithm is not accepted"
    case type = "the token is of another type"
    case extensions = "the token demands extensions"
    case key = "no key fits the token"
    case signature = "the token's signature does not fit"
    case claims = "the token's claims are malformed"
    case noExpiry = "the token does not expire"
    case expired = "the token has expired"
    case notYet = "the token is not valid yet"
    case issuer = "the token is from another issuer"
    case audience = "the token is for another audience"
}

/// A token in its compact form (RFC 7515, section 7.1), taken apart. Nothing of it is verified.
package struct SignedToken: Sendable {
    /// What its header says.
    let algorithm: JWTOptions.Algorithm
    let keyID: String?
    /// The text that is signed.
    let signed: [UInt8]
    let signature: [UInt8]
    private let payload: ArraySlice<UInt8>

    /// Reads a token. Its claims are not looked at before somebody asks for them.
    ///
    /// - Parameters:
    ///   - algorithms: those that are accepted.
    ///   - types: the values of `typ` that are accepted, in lower case, without `application/`.
    /// - Throws: The first thing that is wrong.
    package init(
        _ text: some Collection<UInt8>, algorithms: Set<JWTOptions.Algorithm>, types: Set<String>,
        bytesMax: Int
    ) throws(TokenFault) {
        guard text.count <= bytesMax else { throw .tooLong }
        let bytes = Array(text)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decoded(parts[0]),
            let fields = ClaimValue(json: header)?.object, let signature = Self.decoded(parts[2])
        else { throw .malformed }
        guard let name = fields["alg"]?.string, let algorithm = JWTOptions.Algorithm(rawValue: name),
            algorithms.contains(algorithm)
        else { throw .algorithm }
        guard fields["crit"] == nil, fields["b64"] == nil else { throw .extensions }
        if let type = fields["typ"] {
            guard let name = type.string?.lowercased() else { throw .malformed }
            let media = name.hasPrefix("application/") ? String(name.dropFirst(12)) : name
            guard types.contains(media) else { throw .type }
        }
        if let keyID = fields["kid"] {
            guard let keyID = keyID.string else { throw .malformed }
            self.keyID = keyID
        } else {
            keyID = nil
        }
        self.algorithm = algorithm
        self.signature = signature
        payload = parts[1]
        signed = Array(bytes[..<parts[1].endIndex])
    }

    /// The claims. Ask only once the signature has been verified.
    func claims() throws(TokenFault) -> [String: ClaimValue] {
        guard let json = Self.decoded(payload), let claims = ClaimValue(json: json)?.object else {
            throw .claims
        }
        return claims
    }

    /// URL-safe base64 without padding, and nothing else: bytes have one text alone.
    private static func decoded(_ part: ArraySlice<UInt8>) -> [UInt8]? {
        let isURLSafe = part.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isURLSafe, let bytes = Base64.decode(part) else { return nil }
        let end = Base64.encode(bytes.suffix(bytes.count % 3), padded: false).utf8.map { digit in
            switch digit {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: digit
            }
        }
        return part.suffix(end.count).elementsEqual(end) ? bytes : nil
    }
}
