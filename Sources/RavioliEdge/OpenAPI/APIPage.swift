// SPDX-License-Identifier: Apache-2.0

/// The page on which a person reads the methods and tries them. One file that never changes while the edge runs: it reads
/// `openapi.json`, beside it, calls the methods by Connect and what else there is by its path. It loads nothing from elsewhere.
package enum APIPage {
    /// The page.
    package static var html: [UInt8] { PackageResources.page_html }

    package static let contentType = "text/html; charset=utf-8"

    /// What the page may do, for the field `Content-Security-Policy`: run its own script and style, known by their SHA-256,
    /// and call the server that it came from. Nothing can frame it.
    package static let securityPolicy = """
        default-src 'none'; script-src 'sha256-Z9a3qZSbjOUUkQmZgbW53z6k9dV9DniXu4xCG3IDCgs='; \
        style-src 'sha256-n8anJqReZfueLDejghtXBZYYPC4pvmoqHHjjKbmOOTw='; \
        connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """
}
