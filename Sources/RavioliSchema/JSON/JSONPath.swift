// SPDX-License-Identifier: Apache-2.0

/// One step from a message to a value inside it.
enum JSONStep {
    case field(UnsafePointer<JSONField>)
    case index(Int)
    /// A map's key, decoded.
    case key(UnsafePointer<UInt8>?, Int)
}

/// The way from the outermost message to the value at hand, kept while printing and parsing and made into text only
/// for an error: `items[3].price`, `labels["a"]`.
struct JSONPath {
    private let steps: UnsafeMutablePointer<JSONStep>
    private let capacity: Int
    private var count = 0

    /// Takes memory for the steps of messages nested up to `depthMax`; each level has at most a field and a place.
    init(depthMax: Int, arena: Arena) throws(SchemaError) {
        capacity = 2 * (depthMax + 2)
        guard let memory = Arena.allocate(capacity * MemoryLayout<JSONStep>.stride, from: arena.state) else {
            throw SchemaError(.limitExceeded, "no memory is left in the budget")
        }
        steps = memory.bindMemory(to: JSONStep.self, capacity: capacity)
    }

    @inline(__always)
    mutating func push(_ step: JSONStep) {
        if count < capacity { steps[count] = step }
        count &+= 1
    }

    @inline(__always)
    mutating func replaceTop(_ step: JSONStep) {
        if count > 0, count <= capacity { steps[count &- 1] = step }
    }

    @inline(__always)
    mutating func pop() { count &-= 1 }

    /// The path as text, in JSON names; empty for the outermost message.
    var text: String {
        var text = ""
        for index in 0..<min(max(count, 0), capacity) {
            switch steps[index] {
            case .field(let field):
                let name = field.pointee.descriptor.takeUnretainedValue().jsonName
                text += text.isEmpty ? name : ".\(name)"
            case .index(let index): text += "[\(index)]"
            case .key(let start, let count):
                let key = String(
                    decoding: UnsafeBufferPointer(start: start, count: min(count, 256)), as: UTF8.self)
                text += "[\"\(SchemaError.excerpt(key))\"]"
            }
        }
        return text
    }
}
