// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// Tells a server's schemas; every server has it unless ``ServerOptions/servesReflection`` is false.
struct ServerReflection: ReflectionService {
    private let services: [ServiceDescriptor]
    /// Of everything served; see ``SchemaFingerprint``.
    let fingerprint: UInt64

    init(_ others: [any Service]) {
        services = (others.map(\.descriptor) + [Reflection.descriptor])
            .sorted { $0.fullName < $1.fullName }
        fingerprint = SchemaFingerprint.of(services)
    }

    func listServices(
        _ request: ListServicesRequest, context: CallContext
    ) async throws -> ListServicesResponse {
        ListServicesResponse(services: services.map(\.fullName))
    }

    func getSchema(
        _ request: GetSchemaRequest, context: CallContext
    ) async throws -> GetSchemaResponse {
        var wanted = services
        if !request.services.isEmpty {
            wanted = try request.services.map { name in
                guard let service = services.first(where: { $0.fullName == name }) else {
                    throw RPCError(.notFound, "the service '\(SchemaError.excerpt(name))' is not served here")
                }
                return service
            }
        }
        let files = DescriptorPool(wanted.map(\.file))
        return GetSchemaResponse(
            fileDescriptorSet: files.fileDescriptorSet, fingerprint: fingerprint)
    }
}

/// A number for a contract: equal on two ends when their schemas are equal, byte for byte.
enum SchemaFingerprint {
    /// FNV-1a over the encoded files that declare the services, imports included, in order of their names. Never 0,
    /// which means unknown. It is no proof against intent.
    static func of(_ services: [ServiceDescriptor]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for file in DescriptorPool(services.map(\.file)).files.sorted(by: { $0.name < $1.name }) {
            for byte in file.serialized { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        return hash == 0 ? 1 : hash
    }
}
