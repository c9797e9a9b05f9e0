// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import Ravioli
import RavioliSchema

/// Undoes the base64 of a gRPC-Web text body as it arrives: groups of four digits, padding after any of them.
package struct Base64Stream: Sendable {
    private var rest: [UInt8] = []

    package init() {}

    /// The bytes of all groups that are complete.
    ///
    /// - Throws: `invalid_argument` for what is no base64.
    package mutating func decode(_ text: ByteBuffer) throws(RPCError) -> ByteBuffer {
        rest += text.readableBytesView
        let count = rest.count & ~3
        var bytes = ByteBuffer()
        var start = 0
        // A run ends with the first padded group.
        while start < count {
            var end = start + 4
            while rest[end - 1] != UInt8(ascii: "="), end < count { end += 4 }
            guard let run = Base64.decode(rest[start..<end]) else {
                throw RPCError(refused: "the body is not base64")
            }
            bytes.writeBytes(run)
            start = end
        }
        rest.removeFirst(count)
        return bytes
    }

    /// Nothing follows.
    package func end() throws(RPCError) {
        guard rest.isEmpty else { throw RPCError(refused: "the body ends within a group of base64") }
    }
}
