// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import Ravioli

extension Edge {
    /// Answers `GET /healthz`: 200 when every upstream answers and its schema is known, else 503. Says how many are
    /// well, not which; the log names those that are not.
    func health(_ head: HTTPRequest) async -> EdgeAnswer {
        guard head.method == .get || head.method == .head else {
            return .refusal(.methodNotAllowed, "Health is a GET.", [.allow: "GET, HEAD"])
        }
        if followers.contains(where: { $0.pool == nil }) { await refresh(paced: true) }
        let count = followers.count
        let well = await withTaskGroup(of: Bool.self) { group in
            for follower in followers { group.addTask { await self.isWell(follower) } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        let state = well == count ? "serving" : "not_serving"
        let text = "{\"status\":\"\(state)\",\"upstreams\":\(count),\"reachable\":\(well)}"
        return .json(well == count ? .ok : .serviceUnavailable, text)
    }

    /// An answer is an answer, even one that says that there is no reflection.
    private func isWell(_ follower: SchemaFollower) async -> Bool {
        guard follower.pool != nil else { return false }
        do throws(RPCError) {
            let options = CallOptions.timeout(self.options.limits.schemaTimeout)
            _ = try await ReflectionClient(follower.upstream.channel).listServices(.init(), options: options)
            return true
        } catch {
            if error.origin == .peer { return true }
            logger.info(
                "upstream not well", metadata: ["upstream": "\(follower.upstream.name)", "error": "\(error)"])
            return false
        }
    }
}
