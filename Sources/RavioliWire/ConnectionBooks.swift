// SPDX-License-Identifier: Apache-2.0

/// What one end of a connection has counted, for those who check that it counts right.
package struct ConnectionBooks: Sendable, Hashable {
    /// Calls whose slot is taken.
    package var callsOpen: Int
    /// Handlers that have not returned; nil on a client.
    package var handlersRunning: Int?
    /// What we may still send on the connection.
    package var sendCredit: Int
    /// The least that an open call's stream may still send; nil without calls.
    package var streamSendCreditMin: Int?
    /// What the peer may still send on the connection.
    package var receiveCredit: Int
    /// What was read and not given back yet.
    package var creditDue: Int
    /// What the peer may have sent that has not been read.
    package var receiveWindow: Int
    /// Declared bytes of messages under assembly or waiting.
    package var assemblyBytes: Int

    init(flow: FlowControl, callsOpen: Int, streamSendCreditMin: Int?, assemblyBytes: Int) {
        self.callsOpen = callsOpen
        sendCredit = flow.send.available
        self.streamSendCreditMin = streamSendCreditMin
        receiveCredit = flow.receive.outstanding
        creditDue = flow.receive.due
        receiveWindow = flow.receive.window
        self.assemblyBytes = assemblyBytes
    }
}

extension ClientConnectionMachine {
    /// The client's books as they stand.
    package var books: ConnectionBooks {
        var least: Int?
        calls.forEachOpen { call in least = min(least ?? .max, call.sendCredit.available) }
        return ConnectionBooks(
            flow: flow, callsOpen: calls.count, streamSendCreditMin: least,
            assemblyBytes: assemblyBytes)
    }
}

extension ServerConnectionMachine {
    /// The server's books as they stand.
    package var books: ConnectionBooks {
        var least: Int?
        calls.forEachOpen { call in least = min(least ?? .max, call.sendCredit.available) }
        var books = ConnectionBooks(
            flow: flow, callsOpen: calls.count, streamSendCreditMin: least,
            assemblyBytes: assemblyBytes)
        books.handlersRunning = callsRunning
        return books
    }
}
