// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a load client is told on its command line; the same for every peer, whatever it is written in.
public struct LoadOptions: Sendable {
    /// What is called.
    public enum Scenario: String, Sendable {
        /// Answers its payload.
        case unary
        /// The server sends.
        case serverStream = "server-stream"
        /// The client sends.
        case clientStream = "client-stream"
        /// Each message is answered.
        case bidi
        /// The series for pi.
        case pi
    }

    /// The server's host.
    public var host = "127.0.0.1"
    /// The server's port.
    public var port = 0
    /// What is called. Default unary.
    public var scenario = Scenario.unary
    /// Bytes of each payload. Default 64.
    public var payload = 64
    /// Calls, or streams, at the same time over all connections. Default 1.
    public var inFlight = 1
    /// Default 1.
    public var connections = 1
    /// The window in which calls count. Default 1.
    public var seconds = 1.0
    /// Seconds ahead of the window. Default 0.5.
    public var warmUp = 0.5
    /// Calls a second in an open loop; 0, the default, for a closed loop.
    public var rate = 0.0
    /// This many calls in all, without warm-up, instead of a time; 0, the default, for the time.
    public var calls = 0
    /// Part of the calls that ask for a delay, in percent. Default 0.
    public var slowPercent = 0.0
    /// The delay, in microseconds. Default 5,000.
    public var delayMicroseconds = 5000
    /// Terms of the series for pi. Default 100,000.
    public var rounds = 100_000
    /// Messages of each stream; 0, the default, for enough of them that opening a stream costs nothing.
    public var messages = 0
    /// Seconds that the connections stay open and idle after the report. Default 0.
    public var hold = 0.0
    /// Names of arguments that only some clients know, with their values.
    public var others: [String: String] = [:]

    /// Reads the arguments of the process, or ends it with a message when they are wrong.
    public init(others known: Set<String> = []) {
        var arguments = CommandLine.arguments.dropFirst()
        while let name = arguments.popFirst() {
            guard let value = arguments.popFirst(), take(name, value, known) else { Self.refuse(name) }
        }
        inFlight = max(inFlight, connections)
        allowFiles()
    }

    private mutating func take(_ name: String, _ value: String, _ known: Set<String>) -> Bool {
        switch name {
        case "--connect":
            guard let address = Self.address(value) else { return false }
            (host, port) = address
        case "--scenario":
            guard let scenario = Scenario(rawValue: value) else { return false }
            self.scenario = scenario
        case "--payload": return Self.set(&payload, value)
        case "--in-flight": return Self.set(&inFlight, value)
        case "--connections": return Self.set(&connections, value)
        case "--seconds": return Self.set(&seconds, value)
        case "--warm-up": return Self.set(&warmUp, value)
        case "--rate": return Self.set(&rate, value)
        case "--calls": return Self.set(&calls, value)
        case "--slow-percent": return Self.set(&slowPercent, value)
        case "--delay-us": return Self.set(&delayMicroseconds, value)
        case "--rounds": return Self.set(&rounds, value)
        case "--messages": return Self.set(&messages, value)
        case "--hold": return Self.set(&hold, value)
        default:
            guard known.contains(name) else { return false }
            others[name] = value
        }
        return true
    }

    private static func set<Value: LosslessStringConvertible>(_ value: inout Value, _ text: String) -> Bool {
        guard let read = Value(text) else { return false }
        value = read
        return true
    }

    /// The parts of HOST:PORT.
    public static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            return nil
        }
        return (String(text[..<colon]), port)
    }

    /// Ends the process.
    public static func refuse(_ argument: String) -> Never {
        complain("wrong argument: \(argument)")
        exit(2)
    }
}

/// As many files as the system allows this process.
public func allowFiles() {
    var limit = rlimit()
    #if canImport(Glibc)
        let files = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
    #else
        let files = RLIMIT_NOFILE
    #endif
    guard getrlimit(files, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(files, &limit)
}

/// Nanoseconds of the monotonic clock.
public func nanosecondsNow() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}

/// Tells the harness that calls can come.
public func sayListening(port: Int) { writeLine("listening \(port)", to: STDOUT_FILENO) }

/// Writes a line on the error output.
public func complain(_ text: String) { writeLine(text, to: STDERR_FILENO) }

func writeLine(_ text: String, to file: Int32) {
    var line = text + "\n"
    line.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
}
