// SPDX-License-Identifier: Apache-2.0

/// What the JSON codec needs to know of an enum type, at a fixed address.
struct JSONEnum {
    private struct Name {
        var number: Int32
        /// With its quotes.
        var text: UnsafeBufferPointer<UInt8>
    }

    /// The first name declared for each number, ascending by number.
    private let byNumber: UnsafeMutablePointer<Name>
    private let count: Int
    /// Numbers by name, aliases included.
    let names: NameTable
    /// Whether only named numbers are values.
    let isClosed: Bool
    /// `google.protobuf.NullValue`, which is printed as `null`.
    let isNullValue: Bool
    /// The number that is first declared: the default of a closed enum.
    let first: Int32

    static func make(
        _ values: [EnumDescriptor.Value], isClosed: Bool, fullName: String
    ) -> UnsafePointer<JSONEnum> {
        let table = UnsafeMutablePointer<JSONEnum>.allocate(capacity: 1)
        table.initialize(
            to: JSONEnum(values, isClosed: isClosed, isNullValue: fullName == "google.protobuf.NullValue"))
        return UnsafePointer(table)
    }

    private init(_ values: [EnumDescriptor.Value], isClosed: Bool, isNullValue: Bool) {
        let firsts = Dictionary(values.map { ($0.number, $0.name) }, uniquingKeysWith: { first, _ in first })
        let ascending = firsts.sorted { $0.key < $1.key }
        count = ascending.count
        byNumber = .allocate(capacity: max(count, 1))
        for (index, entry) in ascending.enumerated() {
            let text = permanentBytes(Array(JSONText.quoted(entry.value).utf8))
            (byNumber + index).initialize(to: Name(number: entry.key, text: text))
        }
        names = NameTable(values.map { ($0.name, $0.number) })
        self.isClosed = isClosed
        self.isNullValue = isNullValue
        first = values.first?.number ?? 0
    }

    /// The first name declared for the number, in quotes; `nil` if it has none.
    @inline(__always)
    func text(of number: Int32) -> UnsafeBufferPointer<UInt8>? {
        // Most enums count from 0 without a gap.
        let guess = Int(number)
        if guess >= 0, guess < count, byNumber[guess].number == number { return byNumber[guess].text }
        return search(number)
    }

    private func search(_ number: Int32) -> UnsafeBufferPointer<UInt8>? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) / 2
            if byNumber[middle].number < number { low = middle &+ 1 } else { high = middle }
        }
        return low < count && byNumber[low].number == number ? byNumber[low].text : nil
    }
}
