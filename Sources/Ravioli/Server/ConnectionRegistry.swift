// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The connections of a server, for the time it stops.
final class ConnectionRegistry: Sendable {
    private struct Member: Sendable {
        let connection: NIOLoopBound<ServerConnection>
        let context: LoopContext
    }

    private struct State: Sendable {
        var members: [ObjectIdentifier: Member] = [:]
        var isDraining = false
        var isOver = false
        var waiter: UnsafeContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private static let drainReason = "the server is stopping"

    /// Takes a new connection; on its loop. It leaves when it is gone and its handlers have returned.
    func add(_ connection: ServerConnection) {
        let context = connection.link.context
        let id = ObjectIdentifier(connection)
        let member = Member(
            connection: NIOLoopBound(connection, eventLoop: context.eventLoop), context: context)
        connection.onGone = { [weak self] in self?.remove(id) }
        let isDraining = state.withLock { state in
            state.members[id] = member
            return state.isDraining
        }
        if isDraining { connection.drain(reason: Self.drainReason) }
    }

    private func remove(_ id: ObjectIdentifier) {
        let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            state.members[id] = nil
            guard state.members.isEmpty else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Lets every connection finish its calls; closes what is left after `timeout`.
    func drain(timeout: Duration, on loop: any EventLoop) async {
        let members = state.withLock { state in
            state.isDraining = true
            return Array(state.members.values)
        }
        for member in members { member.context.post(Draining(connection: member.connection)) }
        let limit = loop.scheduleTask(in: .nanoseconds(timeout.clampedNanoseconds)) { self.closeAll() }
        await withUnsafeContinuation { continuation in
            let isDone = state.withLock { state in
                let isDone = state.members.isEmpty || state.isOver
                if !isDone { state.waiter = continuation }
                return isDone
            }
            if isDone { continuation.resume() }
        }
        limit.cancel()
    }

    /// Time is up: closes what is left and waits no longer for handlers that do not return.
    private func closeAll() {
        let (members, waiter) = state.withLock { state in
            defer { state.waiter = nil }
            state.isOver = true
            return (Array(state.members.values), state.waiter)
        }
        for member in members { member.context.post(Closing(connection: member.connection)) }
        waiter?.resume()
    }

    /// What is held for each peer now, in bytes.
    func bytesHeld() async -> [Peer: Int] {
        let members = state.withLock { Array($0.members.values) }
        var held: [Peer: Int] = [:]
        for member in members {
            let (peer, bytes) = await withUnsafeContinuation { continuation in
                member.context.post(Weighing(connection: member.connection, continuation: continuation))
            }
            if let peer { held[peer, default: 0] += bytes }
        }
        return held
    }

    private struct Weighing: LoopContext.RemoteWork {
        let connection: NIOLoopBound<ServerConnection>
        let continuation: UnsafeContinuation<(Peer?, Int), Never>
        func run() {
            continuation.resume(returning: (connection.value.handle?.peer, connection.value.bytesHeld))
        }
    }

    private struct Draining: LoopContext.RemoteWork {
        let connection: NIOLoopBound<ServerConnection>
        func run() { connection.value.drain(reason: ConnectionRegistry.drainReason) }
    }

    private struct Closing: LoopContext.RemoteWork {
        let connection: NIOLoopBound<ServerConnection>
        func run() { connection.value.abort() }
    }
}
