// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// A method that can be called through the edge.
package struct Route: Sendable {
    package let name: MethodName
    package let method: MethodDescriptor
    /// The number of the upstream that serves it.
    package let upstream: Int
    /// The upstream's schema, for types that are found by name.
    package let types: DescriptorPool
    /// Whether clients find it; plans find all.
    package var isExposed = true
}

/// Which methods there are, and where. A service that two upstreams have belongs to the first of them.
package struct RouteTable: Sendable {
    private var services: [String: [String: Route]] = [:]
    /// The same by their whole paths, as nearly all clients write them.
    private var paths: [String: Route] = [:]
    /// Whether every upstream has told its schema: only then an unknown name is surely unknown.
    package private(set) var isComplete = true
    /// The services, in order.
    package private(set) var descriptors: [ServiceDescriptor] = []
    /// Services that were left out because an earlier upstream has them, with the upstream's number.
    package private(set) var duplicates: [(service: String, upstream: Int)] = []

    /// A table of the upstreams' schemas, nil for those that are not known yet.
    ///
    /// Reflection is not routed: each upstream has it, and it is for the edge and not for the world.
    ///
    /// - Parameters:
    ///   - prefix: What stands before `/pkg.Service/Method` in every path, as `/api`.
    ///   - exposure: Which methods clients find.
    package init(_ schemas: [DescriptorPool?], prefix: String = "", exposure: Exposure = .all) {
        for (upstream, pool) in schemas.enumerated() {
            guard let pool else {
                isComplete = false
                continue
            }
            for service in pool.allServices where service.fullName != Reflection.descriptor.fullName {
                guard services[service.fullName] == nil else {
                    duplicates.append((service.fullName, upstream))
                    continue
                }
                descriptors.append(service)
                let routes = Self.routes(service, upstream: upstream, types: pool, exposure)
                services[service.fullName] = routes
                for (name, route) in routes where route.isExposed {
                    paths["\(prefix)/\(service.fullName)/\(name)"] = route
                }
            }
        }
    }

    private static func routes(
        _ service: ServiceDescriptor, upstream: Int, types: DescriptorPool, _ exposure: Exposure
    ) -> [String: Route] {
        var routes: [String: Route] = [:]
        for method in service.methods {
            guard let name = MethodName(method.path) else { continue }
            routes[method.name] = Route(
                name: name, method: method, upstream: upstream, types: types,
                isExposed: exposure.includes(method))
        }
        return routes
    }

    /// The route of a method, exposed or not, names compared exactly; nil if there is none.
    package func route(service: String, method: String) -> Route? { services[service]?[method] }
    /// The route of an exposed method by its path as it came, if that has neither escapes nor a query.
    package func route(path: String) -> Route? { paths[path] }
    /// The number of services.
    package var servicesCount: Int { services.count }
}
