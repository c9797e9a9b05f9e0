// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Ravioli
package import RavioliSchema
import ShowroomContracts

/// An error that callers are told: it has a status of its own, which its service's schema documents.
package protocol RPCErrorConvertible: Error {
    var rpcError: RPCError { get }
}

extension ValidationError: RPCErrorConvertible {
    /// `INVALID_ARGUMENT`, with every violation in the detail.
    package var rpcError: RPCError {
        let detail = InvalidFields(
            violations: violations.map { FieldViolation(field: $0.field, problem: $0.problem) })
        return RPCError(.invalidArgument, description, details: .of(detail))
    }
}

extension DatabaseError: RPCErrorConvertible {
    /// `UNAVAILABLE` while another process holds the file, `RESOURCE_EXHAUSTED` when the disk is full, else
    /// `INTERNAL`. The caller is not told the SQL.
    package var rpcError: RPCError {
        switch resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            RPCError(.unavailable, "the database is busy", cause: self)
        case .SQLITE_FULL:
            RPCError(.resourceExhausted, "the disk is full", cause: self)
        default:
            RPCError(.internal, "the database failed; the service's log says why", cause: self)
        }
    }
}

extension [StatusDetail] {
    /// The one detail that a status carries; none if it cannot be encoded, which then is not worth another
    /// failure.
    package static func of(_ message: some Message) -> [StatusDetail] {
        (try? StatusDetail(message)).map { [$0] } ?? []
    }
}
