// SPDX-License-Identifier: Apache-2.0

import GRDB
package import Logging

package import struct Foundation.Date

/// Runs the methods of a service: with the time at which they were called, and with a status for what they throw.
package struct Answering: Sendable {
    private let clock: @Sendable () -> Date
    private let logger: Logger

    /// - Parameters:
    ///   - clock: Tells the time of day; tests make it up.
    ///   - logger: Is told what callers are not: why a database failed.
    package init(clock: @escaping @Sendable () -> Date, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }

    /// Runs a method. A status that it throws, such as that of a call it made, is thrown on.
    package func callAsFunction<Answer>(_ method: (_ now: Date) async throws -> Answer) async throws -> Answer
    {
        do {
            return try await method(clock())
        } catch let error as any RPCErrorConvertible {
            if error is DatabaseError {
                logger.error("the database failed", metadata: ["error": "\(error)"])
            }
            throw error.rpcError
        }
    }
}
