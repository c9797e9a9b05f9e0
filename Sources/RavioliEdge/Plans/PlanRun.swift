// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// One answer of a plan: calls what can be called, in parallel, and puts together what came back.
///
/// A required step that fails decides the whole, and what still runs is cancelled. A step that is not required leaves its
/// parts null and an entry in `errors`. Calls that are equal (method, request and time) are made once.
package struct PlanRun: Sendable {
    /// Makes a step's call and answers the encoded response.
    package typealias Caller = @Sendable (Route, UnaryRequest) async throws(RPCError) -> [UInt8]

    /// What became of a step.
    enum Outcome: Sendable {
        case answered(DynamicMessage)
        /// A response for each element, nil for one that failed.
        case answeredEach([DynamicMessage?])
        /// Its condition did not hold.
        case skipped
        case failed(RPCError)
    }

    /// Something that is missing in the answer.
    struct Missing: Sendable, Hashable {
        let step: Int
        /// The element that it is about, from 0; nil for the step itself.
        let index: Int?
        let code: StatusCode
        let message: String
    }

    private struct CallKey: Hashable, Sendable {
        let method: String
        let request: [UInt8]
        let timeout: Duration?
    }

    /// The calls of a step that has begun.
    private struct Progress: Sendable {
        let requests: [[UInt8]]
        var responses: [DynamicMessage?]
        let deadline: Deadline
        let began: Int64
        var ended: Int64?
        /// How many have been made, and how many of those are still out.
        var next = 0
        var out = 0
    }

    private typealias End = (key: CallKey, result: Result<[UInt8], RPCError>)
    private typealias Decoded = Result<DynamicMessage, RPCError>

    private let plan: Plan
    private let parameters: DynamicMessage
    private let deadline: Deadline
    /// For steps that are not required: a little earlier, so that an answer without them still arrives in time.
    private let optionalDeadline: Deadline
    private let metadata: Metadata
    private let options: PlanOptions
    private let call: Caller

    private var outcomes: [Outcome?]
    private var progress: [Progress?]
    /// Steps and their elements by the call that they share.
    private var sharers: [CallKey: [(step: Int, index: Int)]] = [:]
    private var finished: [CallKey: Decoded] = [:]
    private var missing: [Missing] = []
    private var bytes = 0
    private var calls = 0
    private var running = 0
    /// The required step that failed, if one did.
    private(set) var failedStep: Int?

    /// - Parameters:
    ///   - parameters: of the request, from ``PlanParameters/values(_:)``.
    ///   - deadline: of the request; the plan's own timeout may be earlier.
    ///   - metadata: goes with every call.
    package init(
        _ plan: Plan, parameters: DynamicMessage, deadline: Deadline, metadata: Metadata = Metadata(),
        options: PlanOptions = .defaults, call: @escaping Caller
    ) {
        self.plan = plan
        self.parameters = parameters
        let now = Deadline.nowNanoseconds
        let whole = min(deadline, Deadline(now: now, after: plan.source.timeout ?? options.timeout))
        self.deadline = whole
        let left = Duration.nanoseconds(max(0, whole.uptimeNanoseconds - now))
        optionalDeadline = Deadline(now: now, after: left - min(left / 10, Self.reserveMax))
        self.metadata = metadata
        self.options = options
        self.call = call
        outcomes = Array(repeating: nil, count: plan.steps.count)
        progress = Array(repeating: nil, count: plan.steps.count)
    }

    private var values: PlanValues { PlanValues(plan, outcomes, parameters) }

    /// The most that is kept for the answer itself.
    private static let reserveMax = Duration.milliseconds(100)

    // MARK: Running

    /// Runs the plan.
    ///
    /// - Returns: the answer as JSON.
    /// - Throws: what a required step failed with; `resource_exhausted` when the answer is too large.
    package mutating func answer(
        json options: JSONEncodingOptions = .defaults
    ) async throws(RPCError) -> [UInt8] {
        // The group is told of each end by the key of the call, so nothing is shared between tasks.
        let end = await withTaskGroup(of: End.self) { group -> RPCError? in
            var failure = advance(in: &group)
            while failure == nil, let end = await group.next() {
                failure = ended(end) ?? advance(in: &group)
            }
            group.cancelAll()
            return failure
        }
        if let end { throw end }
        let answer = PlanAnswer(
            plan, outcomes, parameters, missing: orderedMissing, options: options,
            bytesMax: self.options.bytesMax.multipliedReportingOverflow(by: 4).partialValue)
        return try answer.json()
    }

    /// In the order of the steps, so that the same failures read the same whichever came first.
    private var orderedMissing: [Missing] {
        missing.enumerated().sorted {
            ($0.element.step, $0.element.index ?? -1, $0.offset)
                < ($1.element.step, $1.element.index ?? -1, $1.offset)
        }.map(\.element)
    }

    /// Begins what can be begun, as often as that lets something else begin; returns what ends the whole, if anything does.
    private mutating func advance(in group: inout TaskGroup<End>) -> RPCError? {
        var again = true
        while again {
            again = false
            for number in plan.steps.indices where outcomes[number] == nil {
                if progress[number] == nil {
                    guard plan.steps[number].needs.allSatisfy({ outcomes[$0] != nil }) else { continue }
                    if let failure = begin(number) { return failure }
                }
                if let failure = makeCalls(number, in: &group) { return failure }
                again = again || outcomes[number] != nil
            }
        }
        return nil
    }

    /// Makes the requests of a step, or finds that there is nothing to ask for.
    private mutating func begin(_ number: Int) -> RPCError? {
        let step = plan.steps[number]
        for needed in step.needs {
            guard case .failed(let error)? = outcomes[needed] else { continue }
            let name = plan.steps[needed].source.name
            return failed(
                number, RPCError(error.code, "it needs \(name), which is missing", executed: .no))
        }
        let lacks = step.takes.contains { if case .skipped? = outcomes[$0] { true } else { false } }
        if lacks || step.source.condition.map({ !values.holds($0) }) == true {
            outcomes[number] = .skipped
            return nil
        }
        do throws(RPCError) {
            let requests = try requests(number)
            calls += requests.count
            guard calls <= options.callsMax else {
                throw RPCError(
                    .resourceExhausted, "the answer would take more than \(options.callsMax) calls",
                    executed: .no)
            }
            let timeout = step.source.timeout
            let deadline = step.source.isRequired ? deadline : optionalDeadline
            progress[number] = Progress(
                requests: requests, responses: Array(repeating: nil, count: requests.count),
                deadline: timeout.map { min(deadline, .after($0)) } ?? deadline,
                began: Deadline.nowNanoseconds)
            if requests.isEmpty { outcomes[number] = .answeredEach([]) }
            return nil
        } catch {
            return failed(number, error)
        }
    }

    private mutating func requests(_ number: Int) throws(RPCError) -> [[UInt8]] {
        let step = plan.steps[number]
        guard let each = step.source.each else { return [try request(step, nil)] }
        var elements = values.part(each).elements
        if elements.count > step.source.listMax {
            elements = Array(elements.prefix(step.source.listMax))
            noteCut("\(each)", step)
        }
        var requests: [[UInt8]] = []
        for element in elements { requests.append(try request(step, element)) }
        return requests
    }

    private mutating func request(_ step: Plan.Step, _ each: DynamicValue?) throws(RPCError) -> [UInt8] {
        do throws(SchemaError) {
            let (message, cut) = try values.request(of: step, each: each)
            for field in cut { noteCut(field, step) }
            // Deterministic, so that equal requests are recognised.
            return try message.encoded(deterministic: true)
        } catch {
            throw RPCError(.internal, "its request cannot be made", executed: .no, cause: error)
        }
    }

    private mutating func noteCut(_ what: String, _ step: Plan.Step) {
        guard let number = plan.number(of: step.source.name) else { return }
        let note = Missing(
            step: number, index: nil, code: .resourceExhausted,
            message: "\(what) is cut to its first \(step.source.listMax) elements")
        if !missing.contains(note) { missing.append(note) }
    }

    // MARK: Calls

    /// Makes as many of a step's calls as may be out.
    private mutating func makeCalls(_ number: Int, in group: inout TaskGroup<End>) -> RPCError? {
        let step = plan.steps[number]
        while let state = progress[number], outcomes[number] == nil, state.next < state.requests.count,
            state.out < step.source.parallel, running < options.parallelMax
        {
            let index = state.next
            progress[number]?.next += 1
            progress[number]?.out += 1
            let key = CallKey(
                method: step.source.call, request: state.requests[index], timeout: step.source.timeout)
            if let result = finished[key] {
                if let failure = ended(number, index, result) { return failure }
            } else if sharers[key] != nil {
                sharers[key]?.append((number, index))
            } else {
                sharers[key] = [(number, index)]
                start(step, key, state.deadline, in: &group)
            }
        }
        return nil
    }

    private mutating func start(
        _ step: Plan.Step, _ key: CallKey, _ deadline: Deadline, in group: inout TaskGroup<End>
    ) {
        running += 1
        var request = UnaryRequest(step.route.name, message: key.request)
        request.deadline = deadline
        request.metadata = metadata
        let (call, route, unary) = (call, step.route, request)
        group.addTask {
            do throws(RPCError) {
                guard !deadline.hasPassed else {
                    throw RPCError(.deadlineExceeded, "the deadline passed", executed: .no)
                }
                return (key, .success(try await call(route, unary)))
            } catch {
                return (key, .failure(error))
            }
        }
    }

    // MARK: Ends

    private mutating func ended(_ end: End) -> RPCError? {
        running -= 1
        let waiting = sharers.removeValue(forKey: end.key) ?? []
        guard let first = waiting.first else { return nil }
        let result = decoded(end.result, plan.steps[first.step].route)
        finished[end.key] = result
        for (number, index) in waiting {
            if let failure = ended(number, index, result) { return failure }
        }
        return nil
    }

    private mutating func decoded(_ result: Result<[UInt8], RPCError>, _ route: Route) -> Decoded {
        let encoded: [UInt8]
        switch result {
        case .success(let bytes): encoded = bytes
        case .failure(let error): return .failure(error)
        }
        guard encoded.count <= options.bytesMax - bytes else {
            return .failure(
                RPCError(
                    .resourceExhausted, "the responses are over \(options.bytesMax) bytes together",
                    executed: .yes))
        }
        bytes += encoded.count
        do throws(SchemaError) {
            var limits = SchemaLimits.defaults
            limits.elementsMax = Self.elementsMax
            return .success(try DynamicMessage(decoding: encoded, as: route.method.output, limits: limits))
        } catch {
            return .failure(
                RPCError(
                    .internal, "the service's answer cannot be read", executed: .yes, cause: error))
        }
    }

    /// Fields and elements of one response: each becomes a value, which is larger than its bytes.
    private static let elementsMax = 262_144

    private mutating func ended(_ number: Int, _ index: Int, _ result: Decoded) -> RPCError? {
        guard var state = progress[number] else { return nil }
        state.out -= 1
        let isEach = plan.steps[number].source.each != nil
        switch result {
        case .success(let message): state.responses[index] = message
        case .failure(let error):
            progress[number] = state
            if !isEach { return failed(number, error) }
            if let failure = note(number, index, error) { return failure }
        }
        if state.next == state.requests.count, state.out == 0 {
            state.ended = Deadline.nowNanoseconds
            outcomes[number] =
                isEach ? .answeredEach(state.responses) : state.responses[0].map(Outcome.answered)
        }
        progress[number] = state
        return nil
    }

    /// A step failed; returns what ends the whole, if the step is required.
    private mutating func failed(_ number: Int, _ error: RPCError) -> RPCError? {
        outcomes[number] = .failed(error)
        progress[number]?.ended = Deadline.nowNanoseconds
        return note(number, nil, error)
    }

    private mutating func note(_ number: Int, _ index: Int?, _ error: RPCError) -> RPCError? {
        if plan.steps[number].source.isRequired {
            failedStep = number
            return error
        }
        missing.append(
            Missing(step: number, index: index, code: error.code, message: error.forTheWorld.message))
        return nil
    }
}

// MARK: - The log

extension PlanRun {
    /// What became of each step and how long it took, for the log: `vehicle=ok/812us worth=unavailable/40us`.
    var report: String {
        plan.steps.indices.map { number in
            "\(plan.steps[number].source.name)=\(status(number))\(time(number))"
        }.joined(separator: " ")
    }

    private func status(_ number: Int) -> String {
        switch outcomes[number] {
        case .answered: "ok"
        case .answeredEach(let messages): "\(messages.count { $0 != nil }) of \(messages.count)"
        case .skipped: "skipped"
        case .failed(let error): error.code.name
        case nil: progress[number] == nil ? "not begun" : "cancelled"
        }
    }

    private func time(_ number: Int) -> String {
        guard let state = progress[number], let ended = state.ended else { return "" }
        return "/\((ended - state.began) / 1000)us"
    }
}
