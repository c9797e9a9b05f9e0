// SPDX-License-Identifier: Apache-2.0

// A name is interned once per process and carries a small number, so that a connection finds its own number for the
// method in an array and no call hashes or compares a string. The registry is bounded, since a proxy could be made to
// name anything: names beyond the bound work, but travel in full with every call.

import NIOCore
import RavioliWire
import Synchronization

/// The full name of a method: `package.Service/Method`.
public struct MethodName: Sendable, Hashable, CustomStringConvertible {
    fileprivate final class Interned: Sendable {
        let fullName: String
        let bytes: ByteBuffer
        let index: Int?

        init(_ fullName: String, index: Int?) {
            self.fullName = fullName
            self.bytes = ByteBuffer(string: fullName)
            self.index = index
        }
    }

    private let interned: Interned

    /// The name, or nil when it is not `service/method` in at most 255 printable ASCII bytes.
    public init?(_ fullName: String) {
        guard Self.isValid(fullName) else { return nil }
        interned = MethodRegistry.shared.intern(fullName)
    }

    /// The name of a service's method, or nil when the two make no valid name.
    public init?(service: String, method: String) { self.init(service + "/" + method) }

    private static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard bytes.count <= MethodBinding.nameBytesMax, let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
        else { return false }
        let rest = bytes[bytes.index(after: slash)...]
        return slash != bytes.startIndex && !rest.isEmpty && !rest.contains(UInt8(ascii: "/"))
            && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// `package.Service/Method`.
    public var fullName: String { interned.fullName }
    /// `package.Service`.
    public var service: String { String(fullName.prefix { $0 != "/" }) }
    /// `Method`.
    public var method: String { String(fullName.drop { $0 != "/" }.dropFirst()) }
    /// The full name.
    public var description: String { fullName }

    /// The name's number in this process; nil past the registry's bound.
    var index: Int? { interned.index }
    /// The name as it travels.
    var bytes: ByteBuffer { interned.bytes }

    /// Whether two names are the same.
    public static func == (a: MethodName, b: MethodName) -> Bool {
        a.interned === b.interned || a.interned.fullName == b.interned.fullName
    }

    /// Hashes the full name.
    public func hash(into hasher: inout Hasher) { hasher.combine(interned.fullName) }
}

/// The names of this process.
private final class MethodRegistry: Sendable {
    static let shared = MethodRegistry()
    private static let namesMax = 16_384
    private let names = Mutex<[String: MethodName.Interned]>([:])

    func intern(_ fullName: String) -> MethodName.Interned {
        names.withLock { names in
            if let known = names[fullName] { return known }
            let hasRoom = names.count < Self.namesMax
            let interned = MethodName.Interned(fullName, index: hasRoom ? names.count : nil)
            if hasRoom { names[fullName] = interned }
            return interned
        }
    }
}
