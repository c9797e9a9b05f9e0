// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import Ravioli
import RavioliSchema

extension Edge {
    /// What a request that fits a rule or a plan leads to: the rule's method by the newest schemas, or what stands for
    /// one where a plan answers.
    func route(of match: RESTMatch) -> Route? {
        if let plan = match.binding.plan { return restDoor.plan(numbered: plan)?.route }
        return route(of: match.binding.method)
    }
}

extension RESTResponder {
    /// Serves a request for a plan. Everything around its calls is REST's: the metadata that goes along, how long it may
    /// take, how parameters are read, and what errors look like.
    func serve(_ entry: PlanBook.Entry, verified: Metadata) async {
        do throws(RESTFailure) {
            try RESTResponse(entry.binding, options: options).checkAccept(accepted)
            let bridge = try bridge(verified)
            let parameters = try entry.parameters.values(try await request(bridge))
            guard let plan = await current(entry) else {
                throw RESTFailure(
                    RPCError(.unavailable, "not every service of this page has been found yet", executed: .no)
                )
            }
            await run(plan, parameters, bridge)
        } catch {
            note(error.error)
            await exchange.answer(edge.restFailure(error, exchange))
        }
    }

    /// The plan by the newest schemas. One that waits for a server looks for it again, as often as servers may be asked.
    private func current(_ entry: PlanBook.Entry) async -> Plan? {
        if let plan = entry.plan { return plan }
        await edge.refresh(paced: true)
        return entry.binding.plan.flatMap(edge.restDoor.plan)?.plan
    }

    private func run(_ plan: Plan, _ parameters: DynamicMessage, _ bridge: CallBridge) async {
        let edge = edge
        var run = PlanRun(
            plan, parameters: parameters, deadline: bridge.deadline, metadata: bridge.metadata,
            options: edge.options.plans
        ) { route, request throws(RPCError) in
            let bridge = CallBridge(
                edge: edge, route: edge.route(of: route.method) ?? route, codec: .proto,
                metadata: request.metadata, deadline: request.deadline)
            let (response, _) = try await bridge.unary(ByteBuffer(bytes: request.message))
            return Array(response.readableBytesView)
        }
        do throws(RPCError) {
            let json = try await run.answer(json: options.jsonEncoding)
            log(plan, run)
            let none = ResponseMetadata(Metadata(), rules: HeaderRules([]))
            await answer(RESTResponse.Body(contentType: "application/json", bytes: json), none)
        } catch {
            log(plan, run)
            note(error)
            let failed = run.failedStep.map { plan.steps[$0].route }
            await exchange.answer(edge.restFailure(RESTFailure(error), exchange, route: failed))
        }
    }

    private func log(_ plan: Plan, _ run: PlanRun) {
        edge.logger.debug(
            "plan run",
            metadata: [
                "request": "\(exchange.requestID)", "plan": "\(plan.source.name)", "steps": "\(run.report)",
            ])
    }
}
