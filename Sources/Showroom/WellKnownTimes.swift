// SPDX-License-Identifier: Apache-2.0

package import RavioliSchema

package import struct Foundation.Date

extension Google_Protobuf_Timestamp {
    /// The same time, to the millisecond.
    package init(_ date: Date) {
        let (seconds, milliseconds) = date.milliseconds.quotientAndRemainder(dividingBy: 1000)
        // Before 1970 the remainder is negative, and a timestamp's fraction never is.
        let borrow: Int64 = milliseconds < 0 ? 1 : 0
        self.init(seconds: seconds - borrow, nanos: Int32(milliseconds + borrow * 1000) * 1_000_000)
    }
}

extension Duration {
    /// The same span. Any two numbers will do: whoever takes it checks the range.
    package init(_ message: Google_Protobuf_Duration) {
        self = .seconds(message.seconds) + .nanoseconds(Int64(message.nanos))
    }
}
