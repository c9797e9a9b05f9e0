// SPDX-License-Identifier: Apache-2.0

import Logging
import Ravioli
import RavioliSchema
import Synchronization

/// The rules and plans in force and the document that describes them, made anew when the schemas change. Rules that contradict
/// each other change nothing: those that were in force stay, and the log says which ones they are.
final class RESTDoor: Sendable {
    private struct State {
        var services: [ServiceDescriptor] = []
        var router = RESTRouter()
        var plans = PlanBook()
        /// Made when somebody asks for it.
        var document: [UInt8]?
        var fault: RESTRuleError?
        /// Whether the services were all there are.
        var isComplete = false

        func knows(_ services: [ServiceDescriptor]) -> Bool {
            self.services.count == services.count && zip(self.services, services).allSatisfy { $0 === $1 }
        }
    }

    private let file: RESTRuleFile
    private let options: RESTOptions
    private let prefix: String
    private let exposure: Exposure
    private let guards: OpenAPIGuards
    private let idempotency: OpenAPIIdempotency
    private let logger: Logger
    private let state = Mutex(State())

    /// - Throws: `invalidConfiguration` for a file of rules or plans that cannot be read.
    init(_ edge: EdgeOptions, logger: Logger) throws(RuntimeError) {
        options = edge.rest
        prefix = edge.prefix
        exposure = try Exposure(edge)
        guards = try OpenAPIGuards(edge)
        idempotency = try OpenAPIIdempotency(edge.idempotency)
        self.logger = logger
        do throws(RESTRuleError) {
            file = try RESTRuleFile(yaml: options.rules, name: options.rulesName)
        } catch {
            throw RuntimeError(.invalidConfiguration, error.description)
        }
        let plans = try PlanBook(edge.plans)
        let router: RESTRouter
        do throws(RESTRuleError) { router = try RESTRouter(plans.bindings) } catch {
            throw RuntimeError(.invalidConfiguration, "plans: \(error)")
        }
        state.withLock { ($0.plans, $0.router) = (plans, router) }
    }

    /// Why the rules of the newest schemas are not in force.
    var fault: RESTRuleError? { state.withLock { $0.fault } }
    /// Why a plan does not fit the newest schemas.
    var planFault: PlanError? { state.withLock { $0.plans.fault } }
    /// The OpenAPI document of what can be called and the rules in force.
    var document: [UInt8] {
        let (services, bindings, plans, known) = state.withLock {
            ($0.services, $0.router.bindings, $0.plans, $0.document)
        }
        if let known { return known }
        var options = documentOptions
        options.plans = plans.entries
        let text = OpenAPIDocument.json(
            services, bindings: bindings.filter { $0.plan == nil }, options: options)
        let document = Array(text.utf8)
        state.withLock { if $0.knows(services) { $0.document = document } }
        return document
    }

    func match(_ httpMethod: String, _ target: String) -> RESTRouter.Match {
        state.withLock { $0.router }.match(httpMethod, target)
    }

    /// The plan that answers instead of a method.
    func plan(numbered number: Int) -> PlanBook.Entry? {
        state.withLock { $0.plans.entries.indices.contains(number) ? $0.plans.entries[number] : nil }
    }

    /// Takes over the services that can be called now.
    func update(_ table: RouteTable) {
        let (services, isComplete) = (table.descriptors, table.isComplete)
        guard state.withLock({ !$0.knows(services) || $0.isComplete != isComplete }) else { return }
        var plans = state.withLock { $0.plans }
        plans.check(table)
        for entry in plans.entries {
            guard let fault = entry.fault else { continue }
            logger.error("plan not taken over", metadata: ["error": "\(fault)"])
        }
        do throws(RESTRuleError) {
            let bindings = try RESTRules.bindings(
                services, file: file, exposure: exposure, isComplete: isComplete)
            let router = try RESTRouter(bindings + plans.bindings)
            state.withLock {
                $0 = State(services: services, router: router, plans: plans, isComplete: isComplete)
            }
        } catch {
            logger.error("REST rules not taken over", metadata: ["error": "\(error)"])
            state.withLock { state in
                state.services = services
                state.plans = plans
                state.document = nil
                state.fault = error
                state.isComplete = isComplete
            }
        }
    }

    private var documentOptions: OpenAPIDocument.Options {
        var document = OpenAPIDocument.Options()
        document.title = options.title
        document.version = options.version
        document.description = options.summary
        document.prefix = prefix
        document.exposure = exposure
        document.guards = guards
        document.idempotency = idempotency
        document.securitySchemes = guards.securitySchemes
        return document
    }
}
