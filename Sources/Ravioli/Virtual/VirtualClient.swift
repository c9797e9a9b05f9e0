// SPDX-License-Identifier: Apache-2.0

package import Logging
import NIOCore

/// Makes a simulated client's connections. Loop only.
package protocol VirtualDialer: Sendable {
    /// What is dialled, for errors and logs.
    var target: String { get }
    /// Connects the end, or reports a failure within the timeout.
    func dial(_ end: VirtualEnd, timeout: Duration, failed: @escaping (any Error) -> Void)
}

/// The client that programs use, on a simulated loop.
package final class VirtualClient: Channel {
    private let handle: ClientHandle

    /// - Throws: `invalidConfiguration` when limits contradict each other.
    package init(
        _ runtime: VirtualRuntime, options: ClientOptions, dialer: some VirtualDialer, logger: Logger? = nil
    ) throws(RuntimeError) {
        try options.check()
        handle = ClientHandle(
            runtime.context, options: options,
            connector: VirtualConnector(dialer: dialer, context: runtime.context),
            logger: logger ?? .silent)
    }

    package func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await handle.run(request)
    }

    package func stream(_ request: StreamRequest) -> any StreamCall { handle.open(request) }

    /// Ends every call; no call runs afterwards.
    package func close() async { await handle.closed() }

    /// Calls whose callers wait for an end, queued and open. Loop only.
    package var callsHeld: Int { handle.core.value.callsHeld }

    deinit { handle.close() }
}

private struct VirtualConnector<Dialer: VirtualDialer>: Connector {
    let dialer: Dialer
    let context: LoopContext

    var target: String { dialer.target }

    func connect(_ connection: ClientConnection, timeout: Duration, failed: @escaping (any Error) -> Void) {
        dialer.dial(VirtualEnd(connection), timeout: timeout) { [context] error in
            context.turnBegan()
            failed(error)
            context.settle()
        }
    }
}
