// SPDX-License-Identifier: Apache-2.0

public import RavioliWire

/// What a server decides for all its connections.
public struct ServerOptions: Sendable {
    /// The defaults.
    public static var defaults: ServerOptions { ServerOptions() }

    /// The server's own name in hellos and logs. Default empty.
    public var name = ""
    /// What it accepts from each peer.
    public var limits = WireLimits.defaults
    /// Time a call with a stream may go without a message in either direction; then it ends with `deadline_exceeded`, phase
    /// `idle`. Default nil: for ever, as far as its deadline allows.
    public var messageTimeout: Duration?
    /// Time for running calls to finish when the server stops. Default 30 s; what runs then is cancelled.
    public var drainTimeout: Duration = .seconds(30)
    /// When a client is asked for a sign of life. Default: after 2 h of silence, with 20 s to answer, calls or not.
    public var keepalive = KeepaliveOptions(interval: .seconds(7200), pingsWithoutCalls: true)
    /// Time without a call after which a connection is left. Default nil: never; clients leave by themselves.
    public var idleTimeout: Duration?
    /// Age at which a connection takes no further calls, so that clients find replicas that are younger. Default 30 min;
    /// shifted by up to a tenth either way for each connection. Nil: no largest age.
    public var connectionAgeMax: Duration? = .seconds(1800)
    /// Time for the calls that run on a connection at its largest age. Default 30 s; what runs then is cancelled.
    public var connectionAgeGrace: Duration = .seconds(30)
    /// From when on a piece of a handler that holds up an event loop is logged. Default 20 ms.
    public var stallThreshold: Duration = .milliseconds(20)
    /// Request metadata that calls made by handlers take along, by lower-case name. Default: the trace and request ids.
    public var inheritedMetadata = ["traceparent", "tracestate", "baggage", "x-request-id"]
    /// Whether the built-in reflection service answers. Default true; its schemas are no secret to who has the client.
    public var servesReflection = true
    /// Whether clients that speak ttrpc, containerd's protocol, are served on the same address; their first bytes tell
    /// them apart. Default false: they are told what the port speaks. With it a connection that has sent nothing yet is
    /// not closed, since such a client may connect long before it calls.
    public var servesTTRPC = false
    /// Who hears of every call's start and end. Default nobody.
    public var observers: [CallObserver] = []
    /// What runs around every call, the first one outermost. Default none.
    public var interceptors: [any Interceptor] = []
    /// The server's certificate and what it asks of its callers'; nil for none, and no encryption. Default nil: for
    /// networks that are trusted, and Unix-domain sockets. A caller without TLS is refused when it is given. In-process
    /// channels do without.
    public var tls: ServerTLSOptions?
    /// Who may call what; nil for everybody everything. Default nil.
    public var policy: AccessPolicy?
    /// How often a policy's file is looked at for changes. Default 60 s. A new policy holds at once, on connections that
    /// stand too; one that cannot be used is logged, and the last good one stays. In-process channels do not look.
    public var policyReloadInterval: Duration = .seconds(60)
    /// Connections waiting to be accepted. Default 1,024.
    public var backlog = 1024

    /// The defaults.
    public init() {}
}
