// SPDX-License-Identifier: Apache-2.0

public import Ravioli
public import RavioliSchema

/// A service of handlers on encoded messages, without a schema of its own: for tests of what lies beneath messages.
public struct BareService: Service {
    /// A service of this name that declares no methods.
    public let descriptor: ServiceDescriptor
    /// What it serves.
    public let methods: [MethodHandler]

    /// - Parameters:
    ///   - name: `package.Service`.
    ///   - methods: Their names may be any.
    /// - Throws: ``SchemaError`` when the name is none.
    public init(_ name: String, methods: [MethodHandler]) throws(SchemaError) {
        let parts = name.split(separator: ".")
        let package = parts.dropLast().joined(separator: ".")
        let file = try FileDescriptor(
            serialized: Self.field(1, Array("\(name).proto".utf8)) + Self.field(2, Array(package.utf8))
                + Self.field(6, Self.field(1, Array((parts.last ?? "").utf8)))
                + Self.field(12, Array("proto3".utf8)),
            dependencies: [])
        guard let descriptor = file.service(named: name) else {
            throw SchemaError(.invalidSchema, "\(name) is no service's name")
        }
        self.descriptor = descriptor
        self.methods = methods
    }

    /// A field of a `FileDescriptorProto`, shorter than 128 bytes or of two length bytes.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let length =
            bytes.count < 128
            ? [UInt8(bytes.count)]
            : [UInt8(bytes.count & 127) | 128, UInt8(truncatingIfNeeded: bytes.count >> 7)]
        return [number << 3 | 2] + length + bytes
    }
}
