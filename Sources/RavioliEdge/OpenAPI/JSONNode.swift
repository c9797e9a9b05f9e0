// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// A JSON value whose members keep their order: what a document is put together from. Written as literals.
package enum JSONNode: Sendable {
    case object([(name: String, value: JSONNode)])
    case array([JSONNode])
    case string(String)
    case integer(Int)
    case bool(Bool)
    case null

    /// The text over several lines, two spaces a level, without a line break at its end.
    package var text: String {
        var text = ""
        write(to: &text, indent: "")
        return text
    }

    private func write(to text: inout String, indent: String) {
        switch self {
        case .object(let members) where !members.isEmpty:
            let inner = indent + "  "
            for (index, member) in members.enumerated() {
                text += (index == 0 ? "{\n" : ",\n") + inner + JSONText.quoted(member.name) + ": "
                member.value.write(to: &text, indent: inner)
            }
            text += "\n\(indent)}"
        case .object: text += "{}"
        case .array(let elements) where !elements.isEmpty:
            let inner = indent + "  "
            for (index, element) in elements.enumerated() {
                text += (index == 0 ? "[\n" : ",\n") + inner
                element.write(to: &text, indent: inner)
            }
            text += "\n\(indent)]"
        case .array: text += "[]"
        case .string(let value): text += JSONText.quoted(value)
        case .integer(let value): text += String(value)
        case .bool(let value): text += value ? "true" : "false"
        case .null: text += "null"
        }
    }

    /// An object with these members behind its own; other values stay as they are.
    func adding(_ more: [(name: String, value: JSONNode)]) -> JSONNode {
        guard case .object(let members) = self else { return self }
        return .object(members + more)
    }

    /// An object of members in the order of their names.
    static func sorted(_ members: [String: JSONNode]) -> JSONNode {
        .object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    /// Whether it is an object without members.
    var isEmptyObject: Bool {
        if case .object(let members) = self { members.isEmpty } else { false }
    }
}

extension JSONNode: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONNode...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONNode)...) {
        self = .object(elements.map { ($0.0, $0.1) })
    }
}
