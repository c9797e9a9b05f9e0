// SPDX-License-Identifier: Apache-2.0

// How paging works: a page ends at a row, and the token says which, by its sort key and its row id ("keyset"
// paging). The next page asks for what comes after that row, which an index finds at once, and which no
// insert or delete elsewhere can shift. An offset would count rows: slow when deep, and wrong as soon as a
// row before it comes or goes.
//
// A token is 25 bytes in unpadded base64url, numbers in network order:
//
//     offset  size  what
//     0       1     version, 1
//     1       8     sort key of the last row, two's complement
//     9       8     row id of the last row, two's complement
//     17      8     fingerprint of the query and of all bytes before
//
// The fingerprint refuses mutilated tokens and tokens used with another query. It is no signature, and needs
// none: a forged token only names another row to start after, which grants nothing that the query itself does
// not.

/// The place where a page of a search ended.
package struct PageToken: Sendable, Hashable {
    /// The sort key of the last row shown.
    package var key: Int64

    /// The row id of the last row shown, which decides between equal keys.
    package var rowID: Int64

    private static let version: UInt8 = 1
    private static let byteCount = 25

    package init(key: Int64, rowID: Int64) {
        self.key = key
        self.rowID = rowID
    }

    /// Reads a token that was written for the same query.
    ///
    /// - Parameter query: The fingerprint of everything that decides which rows follow in which order.
    /// - Throws: `ValidationError` for the field `page_token`, if the token is none of ours or belongs to
    ///   another query.
    package init(_ text: String, query: Fingerprint) throws(ValidationError) {
        guard let bytes = Base64URL.decode(text), bytes.count == Self.byteCount, bytes[0] == Self.version
        else {
            throw ValidationError("page_token", "is not a token that this method has given out")
        }
        key = Self.number(bytes[1..<9])
        rowID = Self.number(bytes[9..<17])
        guard UInt64(bitPattern: Self.number(bytes[17..<25])) == sealed(for: query) else {
            throw ValidationError(
                "page_token", "belongs to another search: repeat the filters and the order of the first page")
        }
    }

    /// The token as text, good for the query with this fingerprint only.
    package func text(query: Fingerprint) -> String {
        Base64URL.encode(header + Self.bytes(Int64(bitPattern: sealed(for: query))))
    }

    private var header: [UInt8] {
        [Self.version] + Self.bytes(key) + Self.bytes(rowID)
    }

    private func sealed(for query: Fingerprint) -> UInt64 {
        var fingerprint = query
        fingerprint.add(header)
        return fingerprint.value
    }

    private static func bytes(_ number: Int64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        Int64(bitPattern: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// How many rows a page holds.
package enum PageSize {
    /// The size to use for the size that was asked for: the default for 0, never more than `PageLimits.rowsMax`.
    ///
    /// - Throws: `ValidationError` for the field `page_size`, if it is negative.
    package static func effective(_ asked: Int) throws(ValidationError) -> Int {
        guard asked >= 0 else {
            throw ValidationError("page_size", "must not be negative")
        }
        return asked == 0 ? PageLimits.rowsDefault : min(asked, PageLimits.rowsMax)
    }
}
