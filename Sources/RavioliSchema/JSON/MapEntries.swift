// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The entries of a map in a C struct, in the order of their keys: for output that is the same every time, and to find
/// keys that occur twice.
enum MapEntries {
    struct Place {
        var entry: UnsafeRawPointer
        /// Where the entry stood; of two with the same key, the later one counts.
        var index: Int
    }

    /// Up to so many entries, insertion is the fastest way to sort.
    private static let fewMax = 12

    /// The entries, ascending by key, equal keys in their former order; in arena memory.
    static func sorted(
        _ entries: UnsafeBufferPointer<UnsafeRawPointer>, by key: UnsafePointer<JSONField>, arena: Arena
    ) throws(SchemaError) -> UnsafeMutableBufferPointer<Place> {
        guard let memory = Arena.allocate(entries.count &* MemoryLayout<Place>.stride, from: arena.state)
        else {
            throw SchemaError(.limitExceeded, "sorting a map needs more memory than its budget")
        }
        var places = UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: Place.self, capacity: entries.count), count: entries.count)
        for (index, entry) in entries.enumerated() {
            places.initializeElement(at: index, to: Place(entry: entry, index: index))
        }
        if places.count <= fewMax {
            insertionSort(places, key)
        } else {
            places.sort { isBefore($0, $1, key) }
        }
        return places
    }

    private static func insertionSort(
        _ places: UnsafeMutableBufferPointer<Place>, _ key: UnsafePointer<JSONField>
    ) {
        for next in places.indices.dropFirst() {
            let place = places[next]
            var position = next
            while position > 0, isBefore(place, places[position &- 1], key) {
                places[position] = places[position &- 1]
                position &-= 1
            }
            places[position] = place
        }
    }

    private static func isBefore(_ left: Place, _ right: Place, _ key: UnsafePointer<JSONField>) -> Bool {
        let order = order(left.entry, right.entry, key)
        return order != 0 ? order < 0 : left.index < right.index
    }

    /// Negative, zero or positive, as the left key lies before, at or behind the right one.
    static func order(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ key: UnsafePointer<JSONField>
    ) -> Int {
        let left = left + key.pointee.offset
        let right = right + key.pointee.offset
        switch key.pointee.kind {
        case .string: return textOrder(FieldReader(left).blob(at: 0), FieldReader(right).blob(at: 0))
        case .uint32, .fixed32: return order(left.load(as: UInt32.self), right.load(as: UInt32.self))
        case .int64, .sint64, .sfixed64: return order(left.load(as: Int64.self), right.load(as: Int64.self))
        case .uint64, .fixed64: return order(left.load(as: UInt64.self), right.load(as: UInt64.self))
        default: return order(left.load(as: Int32.self), right.load(as: Int32.self))
        }
    }

    @inline(__always)
    private static func order<Key: Comparable>(_ left: Key, _ right: Key) -> Int {
        left < right ? -1 : left == right ? 0 : 1
    }

    private static func textOrder(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        if shared > 0, let one = left.baseAddress, let other = right.baseAddress {
            let order = memcmp(one, other, shared)
            if order != 0 { return Int(order) }
        }
        return left.count - right.count
    }

    /// A key for an error's text, short and printable.
    static func keyText(_ entry: UnsafeRawPointer, _ key: UnsafePointer<JSONField>) -> String {
        let value = FieldReader(entry + key.pointee.offset)
        switch key.pointee.kind {
        case .string:
            return
                "\"\(SchemaError.excerpt(String(decoding: value.blob(at: 0).prefix(256), as: UTF8.self)))\""
        case .bool: return value.bool(at: 0) ? "true" : "false"
        case .uint32, .fixed32: return String(value.uint32(at: 0))
        case .int64, .sint64, .sfixed64: return String(value.int64(at: 0))
        case .uint64, .fixed64: return String(value.uint64(at: 0))
        default: return String(value.int32(at: 0))
        }
    }
}
