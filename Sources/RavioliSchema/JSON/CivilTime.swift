// SPDX-License-Identifier: Apache-2.0

/// A day and a time of the proleptic Gregorian calendar, as RFC 3339 writes them, without a zone.
struct CivilTime {
    var year: Int64
    var month: Int64
    var day: Int64
    var hour: Int64
    var minute: Int64
    var second: Int64

    static let secondsPerDay: Int64 = 86_400
    /// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, in seconds since 1970.
    static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    init(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
        (self.year, self.month, self.day) = (year, month, day)
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// The time so many seconds since 1970, which must be in ``range``.
    ///
    /// Years are counted from March, so that the leap day comes last. Source: Howard Hinnant, "chrono-Compatible
    /// Low-Level Date Algorithms", civil_from_days.
    init(secondsSince1970 seconds: Int64) {
        let shifted = seconds - Self.range.lowerBound
        let secondOfDay = shifted % Self.secondsPerDay
        // Day 0 of the calculation is 0000-03-01; 0001-01-01 is 306 days later.
        let days = shifted / Self.secondsPerDay + 306
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = secondOfDay / 3_600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// Whether there is such a day and such a time on it. A leap second is none, as protobuf has none.
    var exists: Bool {
        (1...9_999).contains(year) && (1...12).contains(month) && (1...daysInMonth).contains(day)
            && (0...23).contains(hour) && (0...59).contains(minute) && (0...59).contains(second)
    }

    private var daysInMonth: Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Seconds since 1970 of a time that ``exists``. Source: as above, days_from_civil.
    var secondsSince1970: Int64 {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = yearFromMarch / 400
        let yearOfEra = yearFromMarch % 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 306
        return Self.range.lowerBound + days * Self.secondsPerDay + hour * 3_600 + minute * 60 + second
    }
}

/// Reads the parts of a time from ASCII text.
struct TimeText {
    private var rest: Slice<UnsafeBufferPointer<UInt8>>

    init(_ text: UnsafeBufferPointer<UInt8>) { rest = text[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// Takes this character if it is next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(truncatingIfNeeded: character.value) else { return false }
        rest = rest.dropFirst()
        return true
    }

    /// Takes exactly so many digits, or with `upTo` at least one and at most so many.
    mutating func digits(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy(JSONText.isDigit) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    /// Takes digits up to the first other character; `nil` if there are none, or more than `countMax`.
    mutating func digits(upTo countMax: Int) -> Int64? {
        let count = rest.prefix(countMax + 1).prefix(while: JSONText.isDigit).count
        return (1...countMax).contains(count) ? digits(count) : nil
    }

    /// Takes a point and one to nine digits, in billionths; 0 if there is no point.
    mutating func nanos() -> Int64? {
        guard take(".") else { return 0 }
        let before = rest.count
        guard var value = digits(upTo: 9) else { return nil }
        for _ in (before - rest.count)..<9 { value *= 10 }
        return value
    }

    /// `YYYY-MM-DDThh:mm:ss[.f]` and `Z` or an offset. Source: RFC 3339, section 5.6, without its lower-case forms.
    mutating func timestamp() -> (seconds: Int64, nanos: Int64)? {
        guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2),
            take("T"),
            let hour = digits(2), take(":"), let minute = digits(2), take(":"), let second = digits(2),
            let nanos = nanos(), let offset = offset(), isAtEnd
        else { return nil }
        let time = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard time.exists else { return nil }
        let seconds = time.secondsSince1970 - offset
        return CivilTime.range.contains(seconds) ? (seconds, nanos) : nil
    }

    /// The zone's distance from UTC in seconds.
    private mutating func offset() -> Int64? {
        if take("Z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = digits(2), take(":"), let minutes = digits(2), hours < 24,
            minutes < 60
        else { return nil }
        let seconds = hours * 3_600 + minutes * 60
        return isWest ? -seconds : seconds
    }

    /// `-1.5s`
    mutating func duration() -> (seconds: Int64, nanos: Int64)? {
        let isNegative = take("-")
        guard let seconds = digits(upTo: 12), let nanos = nanos(), take("s"), isAtEnd else { return nil }
        guard seconds <= DurationRange.secondsMax else { return nil }
        return isNegative ? (-seconds, -nanos) : (seconds, nanos)
    }
}

/// What `google.protobuf.Duration` may hold.
enum DurationRange {
    static let secondsMax: Int64 = 315_576_000_000
    static let nanosMax: Int64 = 999_999_999

    static func contains(seconds: Int64, nanos: Int64) -> Bool {
        (-secondsMax...secondsMax).contains(seconds) && (-nanosMax...nanosMax).contains(nanos)
            && !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0)
    }
}
