// SPDX-License-Identifier: Apache-2.0

// Metrics are wanted around every call of every service, so they must cost next to nothing. An interceptor is an
// asynchronous function around the call: it can refuse, change and wait, and pays for that with frames, closures and
// looks at executors. An observer is told, and nothing else.

/// One call that has ended, for metrics.
public struct CallReport: Sendable {
    /// What is known of the call.
    public let context: InterceptorContext
    /// What it ended with.
    public let code: StatusCode
    /// Whether the handler ran; `yes` for a call that ended well.
    public let executed: RPCError.Executed
    /// From its start to its end.
    public let duration: Duration
}

/// Hears when calls of every kind start and end: for whoever counts. Names of methods come from the schema, so they are few.
///
/// On a server it is one of ``ServerOptions/observers``, and outside of all interceptors; a caller puts an
/// ``ObservedChannel`` around its channel. The hooks run on the call's own thread, often an event loop's, and must not block.
public struct CallObserver: Sendable {
    let started: @Sendable (InterceptorContext) -> Void
    let ended: @Sendable (CallReport) -> Void

    /// An observer from its hooks.
    ///
    /// - Parameters:
    ///   - started: hears of a call before it runs. On a server, before its handler does. Default nobody.
    ///   - ended: hears how it ended. On a server, when the handler has returned.
    public init(
        started: @escaping @Sendable (InterceptorContext) -> Void = { _ in },
        ended: @escaping @Sendable (CallReport) -> Void
    ) {
        self.started = started
        self.ended = ended
    }
}

extension [CallObserver] {
    func started(_ context: InterceptorContext) {
        for observer in self { observer.started(context) }
    }

    func ended(
        _ context: InterceptorContext, _ code: StatusCode, _ executed: RPCError.Executed, nanoseconds: Int64
    ) {
        let report = CallReport(
            context: context, code: code, executed: executed, duration: .nanoseconds(nanoseconds))
        for observer in self { observer.ended(report) }
    }
}

/// A channel whose calls are observed.
public struct ObservedChannel: Channel {
    private let base: any Channel
    private let observers: [CallObserver]

    /// Observes the calls of a channel.
    public init(_ base: any Channel, observers: [CallObserver]) {
        self.base = base
        self.observers = observers
    }

    /// Runs one call; see ``Channel/unary(_:)``.
    public func unary(_ request: UnaryRequest) async throws(RPCError) -> UnaryResponse {
        let context = InterceptorContext(request, isStream: false)
        observers.started(context)
        let start = Deadline.nowNanoseconds
        do throws(RPCError) {
            let response = try await base.unary(request)
            observers.ended(context, .ok, .yes, nanoseconds: Deadline.nowNanoseconds - start)
            return response
        } catch {
            observers.ended(context, error.code, error.executed, nanoseconds: Deadline.nowNanoseconds - start)
            throw error
        }
    }

    /// Opens a call with streams; see ``Channel/stream(_:)``.
    public func stream(_ request: StreamRequest) -> any StreamCall {
        InterceptedChannel(base, interceptors: [StreamObservation(observers: observers)]).stream(request)
    }
}

/// Observes a call with streams, whose end only an interceptor sees.
private struct StreamObservation: Interceptor {
    let observers: [CallObserver]

    func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        observers.started(context)
        let start = Deadline.nowNanoseconds
        func ended(_ code: StatusCode, _ executed: RPCError.Executed) {
            observers.ended(context, code, executed, nanoseconds: Deadline.nowNanoseconds - start)
        }
        do {
            let response = try await next(request)
            ended(.ok, .yes)
            return response
        } catch {
            let known = error as? RPCError
            ended(known?.code ?? .internal, known?.executed ?? .maybe)
            throw error
        }
    }
}
