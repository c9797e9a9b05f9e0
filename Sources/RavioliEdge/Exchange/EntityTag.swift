// SPDX-License-Identifier: Apache-2.0
//
// Conditional requests (RFC 9110, sections 8.8.3 and 13) for answers to GET and HEAD. The tag is the beginning of the
// SHA-256 of the bytes that are sent, content coding included, so it is strong, each coding has its own, and every edge
// finds the same one. A faster hash would do for honest content; but whoever can choose two contents with one tag could
// make a client keep the wrong one. Processors have instructions for this one: 0.5 ms for a megabyte, a third of what
// compressing it takes.

import Crypto
import HTTPTypes
import NIOCore

/// The tag of a representation.
struct EntityTag: Sendable, Hashable {
    /// What stands between the quotes.
    let text: Substring

    /// The tag of what is sent.
    init(_ body: ByteBuffer) {
        var hash = SHA256()
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        let text = hash.finalize().prefix(16).flatMap { byte in
            [Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
        }
        self.text = String(decoding: text, as: UTF8.self)[...]
    }

    private init(_ text: Substring) { self.text = text }

    private static let digits = Array("0123456789abcdef".utf8)

    /// As the field has it.
    var field: String { "\"\(text)\"" }

    // MARK: Lists

    /// What `If-Match` and `If-None-Match` name.
    enum List: Sendable {
        case any
        case tags([(tag: EntityTag, isWeak: Bool)])

        /// Reads the field's values; nil for a field that is not there, or is no such list and so says nothing.
        init?(_ values: [String]) {
            if values.isEmpty { return nil }
            var rest = values.joined(separator: ",").trimmed.utf8[...]
            if rest.elementsEqual("*".utf8) {
                self = .any
                return
            }
            var tags: [(EntityTag, Bool)] = []
            while !rest.isEmpty {
                if rest.first != UInt8(ascii: ",") {
                    guard let tag = rest.popTag() else { return nil }
                    tags.append(tag)
                    rest.dropBlanks()
                    guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
                }
                rest = rest.dropFirst()
                rest.dropBlanks()
            }
            self = .tags(tags)
        }

        /// Whether it names a tag. A weak one counts only where that is enough.
        func names(_ tag: EntityTag, weakly: Bool) -> Bool {
            switch self {
            case .any: true
            case .tags(let tags): tags.contains { $0.tag == tag && (weakly || !$0.isWeak) }
            }
        }
    }
}

extension Substring.UTF8View {
    fileprivate mutating func dropBlanks() {
        self = drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// `"text"` or `W/"text"`.
    fileprivate mutating func popTag() -> (EntityTag, Bool)? {
        let isWeak = starts(with: "W/".utf8)
        if isWeak { self = dropFirst(2) }
        guard popFirst() == UInt8(ascii: "\""), let end = firstIndex(of: UInt8(ascii: "\"")) else {
            return nil
        }
        let text = Substring(self[..<end])
        self = self[index(after: end)...]
        return (EntityTag(listed: text), isWeak)
    }
}

extension EntityTag {
    fileprivate init(listed text: Substring) { self.init(text) }
}

extension EdgeAnswer {
    /// What the answer depends on beside its URL.
    private static let vary = "Accept, Accept-Encoding, Origin, Authorization"

    /// A good answer to GET or HEAD with its tag; or what becomes of it by the conditions of the request.
    ///
    /// - Parameter failed: The answer for a condition that does not hold.
    func conditional(
        _ request: HTTPRequest, isOn: Bool, failed: (_ message: String) -> EdgeAnswer
    ) -> EdgeAnswer {
        guard isOn, status == .ok, request.method == .get || request.method == .head else { return self }
        let tag = EntityTag(body)
        let fields = request.headerFields
        if let list = EntityTag.List(fields[values: .ifMatch]), !list.names(tag, weakly: false) {
            var answer = failed("the answer has another ETag than If-Match names")
            answer.status = .preconditionFailed
            return answer
        }
        var answer = self
        if let list = EntityTag.List(fields[values: .ifNoneMatch]), list.names(tag, weakly: true) {
            answer = EdgeAnswer.empty(.notModified)
        }
        answer.headers[.eTag] = tag.field
        answer.headers[.cacheControl] = "private, no-cache"
        answer.headers[.vary] = Self.vary
        return answer
    }
}
