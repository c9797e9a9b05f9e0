// SPDX-License-Identifier: Apache-2.0

/// Which pages of other origins may call the edge from a browser.
public struct CORSOptions: Sendable, Hashable {
    /// Origins as browsers send them, as `https://shop.example`; `*` stands for all.
    public var allowedOrigins: [String]
    /// Whether browsers send cookies and client certificates along. Never together with all origins. Default false.
    public var allowsCredentials = false
    /// Request headers that may be sent beside those of the protocols. Default none.
    public var requestHeaders: [String] = []
    /// Response headers that pages may read beside those of the protocols. Default none. Trailers of unary calls are
    /// headers that begin with `Trailer-`.
    public var responseHeaders: [String] = []
    /// For how long a browser need not ask again. Default two hours, which is the most that Chromium keeps.
    public var maxAge: Duration = .seconds(7200)

    /// Rules for some origins.
    public init(allowedOrigins: [String]) { self.allowedOrigins = allowedOrigins }

    var allowsAnyOrigin: Bool { allowedOrigins.contains("*") }

    func allows(_ origin: String) -> Bool { allowsAnyOrigin || allowedOrigins.contains(origin) }
}
