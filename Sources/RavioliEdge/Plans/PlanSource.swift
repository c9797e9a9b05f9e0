// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A plan as it is written, before it is checked against any schema.
package struct PlanSource: Sendable {
    /// A parameter that a request gives in its path or query.
    package struct Parameter: Sendable {
        package var name: String
        package var type = PlanScalar.string
        /// Used when the request does not give it; without one it is required.
        package var defaultText: String?
    }

    /// A call.
    package struct Step: Sendable {
        package var name: String
        /// `package.Service/Method`.
        package var call: String
        /// The request's fields.
        package var request: PlanExpression
        /// Whether the whole fails with it. Default true: a part that may be missing is marked so.
        package var isRequired = true
        /// Its own limit, within the plan's.
        package var timeout: Duration?
        /// Elements that one list of the request takes; default 100.
        package var listMax = 100
        /// The step is left out, without an error, when this is absent, empty or false.
        package var condition: PlanReference?
        package var line = 1
    }

    package var name: String
    package var description = ""
    /// The path template of its `GET`.
    package var path: String
    /// For everything together; default 5 s.
    package var timeout = Duration.seconds(5)
    package var parameters: [Parameter] = []
    package var steps: [Step] = []
    /// What is answered; nil for each step's response under its name.
    package var response: PlanExpression?
    package var line = 1

    /// Steps of one plan.
    package static let stepsMax = 32
    /// What the steps' responses may have in all, in bytes.
    package static let bytesMax = 8 * 1024 * 1024
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
