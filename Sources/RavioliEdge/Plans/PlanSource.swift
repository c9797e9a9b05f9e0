// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A plan as it is written, before it is checked against any schema.
package struct PlanSource: Sendable {
    /// A parameter that a request gives in its path, its query or its body.
    package struct Parameter: Sendable {
        package var name: String
        package var type = PlanScalar.string
        /// Whether it is a list.
        package var isRepeated = false
        /// Whether a request must give it. Default true, unless there is a default.
        package var isRequired = true
        /// Used when the request does not give it.
        package var defaultText: String?
        package var description = ""
        package var line = 1
    }

    /// A call, or one for each element of a list.
    package struct Step: Sendable {
        package var name: String
        /// `package.Service/Method`.
        package var call: String
        /// The request's fields.
        package var request: PlanExpression
        /// The list for each of whose elements, `$each` in the request, the call is made.
        package var each: PlanReference?
        /// So many of those calls are out at the same time.
        package var parallel = 8
        /// Whether the whole fails with it. Default true: a part that may be missing is marked so.
        package var isRequired = true
        /// Its own limit, within the plan's.
        package var timeout: Duration?
        /// Elements that one list of the request takes, or for which calls are made; default 100.
        package var listMax = 100
        /// The step is left out, without an error, when this is absent, empty or false.
        package var condition: PlanReference?
        package var line = 1
    }

    package var name: String
    package var description = ""
    /// `GET`, or `POST` for parameters in a body.
    package var httpMethod = "GET"
    /// The path template.
    package var path: String
    /// For everything together; nil for what the options say.
    package var timeout: Duration?
    package var parameters: [Parameter] = []
    package var steps: [Step] = []
    /// What is answered; nil for each step's response under its name.
    package var response: PlanExpression?
    /// The file it stands in, and the line.
    package var file = ""
    package var line = 1

    /// Parameters of one plan.
    static let parametersMax = 64
    /// How `$each` is called in a request.
    static let eachName = "each"

    /// How errors say where something is.
    func place(line: Int) -> String { "\(file), line \(line): the plan \(name)" }
}

/// A value in a plan.
package indirect enum PlanExpression: Sendable, Hashable {
    case reference(PlanReference)
    /// Text as YAML has it; `isText` where it stands between quotes or can be nothing else.
    case literal(String, isText: Bool)
    case object([Member])
    case list([PlanExpression])

    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: PlanExpression
    }

    /// Every reference in it.
    var references: [PlanReference] {
        switch self {
        case .reference(let reference): [reference]
        case .literal: []
        case .object(let members): members.flatMap(\.value.references)
        case .list(let elements): elements.flatMap(\.references)
        }
    }

    /// As JSON, with nothing in place of references.
    var json: String {
        switch self {
        case .reference: "null"
        case .literal(let text, let isText): isText ? JSONText.quoted(text) : text
        case .object(let members):
            "{" + members.map { JSONText.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
        case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        }
    }
}
