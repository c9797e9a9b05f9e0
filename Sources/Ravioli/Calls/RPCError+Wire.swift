// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RavioliWire

extension RPCError.Executed {
    /// The mark on the wire.
    var mark: ExecutedMark {
        switch self {
        case .no: .no
        case .maybe: .maybe
        case .yes: .yes
        }
    }

    init(_ mark: ExecutedMark) {
        switch mark {
        case .no: self = .no
        case .maybe: self = .maybe
        case .yes: self = .yes
        }
    }
}

extension RPCError {
    /// The error a peer's end frame says.
    init(_ end: EndFrame, limits: WireLimits) {
        let status = end.status.flatMap { try? StatusBlock(block: $0, limits: limits) } ?? StatusBlock()
        let metadata = end.metadata.flatMap { try? Metadata(block: $0, limits: limits) } ?? Metadata()
        self.init(
            call: StatusCode(wire: end.code), status.message, details: status.details,
            executed: Executed(end.executed), origin: .peer, metadata: metadata)
    }
}
