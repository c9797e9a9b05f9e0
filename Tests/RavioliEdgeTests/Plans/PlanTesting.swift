// SPDX-License-Identifier: Apache-2.0

import EdgeSchemas
import Ravioli
import RavioliSchema
import Synchronization

@testable import RavioliEdge

/// A garage that answers as it is told, and remembers what it was asked.
final class GarageCalls: Sendable {
    typealias Answer = @Sendable (_ request: String) async throws(RPCError) -> String

    private let answers: [String: Answer]
    private let asked = Mutex<[String]>([])

    /// - Parameter answers: by method, from the request's JSON to the response's.
    init(_ answers: [String: Answer]) { self.answers = answers }

    /// What was asked, as `Method {request}`, in order of the calls' begin.
    var calls: [String] { asked.withLock { $0 } }

    @Sendable func call(_ route: Route, _ request: UnaryRequest) async throws(RPCError) -> [UInt8] {
        guard let answer = answers[route.method.name] else {
            throw RPCError(call: .internal, "no answer to \(route.method.name)", executed: .no)
        }
        do {
            let message = try DynamicMessage(decoding: request.message, as: route.method.input)
            let json = try message.json()
            asked.withLock { $0.append("\(route.method.name) \(json)") }
            return try DynamicMessage(json: try await answer(json), as: route.method.output).encoded()
        } catch {
            throw error as? RPCError ?? RPCError(call: .internal, "\(error)", executed: .no)
        }
    }
}

extension Plan {
    /// A plan over the garage, read from its steps' YAML.
    static func garage(_ yaml: String) throws -> Plan {
        let file = try PlanFile(yaml: yaml, name: "plans.yaml")
        guard let source = file.plans.first else { throw PlanError("no plan") }
        return try Plan(source, routes: RouteTable([DescriptorPool([RavioliTestV1GarageSchema.file])]))
    }

    /// A run with parameters that are given as texts.
    func run(
        _ texts: [String: String] = [:], _ change: (inout PlanOptions) -> Void = { _ in },
        call: @escaping PlanRun.Caller
    ) throws -> PlanRun {
        var options = PlanOptions.defaults
        options.timeout = .seconds(60)
        change(&options)
        let members = texts.map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
        let json = "{\(members.joined(separator: ","))}"
        let encoded = try DynamicMessage(json: json, as: parameters.type).encoded()
        return PlanRun(
            self, parameters: try parameters.values(encoded), deadline: .after(.seconds(60)),
            options: options,
            call: call)
    }

    /// What the plan answers.
    func answer(
        _ calls: GarageCalls, _ texts: [String: String] = [:],
        _ change: (inout PlanOptions) -> Void = { _ in }
    ) async throws -> String {
        var run = try run(texts, change, call: calls.call)
        return String(decoding: try await run.answer(), as: UTF8.self)
    }
}
