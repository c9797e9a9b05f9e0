// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a line of a policy.
struct PolicySyntaxError: Error {
    let reason: String
}

extension AccessPolicy.Rule {
    /// Reads a line; nil for one that is empty or a comment.
    init?(_ line: Substring, number: Int) throws(PolicySyntaxError) {
        let text = Self.withoutComment(line).trimmed
        if text.isEmpty { return nil }
        guard let arrow = text.firstRange(of: "->") else {
            throw PolicySyntaxError(reason: "a rule is `who -> what`; there is no `->`")
        }
        principal = try AccessPolicy.Principal(text[..<arrow.lowerBound].trimmed)
        var methods: [AccessPolicy.MethodPattern] = []
        for part in text[arrow.upperBound...].split(separator: ",", omittingEmptySubsequences: false) {
            methods.append(try AccessPolicy.MethodPattern(part.trimmed))
        }
        self.methods = methods
        self.line = number
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        var before: Character = " "
        for index in line.indices {
            if line[index] == "#", before.isWhitespace { return line[..<index] }
            before = line[index]
        }
        return line
    }
}

extension AccessPolicy.Principal {
    fileprivate init(_ text: Substring) throws(PolicySyntaxError) {
        switch text {
        case "": throw PolicySyntaxError(reason: "nobody stands before the `->`")
        case "*": self = .anyIdentity
        case "anonymous": self = .everybody
        case _ where text.hasPrefix(SPIFFEID.scheme): self = try Self.workload(text)
        default:
            guard let name = HostName.normalized(String(text)) else {
                throw PolicySyntaxError(
                    reason: "\(quoted(text)) is neither a SPIFFE ID nor a host name nor `*` nor `anonymous`")
            }
            self = .identity(name)
        }
    }

    private static func workload(_ text: Substring) throws(PolicySyntaxError) -> Self {
        let isPrefix = text.hasSuffix("/*")
        guard let id = SPIFFEID(String(isPrefix ? text.dropLast(2) : text)) else {
            throw PolicySyntaxError(reason: "\(quoted(text)) is no valid SPIFFE ID")
        }
        if isPrefix { return .prefix(id.description + "/") }
        guard !id.path.isEmpty else {
            throw PolicySyntaxError(
                reason: "\(quoted(text)) names a trust domain; its workloads are `\(id)/*`")
        }
        return .identity(id.description)
    }
}

extension AccessPolicy.MethodPattern {
    fileprivate init(_ text: Substring) throws(PolicySyntaxError) {
        if text == "*" {
            self = .all
            return
        }
        let isService = text.hasSuffix("/*")
        let service = isService ? text.dropLast(2) : text.prefix { $0 != "/" }
        let method = isService ? "M" : text.dropFirst(service.count + 1)
        guard Self.isName(service), method.allSatisfy(Self.isNameCharacter), !method.isEmpty else {
            let forms = "`package.Service/Method`, `package.Service/*` or `*`"
            throw PolicySyntaxError(reason: "\(quoted(text)) is no method: it must be \(forms)")
        }
        self = isService ? .service(String(service)) : .method(String(text))
    }

    private static func isName(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0.allSatisfy(isNameCharacter)
        }
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
}

/// A piece of a file in an error: short, and on one line.
private func quoted(_ text: Substring) -> String {
    "'" + String(text.prefix(80).map { $0.isASCII && !$0.isNewline && $0 >= " " ? $0 : "?" }) + "'"
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return start }
        return start[...last]
    }
}
