// SPDX-License-Identifier: Apache-2.0

extension ServerConnection {
    func observeStart(of call: ServerCall) {
        call.markStarted(at: link.context.now)
        server.observers.started(InterceptorContext(call))
    }

    func observe(_ end: ServerCall.End, of call: ServerCall) {
        let nanoseconds = link.context.now - call.startedAt
        let (code, executed): (StatusCode, RPCError.Executed) =
            if case .error(let error) = end { (error.code, error.executed) } else { (.ok, .yes) }
        server.observers.ended(InterceptorContext(call), code, executed, nanoseconds: nanoseconds)
    }
}
