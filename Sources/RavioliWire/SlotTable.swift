// SPDX-License-Identifier: Apache-2.0

// Calls are found by stream id on every frame, so the way there is two array reads: `buckets`, an open-addressed
// ring of ids, gives the slot, and slots are dense and reused, so whoever keeps data beside the machines keeps it in
// an array of its own under the same slot. Ids only grow and calls end roughly in order, so `id & mask` rarely
// collides; removal shifts back, so there are no tombstones and an attacker can only make a probe as long as the
// table is full, half at most.

/// Where a call's state lies while it is open. Slots are reused, ids never.
package struct CallSlot: Sendable, Hashable {
    package let index: Int
    package init(index: Int) { self.index = index }
}

/// The open calls of one connection, by stream id and by slot.
package struct SlotTable<Element: Sendable>: Sendable {
    private struct Bucket {
        var id: UInt32
        var slot: Int32
        static var empty: Bucket { Bucket(id: 0, slot: 0) }
    }

    private var buckets: [Bucket]
    private var elements: [Element?] = []
    private var ids: [UInt32] = []
    private var free: [Int32] = []
    private var mask: UInt32

    /// Open calls.
    package private(set) var count = 0

    package init() {
        buckets = Array(repeating: .empty, count: 16)
        mask = 15
    }

    /// Opens a slot for an id that is not 0 and not in the table.
    package mutating func insert(_ id: UInt32, _ element: Element) -> CallSlot {
        if (count + 1) * 2 > buckets.count { grow() }
        let index: Int
        if let reused = free.popLast() {
            index = Int(reused)
            elements[index] = element
            ids[index] = id
        } else {
            index = elements.count
            elements.append(element)
            ids.append(id)
        }
        place(Bucket(id: id, slot: Int32(truncatingIfNeeded: index)))
        count += 1
        return CallSlot(index: index)
    }

    /// The slot of an open call.
    package func slot(of id: UInt32) -> CallSlot? {
        var position = id & mask
        while true {
            let bucket = buckets[Int(position)]
            if bucket.id == id { return CallSlot(index: Int(bucket.slot)) }
            if bucket.id == 0 { return nil }
            position = (position &+ 1) & mask
        }
    }

    /// The stream id of an open slot.
    package func id(of slot: CallSlot) -> UInt32 { ids[slot.index] }

    /// The state in a slot; nil when it is free. Assigning nil does not free it: use ``remove(_:)``.
    package subscript(slot: CallSlot) -> Element? {
        get { slot.index < elements.count ? elements[slot.index] : nil }
        _modify { yield &elements[slot.index] }
    }

    /// Frees an open slot.
    package mutating func remove(_ slot: CallSlot) {
        guard elements[slot.index] != nil else { return }
        unplace(ids[slot.index])
        elements[slot.index] = nil
        ids[slot.index] = 0
        free.append(Int32(truncatingIfNeeded: slot.index))
        count -= 1
    }

    /// The slots open now, in no particular order.
    package var openSlots: [CallSlot] {
        elements.indices.filter { elements[$0] != nil }.map(CallSlot.init(index:))
    }

    /// Shows the state of each open call, in no particular order.
    package func forEachOpen(_ body: (Element) -> Void) {
        var left = count
        var index = 0
        // Stops at the last open one: tables keep the size they once had.
        while left > 0 {
            if ids[index] != 0, let element = elements[index] {
                body(element)
                left -= 1
            }
            index += 1
        }
    }

    private mutating func place(_ bucket: Bucket) {
        var position = bucket.id & mask
        while buckets[Int(position)].id != 0 { position = (position &+ 1) & mask }
        buckets[Int(position)] = bucket
    }

    private mutating func unplace(_ id: UInt32) {
        var hole = id & mask
        while buckets[Int(hole)].id != id { hole = (hole &+ 1) & mask }
        var next = (hole &+ 1) & mask
        // Shift back every follower whose home does not lie between the hole and itself.
        while buckets[Int(next)].id != 0 {
            let home = buckets[Int(next)].id & mask
            if (next &- home) & mask >= (next &- hole) & mask {
                buckets[Int(hole)] = buckets[Int(next)]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        buckets[Int(hole)] = .empty
    }

    private mutating func grow() {
        let old = buckets
        buckets = Array(repeating: .empty, count: old.count * 2)
        mask = UInt32(truncatingIfNeeded: buckets.count - 1)
        for bucket in old where bucket.id != 0 { place(bucket) }
    }
}
