// SPDX-License-Identifier: Apache-2.0

public import Ravioli

/// A client inside a ``Simulation``: `Ravioli`'s own, over a ``SimulatedNetwork``.
public final class SimulatedClient: Channel {
    package let client: VirtualClient

    init(client: VirtualClient) { self.client = client }

    /// Runs one call; see `Channel/unary(_:)`.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        try await client.unary(request)
    }

    /// Opens a call with streams; see `Channel/stream(_:)`.
    public func stream(_ request: StreamRequest) -> any StreamCall { client.stream(request) }

    /// Ends every call; no call runs afterwards.
    public func close() async { await client.close() }
}
