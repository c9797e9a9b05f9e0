// SPDX-License-Identifier: Apache-2.0

/// Templates as OpenAPI writes paths: `{name=shelves/*/books/*}` is `/shelves/{name}/books/{name_1}`.
///
/// OpenAPI takes two paths for one if only the names of their parameters differ, so the first names stay.
struct OpenAPIPaths {
    /// A parameter of a path.
    struct Parameter {
        /// Its name in the document.
        var name: String
        /// The variable it is a part of; nil for a segment that binds nothing.
        var variable: RESTBinding.Variable?
        /// Whether it stands for `**`.
        var isRest: Bool
    }

    private var known: [String: (path: String, names: [String])] = [:]

    /// The path of a rule and its parameters.
    mutating func path(of binding: RESTBinding) -> (path: String, parameters: [Parameter]) {
        var parameters: [Parameter] = []
        var shape = ""
        for (place, segment) in binding.template.segments.enumerated() {
            switch segment {
            case .literal(let text): shape += "/" + Self.escaped(text)
            case .any, .rest:
                let variable = binding.variables.first { $0.place.segments.contains(place) }
                let name = variable?.name ?? "segment"
                let taken = parameters.filter { $0.variable?.name == variable?.name }.count
                parameters.append(
                    Parameter(
                        name: taken == 0 ? name : "\(name)_\(taken)", variable: variable,
                        isRest: segment == .rest))
                shape += "/{}"
            }
        }
        if let verb = binding.template.verb { shape += ":" + Self.escaped(verb) }
        return named(shape, parameters)
    }

    private mutating func named(
        _ shape: String, _ parameters: [Parameter]
    ) -> (path: String, parameters: [Parameter]) {
        var parameters = parameters
        if let (path, names) = known[shape] {
            for index in parameters.indices { parameters[index].name = names[index] }
            return (path, parameters)
        }
        var path = ""
        var rest = parameters[...]
        for character in shape {
            path.append(character)
            if character == "{", let next = rest.popFirst() { path += next.name }
        }
        known[shape] = (path, parameters.map(\.name))
        return (path, parameters)
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                byte < 0x80
                && (Character(Unicode.Scalar(byte)).isLetter
                    || "0123456789-._~!$&'()*+,;=@".utf8.contains(byte))
            let digits = String(byte, radix: 16, uppercase: true)
            result += isPlain ? String(Unicode.Scalar(byte)) : "%" + (digits.count == 1 ? "0" : "") + digits
        }
        return result
    }
}
