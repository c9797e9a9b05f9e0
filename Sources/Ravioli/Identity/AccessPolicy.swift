// SPDX-License-Identifier: Apache-2.0

/// Who may call what. With a policy everything that no rule allows is denied, reflection included.
///
/// A policy is a list of rules, usually a file of UTF-8 text, one rule a line; their order does not matter:
///
/// ```text
/// # who                          -> what, separated by commas
/// spiffe://shop.example/pricing  -> showroom.catalog.v1.Catalog/GetModel, showroom.catalog.v1.Catalog/ListModels
/// spiffe://shop.example/admin/*  -> *
/// console.shop.example           -> ravioli.reflection.v1.Reflection/*
/// *                              -> showroom.catalog.v1.Catalog/GetModel
/// anonymous                      -> showroom.catalog.v1.Catalog/ListModels
/// ```
///
/// | who | means |
/// |---|---|
/// | `spiffe://domain/path` | the workload of this name |
/// | `spiffe://domain/*`, `spiffe://domain/path/*` | every workload whose name goes on after the last slash |
/// | `host.example` | the host of this name |
/// | `*` | everybody with a verified identity |
/// | `anonymous` | everybody, with an identity or without |
///
/// | what | means |
/// |---|---|
/// | `package.Service/Method` | one method |
/// | `package.Service/*` | every method of a service |
/// | `*` | every method of the server |
///
/// `#` begins a comment, at the beginning of a line or after a space. A call that is not allowed ends with
/// `permission_denied`, or with `unauthenticated` when the caller has no identity and one could help; both before
/// its request is decoded, and marked as not executed.
public struct AccessPolicy: Sendable, Hashable {
    /// One rule: this caller may call these methods.
    struct Rule: Sendable, Hashable {
        var principal: Principal
        var methods: [MethodPattern]
        /// Where it stands, for warnings.
        var line: Int
    }

    /// Whom a rule is about.
    enum Principal: Sendable, Hashable {
        case identity(String)
        /// Ends with a slash.
        case prefix(String)
        case anyIdentity
        case everybody
    }

    /// What a rule allows.
    enum MethodPattern: Sendable, Hashable {
        case method(String)
        case service(String)
        case all

        func matches(_ name: MethodName) -> Bool {
            switch self {
            case .method(let fullName): name.fullName == fullName
            case .service(let service): name.service == service
            case .all: true
            }
        }
    }

    let rules: [Rule]
    /// Where the rules come from, for errors and warnings.
    let origin: String
    /// The file they were read from, which a server looks at again, and what it looked like before.
    private(set) var file: String?
    private(set) var stamp: SmallFile.Stamp?

    /// Reads the rules from a file. A server that is given them reads them again when the file changes.
    ///
    /// - Throws: `invalidConfiguration` naming the file, the line and the reason. A file without rules is legal and
    ///   denies everything.
    public init(contentsOfFile path: String) throws(RuntimeError) {
        let stamp = SmallFile.stamp(of: path)
        let bytes = try SmallFile.read(path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RuntimeError(.invalidConfiguration, "\(path) is not UTF-8")
        }
        try self.init(text, origin: path)
        file = path
        self.stamp = stamp
    }

    /// Reads the rules from a text.
    ///
    /// - Parameters:
    ///   - text: The rules.
    ///   - origin: What errors call it.
    /// - Throws: `invalidConfiguration` naming the line and the reason.
    public init(_ text: String, origin: String = "policy") throws(RuntimeError) {
        self.origin = origin
        var rules: [Rule] = []
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            do throws(PolicySyntaxError) {
                if let rule = try Rule(line, number: number) { rules.append(rule) }
            } catch {
                throw RuntimeError(.invalidConfiguration, "\(origin):\(number): \(error.reason)")
            }
        }
        self.rules = rules
    }
}
