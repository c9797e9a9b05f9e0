// SPDX-License-Identifier: Apache-2.0
//
// The other half of wirespec: what a client makes of the bytes of a server, legal or not. A case says what the server
// greets with, what it sends when the call has come, what the caller is told and how the connection goes on. A client
// trusts a server no more than a server trusts its clients.

import NIOCore
import Ravioli
import RavioliWire
import Synchronization
import Testing

/// One statement about a server's bytes.
struct ClientWireCase: Sendable, CustomTestStringConvertible {
    /// What is called.
    enum Caller: Sendable {
        /// A unary call of so many bytes, with so many of metadata.
        case unary(bytes: Int = 0, metadataBytes: Int = 0)
        /// Responses, read as they come.
        case watch
        /// Responses, read once the connection has ended.
        case lateWatch
    }

    /// How the connection goes on.
    enum Connection: Sendable {
        /// The next call runs on it.
        case goesOn
        /// The client says goodbye with this code and closes it; the next call runs on another.
        case goaway(WireError.Code)
        /// It ends without a word of the client's; the next call runs on another.
        case ends
        /// It ends, and the next one is like it: nothing is called any more.
        case isNeverGood
        /// It stands; no further call is made.
        case stands
    }

    let number: Int
    let section: String
    let title: String
    var caller = Caller.unary()
    /// What the server sends first.
    var hello = Wire.hello()
    /// What it sends when the first call has come, on its first connection.
    var bytes: [UInt8] = []
    /// Whether it then closes.
    var closes = false
    /// What the caller is told; nil: anything, since it depends on what comes first.
    let code: StatusCode?
    var executed: RPCError.Executed?
    let connection: Connection
    var limits = WireLimits.defaults
    /// The call's time; short where nothing but it ends the call.
    var timeout = Duration.seconds(60)

    var testDescription: String { "\(number) \(section): \(title)" }

    init(
        _ number: Int, _ section: String, _ title: String, by caller: Caller = .unary(),
        hello: [UInt8]? = nil, _ bytes: [UInt8]..., closes: Bool = false, tells code: StatusCode?,
        _ executed: RPCError.Executed? = nil, then connection: Connection = .goesOn,
        limits: WireLimits = .defaults, timeout: Duration = .seconds(60)
    ) {
        self.number = number
        self.section = section
        self.title = title
        self.caller = caller
        self.hello = hello ?? Wire.hello()
        self.bytes = bytes.flatMap(\.self)
        self.closes = closes
        self.code = code
        self.executed = executed
        self.connection = connection
        self.limits = limits
        self.timeout = timeout
    }
}

extension ClientWireCase {
    /// What the server saw of the client.
    private final class Seen: Sendable {
        let goaway = Mutex<WireError.Code?>(nil)
        let left = Gate()
        let longest = Mutex(0)
    }

    /// Calls a server that sends the bytes, and checks what becomes of the call and of its connection.
    func run() async throws {
        var options = ClientOptions.impatient
        options.limits = limits
        let seen = Seen()
        let connections = try await Transport.tcp.withScript(script(seen), client: options) { channel in
            let trial = TrialClient(channel)
            check(await call(trial, seen))
            switch connection {
            case .goesOn, .ends, .goaway:
                if case .goaway = connection { await seen.left.wait() }
                var patient = CallOptions.timeout(.seconds(60))
                patient.waitForReady = true
                let next = try await trial.echo(EchoRequest(), options: patient)
                #expect(next.payload == Wire.text("hi"), "case \(number)")
            case .isNeverGood, .stands: break
            }
        }
        switch connection {
        case .goesOn: #expect(connections == 1, "case \(number)")
        case .goaway(let code):
            #expect(seen.goaway.withLock { $0 } == code, "case \(number)")
            #expect(connections == 2, "case \(number)")
        case .ends: #expect(connections == 2, "case \(number)")
        case .isNeverGood, .stands: break
        }
        // What the server accepts was kept to.
        if hello.count >= 26 {
            let frameBytesMax = hello[22..<26].reduce(0) { $0 << 8 | Int($1) }
            if frameBytesMax >= 1024 {
                #expect(seen.longest.withLock { $0 } <= frameBytesMax, "case \(number)")
            }
        }
    }

    /// The first connection is the case's, its first call above all; on others an honest server answers.
    private func script(_ seen: Seen) -> Script {
        { frame, connection in
            seen.longest.withLock {
                $0 = max($0, frame.header.kind == .hello ? 0 : frame.payload.readableBytes)
            }
            let isOdd =
                connection == 1 || { if case .isNeverGood = self.connection { true } else { false } }()
            switch frame.header.kind {
            case .hello where isOdd:
                return .send(hello)
            case .call where isOdd && frame.header.streamID == 1:
                return .send(bytes, then: closes ? .closes : nil)
            case .call: return .send(Wire.end(frame.header.streamID, message: Wire.hi))
            case .cancel:
                return .send(Wire.end(frame.header.streamID, frame.payload.getInteger(at: 0) ?? 1, .maybe))
            case .goaway where connection == 1:
                let goaway = try? GoawayFrame(payload: frame.payload, textBytesMax: 100)
                seen.goaway.withLock { $0 = goaway?.code }
                seen.left.open()
                return nil
            default: return nil
            }
        }
    }

    private func call(_ trial: TrialClient, _ seen: Seen) async -> RPCError? {
        var options = CallOptions.timeout(timeout)
        do {
            switch caller {
            case .unary(let bytes, let metadataBytes):
                if metadataBytes > 0 {
                    options.metadata = ["long": String(repeating: "x", count: metadataBytes)]
                }
                _ = try await trial.echo(EchoRequest(payload: Wire.zeros(bytes)), options: options)
            case .watch, .lateWatch:
                let responses = trial.watch(AnswerRequest(), options: options)
                if case .lateWatch = caller { await seen.left.wait() }
                for try await _ in responses {}
            }
            return nil
        } catch {
            return error
        }
    }

    private func check(_ error: RPCError?) {
        let told = error?.code ?? .ok
        #expect(code == nil || told == code, "case \(number): \(error?.description ?? "ok")")
        #expect(
            executed == nil || error?.executed == executed, "case \(number): \(error?.description ?? "ok")")
        // However much a server says, a caller is not told a book.
        #expect((error?.message.utf8.count ?? 0) < 2_000, "case \(number)")
    }
}
