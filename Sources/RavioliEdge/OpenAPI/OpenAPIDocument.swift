// SPDX-License-Identifier: Apache-2.0

package import RavioliSchema

/// The OpenAPI 3.1 document of everything that an edge serves. The same schemas and rules give the same bytes.
package struct OpenAPIDocument {
    /// What the schemas do not tell.
    package struct Options: Sendable {
        /// Which methods are in it. Default all.
        package var exposure = Exposure.all
        /// The document's title. Default `API`.
        package var title = "API"
        /// The version of the API that is described. Default `1`.
        package var version = "1"
        /// What stands before everything, in Markdown. Default nothing.
        package var description = ""
        /// The addresses under which the edge is reached. Default: that of the document.
        package var servers: [String] = []
        /// What stands before Connect's paths, as `/api`.
        package var prefix = ""
        /// Whether Connect's paths are described. Default true.
        package var includesConnect = true
        /// Whether wrappers such as `google.protobuf.Int32Value` are nullable. Default false: they are never printed as
        /// null, and generators make much ado about it.
        package var wrappersAreNullable = false
        /// How callers say who they are, by name, as OpenAPI's security scheme objects; each alone is enough.
        package var securitySchemes: [String: JSONNode] = [:]
        /// What callers need, and how many requests they may make.
        package var guards = OpenAPIGuards()
        /// Which calls have keys.
        package var idempotency = OpenAPIIdempotency()
        /// The plans that are served.
        var plans: [PlanBook.Entry] = []

        /// The documented defaults.
        package init() {}
    }

    let options: Options
    let comments: DescriptorComments
    var schemas: OpenAPISchemas
    var paths: [String: [String: JSONNode]] = [:]
    var restPaths = OpenAPIPaths()
    private let services: [ServiceDescriptor]
    /// Names of services without their packages that several have.
    private let ambiguous: Set<String>

    /// The document's text.
    ///
    /// - Parameters:
    ///   - services: those that can be called.
    ///   - bindings: the REST rules in force.
    package static func json(
        _ services: [ServiceDescriptor], bindings: [RESTBinding], options: Options = Options()
    ) -> String {
        var document = OpenAPIDocument(services, bindings, options)
        for binding in bindings { document.add(binding) }
        if options.includesConnect {
            for service in services {
                for method in service.methods where options.exposure.includes(method) {
                    document.addConnect(method)
                }
            }
        }
        for entry in options.plans { if let plan = entry.plan { document.add(plan, entry.binding) } }
        return document.root.text + "\n"
    }

    private init(_ services: [ServiceDescriptor], _ bindings: [RESTBinding], _ options: Options) {
        self.services = services
        self.options = options
        var files: [FileDescriptor] = []
        var seen: Set<String> = []
        for service in services {
            for file in service.file.withDependencies where seen.insert(file.name).inserted {
                files.append(file)
            }
        }
        comments = DescriptorComments(files)
        schemas = OpenAPISchemas(comments, wrappersAreNullable: options.wrappersAreNullable)
        let names = services.map { Self.shortName($0.fullName) }
        ambiguous = Set(names.filter { name in names.count { $0 == name } > 1 })
    }

    // MARK: Names

    private static func shortName(_ fullName: String) -> String {
        String(fullName.split(separator: ".").last ?? "")
    }

    /// `Service_Method`; with the package, if several services are called the same.
    func operationID(_ method: MethodDescriptor) -> String {
        let short = Self.shortName(method.serviceName)
        let service = ambiguous.contains(short) ? method.serviceName.replacing(".", with: "_") : short
        return "\(service)_\(method.name)"
    }

    /// What every operation of a method begins with.
    func opening(_ method: MethodDescriptor, id: String) -> [(name: String, value: JSONNode)] {
        var members: [(name: String, value: JSONNode)] = [
            ("tags", [.string(method.serviceName)]), ("operationId", .string(id)),
        ]
        if let comment = comments["\(method.serviceName).\(method.name)"] {
            members.append(("summary", .string(Self.firstSentence(comment))))
            members.append(("description", .string(comment)))
        }
        if method.isDeprecated { members.append(("deprecated", true)) }
        return members
    }

    static func firstSentence(_ text: String) -> String {
        let paragraph = text[..<(text.firstRange(of: "\n\n")?.lowerBound ?? text.endIndex)]
        let line = paragraph.split(separator: "\n").joined(separator: " ")
        guard let end = line.firstRange(of: ". ") else { return line }
        return String(line[..<end.lowerBound]) + "."
    }

    /// Of two operations for one path and method the first stays.
    ///
    /// - Parameter method: what it leads to; nil for no method.
    mutating func add(
        _ operation: JSONNode, _ httpMethod: String, _ path: String, of method: MethodDescriptor?,
        isConnect: Bool = false
    ) {
        guard paths[path]?[httpMethod] == nil else { return }
        let keyed = options.idempotency.keyed(operation, httpMethod, method, isConnect: isConnect)
        let guarded = options.guards.guarded(keyed, method, form: path, isConnect: isConnect)
        if let guarded { paths[path, default: [:]][httpMethod] = guarded }
    }

    // MARK: The whole

    private var root: JSONNode {
        var info: [(name: String, value: JSONNode)] = [
            ("title", .string(options.title)), ("version", .string(options.version)),
        ]
        if !options.description.isEmpty { info.append(("description", .string(options.description))) }
        var members: [(name: String, value: JSONNode)] = [("openapi", "3.1.0"), ("info", .object(info))]
        if !options.servers.isEmpty {
            members.append(("servers", .array(options.servers.map { ["url": .string($0)] })))
        }
        members.append(("tags", .array(services.map(tag) + planTags)))
        members.append(("paths", .sorted(paths.mapValues { .sorted($0) })))
        members.append(("components", components))
        if !options.securitySchemes.isEmpty {
            members.append(
                (
                    "security",
                    .array(options.securitySchemes.keys.sorted().map { .object([($0, .array([]))]) })
                ))
        }
        return .object(members)
    }

    private func tag(_ service: ServiceDescriptor) -> JSONNode {
        var members: [(name: String, value: JSONNode)] = [("name", .string(service.fullName))]
        if let comment = comments[service.fullName] { members.append(("description", .string(comment))) }
        return .object(members)
    }

    private var components: JSONNode {
        var all = schemas.components.merging(OpenAPIErrors.schemas) { message, _ in message }
        if !options.plans.isEmpty { all[Self.missingName] = Self.missing }
        if !options.includesConnect { all[OpenAPIErrors.connectName] = nil }
        let responses = OpenAPIErrors.responses(includesConnect: options.includesConnect).merging(
            options.guards.responses(includesConnect: options.includesConnect)
        ) { error, _ in error }
        var members: [(name: String, value: JSONNode)] = [
            ("schemas", .sorted(all)),
            ("responses", .sorted(responses)),
        ]
        if options.includesConnect {
            members.append(("parameters", OpenAPIErrors.parameters))
        }
        if !options.securitySchemes.isEmpty {
            members.append(("securitySchemes", .sorted(options.securitySchemes)))
        }
        return .object(members)
    }
}
