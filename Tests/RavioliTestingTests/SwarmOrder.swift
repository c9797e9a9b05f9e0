// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ravioli
import RavioliTesting

/// What a caller of the swarm tells the handler, at the head of its first message.
struct SwarmOrder: Sendable {
    var id: Int
    /// How long the handler takes, in microseconds.
    var microseconds = 0
    /// Responses, and the length of each.
    var answers = 1
    var answerBytes = 0
    /// Of the metadata that goes along, and of the metadata that is to come back.
    var metadataBytes = 0
    var answerMetadataBytes = 0
    /// What the handler is to throw: an index in ``failures``, from 1 on. 0 for nothing.
    var failure = 0
    /// Of the detail that comes with it.
    var detailBytes = 0
    /// What travels beside the call.
    var criticality = 2
    var attempt = 0
    /// Whether it does not notice that it is cancelled.
    var isStubborn = false
    /// Whether it answers when it has read one request, whatever follows.
    var endsEarly = false

    /// Codes that only a handler of the swarm gives.
    static let failures: [StatusCode] = [
        .aborted, .notFound, .alreadyExists, .failedPrecondition, .outOfRange, .dataLoss,
    ]
    private static let fields = 11
    static let headBytes = fields * 8

    init(id: Int) { self.id = id }

    /// The order, and bytes that can be checked behind it.
    func message(padding: Int) -> [UInt8] {
        let flags = (isStubborn ? 1 : 0) | (endsEarly ? 2 : 0)
        let words = [
            id, microseconds, answers, answerBytes, metadataBytes, answerMetadataBytes, failure, detailBytes,
            criticality, attempt, flags,
        ]
        var bytes = words.withUnsafeBytes { [UInt8]($0) }
        bytes.append(contentsOf: SwarmPattern.slice(id, 0, count: padding))
        return bytes
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes else { return nil }
        let words = bytes.withUnsafeBytes { bytes in
            (0..<Self.fields).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int.self) }
        }
        id = words[0]
        (microseconds, answers, answerBytes) = (words[1], words[2], words[3])
        (metadataBytes, answerMetadataBytes) = (words[4], words[5])
        (failure, detailBytes) = (words[6], words[7])
        (criticality, attempt) = (words[8], words[9])
        isStubborn = words[10] & 1 != 0
        endsEarly = words[10] & 2 != 0
        guard SwarmPattern.matches(bytes, id, 0, from: Self.headBytes) else { return nil }
    }

    /// What goes along with the call.
    var metadata: Metadata { SwarmPattern.metadata(id, 11, bytes: metadataBytes) }
    /// What comes back with its answer, or its error.
    var answerMetadata: Metadata { SwarmPattern.metadata(id, 12, bytes: answerMetadataBytes) }

    /// What the handler throws; nil when it is to answer.
    var error: RPCError? {
        guard failure > 0 else { return nil }
        let details = [
            StatusDetail(
                typeURL: "type.googleapis.com/swarm.Order",
                value: SwarmPattern.bytes(id, 13, count: detailBytes))
        ]
        return RPCError(
            Self.failures[failure - 1], "order \(id) ☺", details: details, metadata: answerMetadata)
    }
}

/// Bytes that tell the call and the message they belong to.
enum SwarmPattern {
    /// Every pattern is a piece of it.
    private static let table = (0..<(256 + 65_536)).map { UInt8(truncatingIfNeeded: $0) }

    private static func start(_ id: Int, _ index: Int) -> Int { (id &* 31 &+ index &* 7) & 255 }

    static func slice(_ id: Int, _ index: Int, count: Int) -> ArraySlice<UInt8> {
        let start = start(id, index)
        return table[start..<start + count]
    }

    static func bytes(_ id: Int, _ index: Int, count: Int) -> [UInt8] {
        [UInt8](slice(id, index, count: count))
    }

    /// Whether the bytes from a place on are the pattern's.
    static func matches(_ bytes: [UInt8], _ id: Int, _ index: Int, from: Int = 0) -> Bool {
        let start = start(id, index)
        return bytes.withUnsafeBytes { bytes in
            table.withUnsafeBytes { table in
                guard let found = bytes.baseAddress, let expected = table.baseAddress else { return true }
                return memcmp(found + from, expected + start, bytes.count - from) == 0
            }
        }
    }

    static func metadata(_ id: Int, _ index: Int, bytes count: Int) -> Metadata {
        var metadata = Metadata()
        if count == 0 { return metadata }
        metadata.add("swarm-call", String(id))
        metadata.add("swarm-bin", bytes: bytes(id, index, count: count))
        if count % 2 == 0 { metadata.add("swarm-call", "again") }
        return metadata
    }
}
