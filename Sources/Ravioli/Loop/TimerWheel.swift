// SPDX-License-Identifier: Apache-2.0

// One wheel of 4,096 buckets, a millisecond each. Setting and cancelling a timer are a few array writes: a bucket is a
// doubly linked list through one array of nodes, whose free entries are reused. A timer further away than one turn
// stays in its bucket until its turn comes. A bitmap of the buckets in use tells when to look next, so an idle wheel
// costs nothing and one timer of the event loop serves all.

/// Timers of one event loop; the time is passed in.
struct TimerWheel<Payload> {
    /// Names a timer; stays harmless after it has fired or was cancelled.
    struct ID: Hashable {
        fileprivate var node: Int32
        fileprivate var generation: UInt32
        /// No timer.
        static var none: ID { ID(node: -1, generation: 0) }
    }

    private struct Node {
        var payload: Payload?
        var tick: Int64 = 0
        var previous: Int32 = -1
        var next: Int32 = -1
        var generation: UInt32 = 0
    }

    private static var bucketCount: Int { 4096 }
    private static var tickNanoseconds: Int64 { 1_000_000 }

    private var nodes: [Node] = []
    private var free: [Int32] = []
    private var heads = [Int32](repeating: -1, count: bucketCount)
    private var used = [UInt64](repeating: 0, count: bucketCount / 64)
    /// The last tick that was looked at.
    private var current: Int64

    /// Timers that are set.
    private(set) var count = 0

    init(now nanoseconds: Int64) { current = nanoseconds / Self.tickNanoseconds }

    /// Sets a timer that fires at `nanoseconds` or up to one millisecond later, never earlier.
    mutating func insert(at nanoseconds: Int64, _ payload: Payload) -> ID {
        let due = nanoseconds <= 0 ? 0 : (nanoseconds - 1) / Self.tickNanoseconds + 1
        let tick = max(due, current + 1)
        let node = takeNode()
        nodes[Int(node)].payload = payload
        nodes[Int(node)].tick = tick
        link(node, bucket: bucket(of: tick))
        count += 1
        return ID(node: node, generation: nodes[Int(node)].generation)
    }

    /// Forgets a timer. Nothing happens when it has fired or was cancelled before.
    mutating func cancel(_ id: ID) {
        guard id.node >= 0, nodes[Int(id.node)].generation == id.generation else { return }
        remove(id.node)
    }

    /// Takes every timer that is due.
    mutating func expire(now nanoseconds: Int64, into due: inout [Payload]) {
        let target = nanoseconds / Self.tickNanoseconds
        guard target > current else { return }
        let turns = min(target - current, Int64(Self.bucketCount))
        for tick in (target - turns + 1)...target {
            let index = bucket(of: tick)
            guard used[index >> 6] & (1 << UInt64(index & 63)) != 0 else { continue }
            expire(bucket: index, upTo: target, into: &due)
        }
        current = target
    }

    /// When to look again, in nanoseconds; nil when no timer is set. Never later than the next timer.
    func nextLook() -> Int64? {
        guard count > 0 else { return nil }
        let start = bucket(of: current + 1)
        var distance = 0
        while distance < Self.bucketCount {
            let index = (start + distance) & (Self.bucketCount - 1)
            let word = used[index >> 6] >> UInt64(index & 63)
            if word != 0 {
                return (current + 1 + Int64(distance + word.trailingZeroBitCount)) * Self.tickNanoseconds
            }
            distance += 64 - (index & 63)
        }
        return (current + 1) * Self.tickNanoseconds
    }

    private func bucket(of tick: Int64) -> Int { Int(truncatingIfNeeded: tick) & (Self.bucketCount - 1) }

    private mutating func expire(bucket index: Int, upTo target: Int64, into due: inout [Payload]) {
        var node = heads[index]
        while node >= 0 {
            let next = nodes[Int(node)].next
            if nodes[Int(node)].tick <= target {
                if let payload = nodes[Int(node)].payload { due.append(payload) }
                remove(node)
            }
            node = next
        }
    }

    private mutating func takeNode() -> Int32 {
        if let node = free.popLast() { return node }
        nodes.append(Node())
        return Int32(truncatingIfNeeded: nodes.count - 1)
    }

    private mutating func link(_ node: Int32, bucket index: Int) {
        let head = heads[index]
        nodes[Int(node)].previous = -1
        nodes[Int(node)].next = head
        if head >= 0 { nodes[Int(head)].previous = node }
        heads[index] = node
        used[index >> 6] |= 1 << UInt64(index & 63)
    }

    private mutating func remove(_ node: Int32) {
        let (previous, next) = (nodes[Int(node)].previous, nodes[Int(node)].next)
        let index = bucket(of: nodes[Int(node)].tick)
        if next >= 0 { nodes[Int(next)].previous = previous }
        if previous >= 0 {
            nodes[Int(previous)].next = next
        } else {
            heads[index] = next
            if next < 0 { used[index >> 6] &= ~(1 << UInt64(index & 63)) }
        }
        nodes[Int(node)].payload = nil
        nodes[Int(node)].generation &+= 1
        free.append(node)
        count -= 1
    }
}
