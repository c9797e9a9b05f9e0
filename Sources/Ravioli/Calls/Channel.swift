// SPDX-License-Identifier: Apache-2.0

/// Anything that can run a call: a client, an in-process server, or a decorator of another channel.
///
/// Retrying, balancing, recording and faking are channels around channels, so they stack and are tested alike.
/// Calls may be made from any task at any time; cancelling the task cancels the call.
public protocol Channel: Sendable {
    /// Runs one unary call to its end.
    ///
    /// - Throws: The status the call ended with. ``RPCError/executed`` says whether the handler ran.
    func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse

    /// Opens a call with streams. It returns at once; what goes wrong ends the call.
    func stream(_ request: StreamRequest) -> any StreamCall
}
