// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Names and the number that each stands for, found by their bytes without making a `String`: an open-addressed hash
/// table at a fixed address, at most half full. Only a schema's own names are ever put in, so a peer's keys cannot
/// crowd it; the seed is random, so neither can a peer's schema.
struct NameTable {
    private struct Entry {
        /// `nil` in a free place.
        var name: UnsafePointer<UInt8>?
        var count: Int
        var value: Int32
    }

    private let entries: UnsafeMutablePointer<Entry>
    private let mask: Int
    private let seed: UInt64

    /// Where a name occurs twice, the first one counts. The memory is never freed, like the descriptors'.
    init(_ names: [(name: String, value: Int32)]) {
        var capacity = 4
        while capacity < names.count * 2 { capacity *= 2 }
        entries = .allocate(capacity: capacity)
        entries.initialize(repeating: Entry(name: nil, count: 0, value: 0), count: capacity)
        mask = capacity - 1
        seed = .random(in: 0 ... .max)
        for (name, value) in names { insert(name, value) }
    }

    private func insert(_ name: String, _ value: Int32) {
        let bytes = Array(name.utf8)
        let place = bytes.withUnsafeBufferPointer { self.place(of: $0) }
        if entries[place].name == nil {
            entries[place] = Entry(name: permanentBytes(bytes).baseAddress, count: bytes.count, value: value)
        }
    }

    /// The number that the name stands for; `nil` if there is no such name.
    @inline(__always)
    func find(_ name: UnsafeBufferPointer<UInt8>) -> Int32? {
        let entry = entries[place(of: name)]
        return entry.name == nil ? nil : entry.value
    }

    /// The place that holds the name, or the free one where it would stand.
    @inline(__always)
    private func place(of name: UnsafeBufferPointer<UInt8>) -> Int {
        var place = Int(truncatingIfNeeded: hash(name)) & mask
        while let known = entries[place].name {
            if entries[place].count == name.count, equalBytes(known, name.baseAddress, name.count) { break }
            place = (place &+ 1) & mask
        }
        return place
    }

    @inline(__always)
    private func hash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: name.count)
        var position = 0
        let raw = UnsafeRawBufferPointer(name)
        while name.count &- position >= 8 {
            hash = Self.mix(hash, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position &+= 8
        }
        var tail: UInt64 = 0
        while position < name.count {
            tail = tail &<< 8 | UInt64(name[position])
            position &+= 1
        }
        return Self.mix(hash, tail)
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
        return product ^ (product &>> 32)
    }
}

/// A copy of the bytes that lives as long as the process. Seven zeros follow, so that any byte may be read as the first
/// of a word.
func permanentBytes(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 7)
    memory.initialize(repeating: 0, count: bytes.count + 7)
    for (index, byte) in bytes.enumerated() { (memory + index).initialize(to: byte) }
    return UnsafeBufferPointer(start: memory, count: bytes.count)
}

/// Whether `count` bytes are the same; no address is looked at when `count` is 0.
@inline(__always)
func equalBytes(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
    guard count > 0, let right else { return count == 0 }
    return memcmp(left, right, count) == 0
}
