// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Ravioli

/// Fetches a key set: one request of bounded time and size, no redirects.
enum KeyFetch {
    /// Whether keys may come from there: what is read in clear text could be anybody's.
    static func isAcceptable(_ url: String) -> Bool {
        if let host = host(of: url, scheme: "https://") { return !host.isEmpty }
        guard let host = host(of: url, scheme: "http://") else { return false }
        return ["localhost", "127.0.0.1", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
    }

    /// What stands between the scheme and the path; nil for another scheme, and if there is a user's name.
    private static func host(of url: String, scheme: String) -> Substring? {
        guard url.lowercased().hasPrefix(scheme) else { return nil }
        let host = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return host.contains("@") ? nil : host
    }

    /// - Throws: What went wrong, for the log.
    static func load(_ url: String, options: JWTOptions) async throws -> [UInt8] {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = options.keysCertificatesFile { tls.trustRoots = .file(file) }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(options.keysTimeout), read: TimeAmount(options.keysTimeout)))
        configuration.httpVersion = .http1Only
        // A client of its own: it is wanted every few minutes, and so keeps nothing open.
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        let result = await body(url, client, options)
        try? await client.shutdown()
        return try result.get()
    }

    private static func body(
        _ url: String, _ client: HTTPClient, _ options: JWTOptions
    ) async -> Result<[UInt8], any Error> {
        await withTaskGroup(of: Result<[UInt8], any Error>.self) { group in
            group.addTask {
                do {
                    var request = HTTPClientRequest(url: url)
                    request.headers.add(name: "Accept", value: "application/json")
                    let response = try await client.execute(request, timeout: TimeAmount(options.keysTimeout))
                    guard response.status == .ok else {
                        throw RuntimeError(
                            .invalidConfiguration, "it answers with status \(response.status.code)")
                    }
                    let body = try await response.body.collect(upTo: options.keysBytesMax)
                    return .success(Array(body.readableBytesView))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: options.keysTimeout)
                return .failure(RuntimeError(.invalidConfiguration, "it does not answer in time"))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(CancellationError())
        }
    }
}
