// SPDX-License-Identifier: Apache-2.0

import Foundation
import RavioliSchema
import Showroom
import Testing

struct WellKnownTimesTests {
    @Test(
        arguments: [
            (0, 0, 0), (1_790_000_000_123, 1_790_000_000, 123_000_000), (-1, -1, 999_000_000),
            (-1_000, -1, 0), (-1_001, -2, 999_000_000),
        ] as [(Int64, Int64, Int32)])
    func timestampsCountUpwardsFromWholeSeconds(milliseconds: Int64, seconds: Int64, nanos: Int32) {
        let timestamp = Google_Protobuf_Timestamp(Date(milliseconds: milliseconds))
        #expect(timestamp == Google_Protobuf_Timestamp(seconds: seconds, nanos: nanos))
    }

    @Test(arguments: [(90, 500_000_000), (-1, -500_000_000), (.max, .max), (.min, .min)] as [(Int64, Int32)])
    func anyDurationReads(seconds: Int64, nanos: Int32) {
        let duration = Duration(Google_Protobuf_Duration(seconds: seconds, nanos: nanos))
        #expect(duration == .seconds(seconds) + .nanoseconds(Int64(nanos)))
    }

    @Test func datesKeepTheirMilliseconds() {
        let date = Date(timeIntervalSince1970: 1_790_000_000.1234)
        #expect(date.wholeMilliseconds.milliseconds == 1_790_000_000_123)
        #expect(Date(milliseconds: date.milliseconds) == date.wholeMilliseconds)
    }
}
