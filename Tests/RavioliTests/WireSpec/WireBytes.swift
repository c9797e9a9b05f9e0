// SPDX-License-Identifier: Apache-2.0

/// Frames and parts of frames, by hand.
enum Wire {
    static let last: UInt8 = 0x01
    static let message: UInt8 = 0x02
    static let chunked: UInt8 = 0x04
    static let compressed: UInt8 = 0x08
    static let metadata: UInt8 = 0x10
    static let name: UInt8 = 0x20
    static let status: UInt8 = 0x40
    static let counted: UInt8 = 0x80
    static let waited: UInt8 = 0x20

    /// `EchoRequest { payload: "hi" }`, which is also a `StreamRequest` that is answered with "hi".
    static let hi: [UInt8] = [0x0A, 0x02, 0x68, 0x69]
    /// Remaining time of one minute, in microseconds.
    static let minute: UInt32 = 60_000_000
    static let unlimited = UInt32.max
    static let unbound: UInt16 = 0xFFFF

    static func u16(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
    static func u32(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
    static func times(_ count: Int, _ bytes: (UInt32) -> [UInt8]) -> [UInt8] {
        (1...UInt32(count)).flatMap(bytes)
    }

    /// Ten bytes, whatever follows.
    static func header(_ length: UInt32, _ stream: UInt32, _ kind: UInt8, _ flags: UInt8) -> [UInt8] {
        u32(length) + u32(stream) + [kind, flags]
    }

    static func frame(_ kind: UInt8, _ stream: UInt32, _ flags: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        header(UInt32(payload.count), stream, kind, flags) + payload
    }

    // MARK: Kinds

    /// A hello whose fields can be anything.
    struct Hello {
        var magic = Wire.text("RAVI")
        var major: UInt8 = 1
        var minor: UInt8 = 0
        var level: UInt8 = 2
        var reserved: UInt8 = 0
        var features: UInt32 = 0
        var frame: UInt32 = 65_536
        var message: UInt32 = 4 << 20
        var calls: UInt32 = 100
        var metadata: UInt32 = 8192
        var streamCredit: UInt32 = 262_144
        var connectionCredit: UInt32 = 1 << 20
        var fingerprint: [UInt8] = Wire.zeros(8)
        var details: [UInt8] = []

        var payload: [UInt8] {
            let limits = [features, frame, message, calls, metadata, streamCredit, connectionCredit]
            return magic + [major, minor, level, reserved] + limits.flatMap(Wire.u32) + fingerprint + details
        }
    }

    /// A hello, with fields changed.
    static func hello(
        flags: UInt8 = 0, stream: UInt32 = 0, _ change: (inout Hello) -> Void = { _ in }
    ) -> [UInt8] {
        var hello = Hello()
        change(&hello)
        return frame(1, stream, flags, hello.payload)
    }

    static func named(_ name: String) -> [UInt8] { [UInt8(name.utf8.count)] + text(name) }
    static func trial(_ method: String) -> [UInt8] { named("ravioli.trial.v1.Trial/" + method) }

    /// The eight fixed bytes of a call.
    static func head(
        _ remaining: UInt32 = minute, _ method: UInt16 = unbound, _ criticality: UInt8 = 2,
        _ attempt: UInt8 = 0
    ) -> [UInt8] {
        u32(remaining) + u16(method) + [criticality, attempt]
    }

    /// A whole call of a method of the trial service, by name.
    static func call(
        _ stream: UInt32, _ method: String = "Echo", _ message: [UInt8] = hi, remaining: UInt32 = minute
    ) -> [UInt8] {
        frame(2, stream, last | Wire.message | name, head(remaining) + trial(method) + message)
    }

    /// A call frame after which requests follow.
    static func open(
        _ stream: UInt32, _ method: String = "Collect", remaining: UInt32 = minute
    ) -> [UInt8] {
        frame(2, stream, name, head(remaining) + trial(method))
    }

    /// A call whose message begins here and goes on in data frames.
    static func chunkedCall(
        _ stream: UInt32, total: UInt32, _ chunk: [UInt8], _ method: String = "Echo",
        remaining: UInt32 = minute
    ) -> [UInt8] {
        frame(
            2, stream, last | message | chunked | name,
            head(remaining) + trial(method) + u32(total) + chunk)
    }

    /// A call that carries metadata.
    static func call(_ stream: UInt32, metadata block: [UInt8]) -> [UInt8] {
        frame(
            2, stream, last | message | name | metadata,
            head() + trial("Echo") + u16(UInt16(block.count)) + block + hi)
    }

    static func data(_ stream: UInt32, _ flags: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
        frame(3, stream, flags, payload)
    }

    /// A stream's message.
    static func request(_ stream: UInt32, _ payload: [UInt8] = hi, _ flags: UInt8 = 0) -> [UInt8] {
        data(stream, message | counted | flags, payload)
    }

    static func cancel(_ stream: UInt32, _ code: UInt8 = 1) -> [UInt8] { frame(5, stream, 0, [code]) }
    static func credit(_ stream: UInt32, _ bytes: UInt32) -> [UInt8] { frame(6, stream, 0, u32(bytes)) }
    static func ping(_ token: [UInt8] = Array(1...8), flags: UInt8 = 0, stream: UInt32 = 0) -> [UInt8] {
        frame(7, stream, flags, token)
    }
    static func goaway(_ code: UInt8 = 0, _ reason: [UInt8] = [], flags: UInt8 = 0) -> [UInt8] {
        frame(8, 0, flags, u32(0) + [code] + reason)
    }

    // MARK: Protobuf

    /// A field of bytes.
    static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(bytes.count) + bytes
    }

    /// A field with a number.
    static func field(_ number: UInt8, _ value: Int) -> [UInt8] { [number << 3] + varint(value) }

    private static func varint(_ value: Int) -> [UInt8] {
        var (value, bytes) = (value, [UInt8]())
        while value > 0x7F {
            bytes.append(UInt8(value & 0x7F | 0x80))
            value >>= 7
        }
        return bytes + [UInt8(value)]
    }

    /// A pair of a metadata block.
    static func pair(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
        field(1, field(1, name) + field(2, value))
    }
    static func pair(_ name: String, _ value: String) -> [UInt8] { pair(text(name), text(value)) }

    /// A `StreamRequest` whose handler reads on no further.
    static let hangs = field(6, 1)
    /// A `StreamRequest` that ends its call.
    static let ends = field(5, 1)
}
