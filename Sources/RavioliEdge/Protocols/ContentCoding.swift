// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import Ravioli

/// How bytes are compressed on their way; the same names in every protocol.
package enum ContentCoding: String, Sendable, Hashable {
    case identity, gzip

    /// What a request may use, as the protocols list it.
    package static let supported = "gzip, identity"

    /// The coding that a request names; identity if it names none.
    ///
    /// - Throws: `unimplemented`, with the list of what there is.
    package init(requested names: [String]) throws(RPCError) {
        guard let name = names.first, !name.isEmpty || names.count > 1 else {
            self = .identity
            return
        }
        guard names.count == 1, let coding = ContentCoding(rawValue: name.lowercased()) else {
            throw RPCError(
                .unimplemented, "the compression is not supported; supported: \(Self.supported)",
                executed: .no)
        }
        self = coding
    }

    /// The coding of a response: the first of those the client lists that there is. A client that lists nothing is
    /// content with what it sent itself. A list is ordered and has no q-values; where one has them, as browsers'
    /// have, zero excludes.
    package init(accepted lists: [String], request: ContentCoding) {
        guard !lists.isEmpty else {
            self = request
            return
        }
        for entry in lists.flatMap({ $0.split(separator: ",") }) {
            let parts = entry.split(separator: ";").map { String($0).trimmed.lowercased() }
            guard let name = parts.first, !parts.dropFirst().contains(where: Self.excludes) else { continue }
            if let coding = ContentCoding(rawValue: name) {
                self = coding
                return
            }
        }
        self = .identity
    }

    private static func excludes(_ parameter: String) -> Bool {
        parameter.wholeMatch(of: #/q\s*=\s*0(\.0{0,3})?/#) != nil
    }

    /// Undoes the coding.
    ///
    /// - Throws: `resource_exhausted` above the limit, `invalid_argument` for bytes that are not in this coding.
    package func decoded(_ bytes: ByteBuffer, upTo bytesMax: Int) throws(RPCError) -> ByteBuffer {
        // An empty body is never compressed, whatever its header says.
        guard self == .gzip, bytes.readableBytes > 0 else { return bytes }
        do throws(GzipFault) {
            return try Gzip.inflate(bytes, upTo: bytesMax)
        } catch {
            switch error {
            case .tooLarge: throw RPCError(tooLarge: bytesMax)
            case .corrupt: throw RPCError(refused: "the message is not gzip, or incomplete")
            }
        }
    }
}

extension RPCError {
    /// The client did it wrong, and nothing was executed.
    package init(refused message: String) { self.init(.invalidArgument, message, executed: .no) }

    /// A message is over the limit.
    package init(tooLarge bytesMax: Int) {
        self.init(.resourceExhausted, "the message is over messageBytesMax = \(bytesMax)", executed: .no)
    }
}
