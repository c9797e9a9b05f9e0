// SPDX-License-Identifier: Apache-2.0

import Ravioli
import RavioliSchema

/// The plans that an edge serves: what was configured, and how it reads in the newest schemas it fits.
struct PlanBook: Sendable {
    /// One of them.
    struct Entry: Sendable {
        let source: PlanSource
        let parameters: PlanParameters
        /// Its path, which stands among those of REST's rules.
        let binding: RESTBinding
        /// What stands for a method where the plan answers: no server is called by it.
        let route: Route
        /// Nil while a server that it calls has not been found.
        fileprivate(set) var plan: Plan?
        /// Why it does not fit the newest schemas; what fitted before stays in force.
        fileprivate(set) var fault: PlanError?
    }

    private(set) var entries: [Entry] = []
    private let options: PlanOptions

    /// A book without plans.
    init() { options = .defaults }

    /// Reads the files.
    ///
    /// - Throws: what is wrong with them as far as no schema is needed to see it, with file and line.
    init(_ options: PlanOptions) throws(RuntimeError) {
        try options.check()
        self.options = options
        do throws(PlanError) {
            for file in options.files {
                for source in try PlanFile(yaml: file.yaml, name: file.name).plans {
                    if let other = entries.first(where: { $0.source.name == source.name }) {
                        throw PlanError(
                            "\(source.place(line: source.line)) has the name of another in "
                                + "\(other.source.file), line \(other.source.line)")
                    }
                    entries.append(try Self.entry(source, number: entries.count))
                }
            }
        } catch {
            throw RuntimeError(.invalidConfiguration, "plans: \(error)")
        }
    }

    private static func entry(_ source: PlanSource, number: Int) throws(PlanError) -> Entry {
        let parameters = try PlanParameters(source)
        let rule = HTTPRule(
            selector: "the plan \(source.name)", httpMethod: source.httpMethod, path: source.path,
            body: source.httpMethod == "POST" ? "*" : "", origin: "\(source.file), line \(source.line)")
        do throws(RESTRuleError) {
            let template = try PathTemplate(source.path)
            for variable in template.variables {
                let name = variable.fieldPath.joined(separator: ".")
                guard parameters.field(name) != nil else {
                    throw RESTRuleError("{\(name)} is no parameter of the plan")
                }
            }
            if template.isReserved { throw RESTRuleError("the edge itself answers this path") }
            var binding = try RESTBinding(rule, method: parameters.method)
            binding.plan = number
            guard let name = MethodName(parameters.method.path) else {
                throw RESTRuleError("the plan's name is too long")
            }
            let route = Route(name: name, method: parameters.method, upstream: 0, types: DescriptorPool())
            return Entry(source: source, parameters: parameters, binding: binding, route: route)
        } catch {
            throw PlanError("\(source.place(line: source.line)): \(source.path): \(error.description)")
        }
    }

    /// The paths of all plans, found out to fit or not.
    var bindings: [RESTBinding] { entries.map(\.binding) }
    /// The first of the plans that do not fit the newest schemas, and why.
    var fault: PlanError? { entries.lazy.compactMap(\.fault).first }

    /// Reads the plans anew. One that does not fit any more stays as it was; one whose method may belong to a server that is
    /// not known yet waits for it.
    mutating func check(_ table: RouteTable) {
        for index in entries.indices {
            do throws(PlanError) {
                let entry = entries[index]
                entries[index].plan = try Plan(
                    entry.source, entry.parameters, routes: table, options: options)
                entries[index].fault = nil
            } catch {
                entries[index].fault = error.isUnknownMethod && !table.isComplete ? nil : error
            }
        }
    }
}

extension PathTemplate {
    /// Whether the edge answers the path itself, before any rule.
    fileprivate var isReserved: Bool {
        verb == nil && (segments == [.literal("healthz")] || segments == [.literal("openapi.json")])
    }
}
