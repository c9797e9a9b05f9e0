// SPDX-License-Identifier: Apache-2.0

/// A value kept on the heap and shared by its copies until one of them is changed. Generated code puts the fields
/// of large messages into it, so that passing one on costs a reference count, and those of recursive messages.
///
/// The value lies behind the object's header, at an address: reading it in place costs neither a copy of the fields
/// nor a check for exclusive access, which a stored property of a class would.
@frozen
public struct CopyOnWrite<Value: Sendable>: Sendable {
    @usableFromInline
    final class Box: ManagedBuffer<Void, Value> {
        deinit { _ = withUnsafeMutablePointerToElements { $0.deinitialize(count: 1) } }
    }

    /// Shared between threads, but changed only through the one reference that is known to be unique.
    @usableFromInline nonisolated(unsafe) var box: Box

    /// A value that nobody shares yet.
    @inlinable public init(_ value: consuming Value) { box = Self.makeBox(value) }

    @inlinable
    static func makeBox(_ value: consuming Value) -> Box {
        let buffer = Box.create(minimumCapacity: 1) { _ in }
        let place = buffer.withUnsafeMutablePointerToElements { $0 }
        place.initialize(to: value)
        return unsafeDowncast(buffer, to: Box.self)
    }

    /// The value. Changing it copies it first if another copy shares it.
    @inlinable public var value: Value {
        @inline(__always) _read {
            yield box.withUnsafeMutablePointerToElements { $0 }.pointee
            withExtendedLifetime(box) {}
        }
        @inline(__always) _modify {
            if !isKnownUniquelyReferenced(&box) { box = Self.makeBox(value) }
            yield &box.withUnsafeMutablePointerToElements { $0 }.pointee
            withExtendedLifetime(box) {}
        }
    }
}

extension CopyOnWrite: Equatable where Value: Equatable {
    @inlinable
    public static func == (left: Self, right: Self) -> Bool {
        left.box === right.box || left.value == right.value
    }
}

extension CopyOnWrite: Hashable where Value: Hashable {
    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
