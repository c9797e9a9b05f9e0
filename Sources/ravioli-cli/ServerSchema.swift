// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// What a server tells about itself.
struct ServerSchema {
    private let reflection: ReflectionClient
    private let options: CallOptions

    init(_ client: Client, timeout: Duration) {
        reflection = ReflectionClient(client)
        options = .timeout(timeout)
    }

    /// The names of its services.
    func services() async throws(Failure) -> [String] {
        do throws(RPCError) {
            return try await reflection.listServices(.init(), options: options).services
        } catch {
            throw .call(error)
        }
    }

    /// The schema of one service.
    ///
    /// - Throws: `not_found` with the names that come nearest.
    func service(_ name: String) async throws(Failure) -> (ServiceDescriptor, DescriptorPool) {
        let bytes: [UInt8]
        do throws(RPCError) {
            bytes = try await reflection.getSchema(.init(services: [name]), options: options)
                .fileDescriptorSet
        } catch {
            guard error.code == .notFound else { throw .call(error) }
            let text = Suggestion.text(for: name, among: try await services(), kind: "service")
            throw .call(RPCError(.unimplemented, "the server has no service \(name)\(text)", executed: .no))
        }
        do throws(SchemaError) {
            let pool = try DescriptorPool(fileDescriptorSet: bytes)
            if let service = pool.service(named: name) { return (service, pool) }
        } catch {
            throw .other("the server's schema cannot be read: \(error)")
        }
        throw .other("the server's schema does not have \(name)")
    }

    /// One method and the schema around it.
    func method(_ name: MethodName) async throws(Failure) -> (MethodDescriptor, DescriptorPool) {
        let (service, pool) = try await service(name.service)
        if let method = service.method(named: name.method) { return (method, pool) }
        let text = Suggestion.text(for: name.method, among: service.methods.map(\.name), kind: "method")
        let message = "\(service.fullName) has no method \(name.method)\(text)"
        throw .call(RPCError(.unimplemented, message, executed: .no))
    }
}

/// What a person may have meant.
enum Suggestion {
    /// What to add to "there is no …": the names nearest to it, or all if there are few, as a sentence.
    static func text(for name: String, among names: [String], kind: String) -> String {
        let ranked = names.map { ($0, distance(name.lowercased(), $0.lowercased())) }.sorted { $0.1 < $1.1 }
        let near = ranked.filter { $0.1 <= max(2, name.count / 3) }.prefix(3).map(\.0)
        if !near.isEmpty { return "; did you mean \(near.joined(separator: " or "))?" }
        return names.isEmpty ? "" : "; its \(kind)s are \(names.prefix(12).joined(separator: ", "))"
    }

    /// Levenshtein's distance, over the first 128 characters.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.prefix(128))
        let right = Array(right.prefix(128))
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
