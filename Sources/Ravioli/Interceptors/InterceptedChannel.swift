// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A channel whose calls run inside interceptors.
public struct InterceptedChannel: Channel {
    private let base: any Channel
    private let interceptors: [any Interceptor]

    /// Puts interceptors around the calls of a channel, the first one outermost.
    public init(_ base: any Channel, interceptors: [any Interceptor]) {
        self.base = base
        self.interceptors = interceptors
    }

    /// Runs one call; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        let answer = Mutex<[UInt8]?>(nil)
        do {
            let response = try await interceptors.run(
                InterceptedRequest(metadata: request.metadata), InterceptorContext(request, isStream: false)
            ) { intercepted in
                var changed = request
                changed.metadata = intercepted.metadata
                let response = try await base.unary(changed)
                answer.withLock { $0 = response.message }
                return InterceptedResponse(metadata: response.metadata)
            }
            guard let message = answer.withLock({ $0 }) else { throw InterceptedChannel.notCalled(request) }
            return UnaryResponse(message: message, metadata: response.metadata)
        } catch {
            throw RPCError(intercepting: error)
        }
    }

    /// Opens a call with streams; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall {
        let call = InterceptedStream()
        // Not the call itself: nobody but its caller keeps it, so that letting go of it is noticed.
        let (base, interceptors, state) = (base, interceptors, call.state)
        Task {
            do {
                _ = try await interceptors.run(
                    InterceptedRequest(metadata: request.call.metadata),
                    InterceptorContext(request.call, isStream: true)
                ) { intercepted in
                    var changed = request
                    changed.call.metadata = intercepted.metadata
                    return InterceptedResponse(metadata: try await state.run(base.stream(changed)))
                }
                state.finish(.success(()))
            } catch {
                state.finish(.failure(RPCError(intercepting: error)))
            }
        }
        return call
    }

    private static func notCalled(_ request: UnaryRequest) -> RPCError {
        RPCError(
            call: .internal, "an interceptor answered \(request.method) without calling it", executed: .no)
    }
}

extension RPCError {
    /// What the caller sees of an error that came out of interceptors.
    fileprivate init(intercepting error: any Error) {
        self =
            error as? RPCError
            ?? RPCError(call: .internal, "an interceptor failed: \(error)", executed: .maybe, cause: error)
    }
}
