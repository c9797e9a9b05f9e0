// SPDX-License-Identifier: Apache-2.0

/// Where a call stands in a trace, as W3C Trace Context writes it in `traceparent` (version 00).
public struct TraceContext: Sendable, Hashable, CustomStringConvertible {
    /// The trace's 16 bytes in lower-case hexadecimal; never all zeros.
    public let traceID: String
    /// The call's 8 bytes in lower-case hexadecimal; never all zeros.
    public let spanID: String
    /// Whether the caller may have recorded the trace.
    public let isSampled: Bool

    /// The name under which it travels.
    public static let metadataName = "traceparent"

    /// The trace of the call this task serves or makes; nil outside of ``TracingInterceptor``.
    @TaskLocal public static var current: TraceContext?

    /// Reads a `traceparent`; nil for one that breaks the format (W3C Trace Context, section 3.2).
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, Self.isHex(parts[0]), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            parts[1].utf8.count == 32, Self.isHex(parts[1]), parts[1].contains(where: { $0 != "0" }),
            parts[2].utf8.count == 16, Self.isHex(parts[2]), parts[2].contains(where: { $0 != "0" }),
            parts[3].utf8.count == 2, Self.isHex(parts[3]), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        traceID = String(parts[1])
        spanID = String(parts[2])
        isSampled = flags & 1 != 0
    }

    /// A new trace.
    public init(isSampled: Bool = false) {
        self.init(traceID: Self.random(bytes: 16), isSampled: isSampled)
    }

    /// The place of a call made from here: the same trace, a span of its own.
    public func child() -> TraceContext { TraceContext(traceID: traceID, isSampled: isSampled) }

    private init(traceID: String, isSampled: Bool) {
        self.traceID = traceID
        self.isSampled = isSampled
        spanID = Self.random(bytes: 8)
    }

    /// As it travels.
    public var description: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    private static func isHex(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private static func random(bytes count: Int) -> String {
        let digits = Array("0123456789abcdef")
        var text = ""
        repeat {
            text = String((0..<(2 * count)).map { _ in digits[Int.random(in: 0..<16)] })
        } while text.allSatisfy { $0 == "0" }
        return text
    }
}

/// Carries the trace from call to call: a server's interceptor takes it from its caller or begins one; a client's sends
/// it on with a span for each call. Use it on both sides.
public struct TracingInterceptor: Interceptor {
    private let observe: @Sendable (TraceContext, InterceptorContext) -> Void

    /// - Parameter observe: hears of each span when its call begins; for a tracer. Default nobody.
    public init(observe: @escaping @Sendable (TraceContext, InterceptorContext) -> Void = { _, _ in }) {
        self.observe = observe
    }

    /// Runs the call in its place of the trace.
    public func intercept(
        _ request: InterceptedRequest, context: InterceptorContext,
        next: @Sendable (InterceptedRequest) async throws -> InterceptedResponse
    ) async throws -> InterceptedResponse {
        let received = request.metadata[TraceContext.metadataName].flatMap(TraceContext.init(_:))
        let parent = TraceContext.current ?? received
        let own = (context.side == .server ? received : parent)?.child() ?? TraceContext()
        var request = request
        request.metadata[TraceContext.metadataName] = own.description
        observe(own, context)
        return try await TraceContext.$current.withValue(own) { [request] in try await next(request) }
    }
}
