// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// One answer of a plan: calls what can be called, in parallel, and puts together what came back.
///
/// A required step that fails decides the whole, and what still runs is cancelled. A step that is not required leaves its
/// parts null and an entry in `errors`. Calls that are equal are made once.
package struct PlanRun: Sendable {
    /// Makes a step's call and answers the encoded response.
    package typealias Caller = @Sendable (Route, UnaryRequest) async throws(RPCError) -> [UInt8]

    /// What became of a step.
    enum Outcome: Sendable {
        case answered(DynamicMessage)
        /// Its condition did not hold.
        case skipped
        case failed(RPCError)
    }

    /// Something that is missing in the answer.
    struct Missing: Sendable, Hashable {
        let step: String
        let code: StatusCode
        let message: String
    }

    private struct CallKey: Hashable, Sendable {
        let method: String
        let request: [UInt8]
    }

    private let plan: Plan
    private let parameters: [String: DynamicValue]
    private let deadline: Deadline
    private let metadata: Metadata
    private let call: Caller

    private var outcomes: [Outcome?]
    private var begun: [Bool]
    /// Steps by the call that they share.
    private var sharers: [CallKey: [Int]] = [:]
    private var finished: [CallKey: Result<[UInt8], RPCError>] = [:]
    private var missing: [Missing] = []
    private var bytes = 0

    /// - Parameters:
    ///   - texts: the parameters that the request gives.
    ///   - deadline: of the request; the plan's own timeout may be earlier.
    ///   - metadata: goes with every call.
    /// - Throws: `invalid_argument`, naming the parameter that is missing, unknown or wrong.
    package init(
        _ plan: Plan, parameters texts: [String: String], deadline: Deadline, metadata: Metadata = Metadata(),
        call: @escaping Caller
    ) throws(RPCError) {
        self.plan = plan
        self.deadline = min(deadline, .after(plan.source.timeout))
        self.metadata = metadata
        self.call = call
        outcomes = Array(repeating: nil, count: plan.steps.count)
        begun = Array(repeating: false, count: plan.steps.count)
        parameters = try Self.values(plan.source.parameters, texts)
    }

    private static func values(
        _ parameters: [PlanSource.Parameter], _ texts: [String: String]
    ) throws(RPCError) -> [String: DynamicValue] {
        var values: [String: DynamicValue] = [:]
        for parameter in parameters {
            guard let text = texts[parameter.name] ?? parameter.defaultText else {
                throw refusal("the parameter \(parameter.name) is missing")
            }
            guard let value = parameter.type.value(text) else {
                throw refusal("the parameter \(parameter.name) is no \(parameter.type.rawValue)")
            }
            values[parameter.name] = value
        }
        for name in texts.keys.sorted() where values[name] == nil {
            throw refusal("there is no parameter \"\(SchemaError.excerpt(name))\"")
        }
        return values
    }

    private static func refusal(_ text: String) -> RPCError {
        RPCError(call: .invalidArgument, text, executed: .no)
    }

    // MARK: Running

    /// Runs the plan.
    ///
    /// - Returns: the answer as JSON.
    /// - Throws: what a required step failed with; `resource_exhausted` when the responses are too large together.
    package mutating func answer(options: JSONEncodingOptions = .defaults) async throws(RPCError) -> [UInt8] {
        // The group is told of each end by the key of the call, so nothing is shared between tasks.
        let end = await withTaskGroup(of: (CallKey, Result<[UInt8], RPCError>).self) { group in
            var failure = beginReady(in: &group)
            while failure == nil, let (key, result) = await group.next() {
                failure = ended(key, result) ?? beginReady(in: &group)
            }
            group.cancelAll()
            return failure
        }
        if let end { throw end }
        return try PlanAnswer(plan, outcomes, parameters, missing, options: options).json()
    }

    /// Begins every step that has what it needs; returns what ends the whole, if anything does.
    private mutating func beginReady(
        in group: inout TaskGroup<(CallKey, Result<[UInt8], RPCError>)>
    ) -> RPCError? {
        var again = true
        while again {
            again = false
            for number in plan.steps.indices where !begun[number] && isReady(number) {
                begun[number] = true
                if let failure = begin(number, in: &group) { return failure }
                // One that ended at once may be what another waits for.
                again = again || outcomes[number] != nil
            }
        }
        return nil
    }

    private func isReady(_ number: Int) -> Bool {
        plan.steps[number].needs.allSatisfy { outcomes[$0] != nil }
    }

    private mutating func begin(
        _ number: Int, in group: inout TaskGroup<(CallKey, Result<[UInt8], RPCError>)>
    ) -> RPCError? {
        let step = plan.steps[number]
        if let needed = step.needs.first(where: { if case .failed = outcomes[$0] { true } else { false } }),
            case .failed(let error)? = outcomes[needed]
        {
            let name = plan.steps[needed].source.name
            return failed(
                number, RPCError(call: error.code, "the step \(name), which it needs, failed", executed: .no))
        }
        if let condition = step.source.condition, !PlanValues(outcomes, parameters, plan).holds(condition) {
            outcomes[number] = .skipped
            return nil
        }
        do throws(RPCError) {
            let key = CallKey(method: step.source.call, request: try request(step))
            if let result = finished[key] { return ended([number], result) }
            sharers[key, default: []].append(number)
            if sharers[key]?.count == 1 { start(step, key, in: &group) }
            return nil
        } catch {
            return failed(number, error)
        }
    }

    private func start(
        _ step: Plan.Step, _ key: CallKey, in group: inout TaskGroup<(CallKey, Result<[UInt8], RPCError>)>
    ) {
        var options = CallOptions.metadata(metadata)
        options.timeout = min(deadline.remaining, step.source.timeout ?? deadline.remaining)
        let request = UnaryRequest(step.route.name, message: key.request, options: options)
        let (call, route) = (call, step.route)
        group.addTask {
            do throws(RPCError) {
                return (key, .success(try await call(route, request)))
            } catch {
                return (key, .failure(error))
            }
        }
    }

    private mutating func request(_ step: Plan.Step) throws(RPCError) -> [UInt8] {
        do throws(SchemaError) {
            let (message, cut) = try PlanValues(outcomes, parameters, plan).request(of: step)
            for field in cut {
                missing.append(
                    Missing(
                        step: step.source.name, code: .resourceExhausted,
                        message: "\(field) is cut to its first \(step.source.listMax) elements"))
            }
            // Deterministic, so that equal requests are recognised.
            return try message.encoded(deterministic: true)
        } catch {
            throw RPCError(
                call: .internal, "the request of the step \(step.source.name) cannot be made", executed: .no,
                cause: error)
        }
    }

    // MARK: Ends

    private mutating func ended(_ key: CallKey, _ result: Result<[UInt8], RPCError>) -> RPCError? {
        finished[key] = result
        return ended(sharers.removeValue(forKey: key) ?? [], result)
    }

    private mutating func ended(_ numbers: [Int], _ result: Result<[UInt8], RPCError>) -> RPCError? {
        for number in numbers {
            if let failure = ended(number, result) { return failure }
        }
        return nil
    }

    private mutating func ended(_ number: Int, _ result: Result<[UInt8], RPCError>) -> RPCError? {
        let encoded: [UInt8]
        switch result {
        case .success(let bytes): encoded = bytes
        case .failure(let error): return failed(number, error)
        }
        bytes += encoded.count
        guard bytes <= PlanSource.bytesMax else {
            return RPCError(
                call: .resourceExhausted, "the responses are over \(PlanSource.bytesMax) bytes together",
                executed: .yes)
        }
        do throws(SchemaError) {
            let type = plan.steps[number].route.method.output
            outcomes[number] = .answered(try DynamicMessage(decoding: encoded, as: type))
            return nil
        } catch {
            return failed(
                number,
                RPCError(call: .internal, "the response cannot be decoded", executed: .yes, cause: error))
        }
    }

    /// A step failed; returns what ends the whole, if the step is required.
    private mutating func failed(_ number: Int, _ error: RPCError) -> RPCError? {
        let step = plan.steps[number].source
        outcomes[number] = .failed(error)
        if step.isRequired { return error }
        missing.append(Missing(step: step.name, code: error.code, message: error.forTheWorld.message))
        return nil
    }
}
