// SPDX-License-Identifier: Apache-2.0

/// Calls that wait for a connection or a place on it, first in, first out. A call that gives up leaves a hole, so
/// leaving costs the same wherever it stands.
struct CallQueue {
    private var entries: [PendingCall?] = []
    private var head = 0
    /// The ticket of `entries[0]`.
    private var firstTicket = 0

    /// Calls that wait.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Adds a call and notes its place.
    mutating func append(_ pending: PendingCall) {
        pending.call.place = .queued(firstTicket + entries.count)
        entries.append(pending)
        count += 1
    }

    /// Takes the call that has waited longest.
    mutating func popFirst() -> PendingCall? {
        while head < entries.count {
            let entry = entries[head]
            entries[head] = nil
            head += 1
            compact()
            if let entry {
                count -= 1
                return entry
            }
        }
        return nil
    }

    /// Takes the call with this ticket, unless it has left.
    mutating func remove(ticket: Int) -> PendingCall? {
        let index = ticket - firstTicket
        guard entries.indices.contains(index), let entry = entries[index] else { return nil }
        entries[index] = nil
        count -= 1
        forgetHoles()
        return entry
    }

    /// Takes the calls that `condition` names, in order.
    mutating func removeAll(where condition: (ClientCall) -> Bool) -> [PendingCall] {
        var taken: [PendingCall] = []
        for index in entries.indices {
            guard let entry = entries[index], condition(entry.call) else { continue }
            taken.append(entry)
            entries[index] = nil
        }
        count -= taken.count
        forgetHoles()
        return taken
    }

    /// Nobody is left: while no connection stands, nothing else would take the holes away.
    private mutating func forgetHoles() {
        guard count == 0 else { return }
        firstTicket += entries.count
        entries.removeAll(keepingCapacity: entries.count <= 1024)
        head = 0
    }

    private mutating func compact() {
        guard head == entries.count || head >= 1024 else { return }
        entries.removeFirst(head)
        firstTicket += head
        head = 0
    }
}
