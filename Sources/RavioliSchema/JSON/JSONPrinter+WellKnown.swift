// SPDX-License-Identifier: Apache-2.0

// The special forms of `google.protobuf`'s own types. `JSONTable` has made sure that they have the fields that are
// used here. Source: ProtoJSON guide; the comments in the well-known types' .proto files.
extension JSONPrinter {
    mutating func special(_ table: UnsafePointer<JSONTable>, _ base: UnsafeRawPointer) throws(SchemaError) {
        let fields = UnsafePointer(table.pointee.fields)
        switch table.pointee.form {
        case .timestamp: try timestamp(fields, base)
        case .duration: try duration(fields, base)
        case .fieldMask: try fieldMask(fields, base)
        case .any: try any(fields, base)
        case .structure: try map(fields, base)
        case .listValue: try list(fields, base)
        case .value: try value(fields, base)
        case .wrapper: try scalar(fields, base + fields.pointee.offset)
        case .ordinary: try message(table, base)
        }
    }

    private func secondsAndNanos(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) -> (seconds: Int64, nanos: Int64) {
        (
            base.load(fromByteOffset: fields[0].offset, as: Int64.self),
            Int64(base.load(fromByteOffset: fields[1].offset, as: Int32.self))
        )
    }

    // MARK: Timestamp and Duration

    private mutating func timestamp(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        let (seconds, nanos) = secondsAndNanos(fields, base)
        guard CivilTime.range.contains(seconds), (0...DurationRange.nanosMax).contains(nanos) else {
            throw refused("a timestamp is out of its range, the years 1 to 9999")
        }
        let time = CivilTime(secondsSince1970: seconds)
        try out.reserve(JSONBuffer.floatSize)
        out.put(UInt8(ascii: "\""))
        out.put(time.year, digits: 4)
        out.put(UInt8(ascii: "-"))
        out.put(time.month, digits: 2)
        out.put(UInt8(ascii: "-"))
        out.put(time.day, digits: 2)
        out.put(UInt8(ascii: "T"))
        out.put(time.hour, digits: 2)
        out.put(UInt8(ascii: ":"))
        out.put(time.minute, digits: 2)
        out.put(UInt8(ascii: ":"))
        out.put(time.second, digits: 2)
        putFraction(nanos)
        out.put("Z\"")
    }

    private mutating func duration(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        let (seconds, nanos) = secondsAndNanos(fields, base)
        guard DurationRange.contains(seconds: seconds, nanos: nanos) else {
            throw refused("a duration is out of its range of 10,000 years, or its signs differ")
        }
        try out.reserve(JSONBuffer.floatSize)
        out.put(UInt8(ascii: "\""))
        if seconds < 0 || nanos < 0 { out.put(UInt8(ascii: "-")) }
        out.put(seconds.magnitude)
        putFraction(abs(nanos))
        out.put("s\"")
    }

    /// Three, six or nine digits behind a point, the fewest that are exact; nothing for 0.
    private mutating func putFraction(_ nanos: Int64) {
        guard nanos != 0 else { return }
        out.put(UInt8(ascii: "."))
        if nanos % 1_000_000 == 0 {
            out.put(nanos / 1_000_000, digits: 3)
        } else if nanos % 1_000 == 0 {
            out.put(nanos / 1_000, digits: 6)
        } else {
            out.put(nanos, digits: 9)
        }
    }

    // MARK: FieldMask

    private mutating func fieldMask(
        _ field: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        let count = base.load(fromByteOffset: field.pointee.mark, as: Int.self)
        try out.reserve(2)
        out.put(UInt8(ascii: "\""))
        if let first = base.load(fromByteOffset: field.pointee.offset, as: UnsafeRawPointer?.self) {
            for index in 0..<count {
                if index > 0 {
                    try out.reserve(1)
                    out.put(UInt8(ascii: ","))
                }
                try camelCase(FieldReader(first).blob(at: index &* field.pointee.stride))
            }
        }
        try out.reserve(1)
        out.put(UInt8(ascii: "\""))
    }

    /// An underscore and a small letter become a capital; fails for a path that would not come back the same.
    private mutating func camelCase(_ path: UnsafeRawBufferPointer) throws(SchemaError) {
        try out.reserve(path.count &+ 1)
        var raises = false
        var isFirst = true
        for byte in path {
            if byte == UInt8(ascii: "_") {
                guard !raises, !isFirst else { throw noRoundTrip() }
                raises = true
                continue
            }
            let isSmall = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            guard raises ? isSmall : JSONText.isInMaskPath(byte) else { throw noRoundTrip() }
            out.put(raises ? byte & ~0x20 : byte)
            raises = false
            isFirst = byte == UInt8(ascii: ".")
        }
        guard !raises, !path.isEmpty else { throw noRoundTrip() }
    }

    private func noRoundTrip() -> SchemaError {
        refused("a path of a field mask cannot be printed so that it comes back the same")
    }

    // MARK: Value

    /// The fields of `Value` are null, number, string, bool, struct and list, numbered from 1.
    private mutating func value(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        let member = base.load(fromByteOffset: fields.pointee.mark, as: Int32.self)
        guard fields.pointee.isInOneof, (1...6).contains(member) else {
            throw refused("a google.protobuf.Value has no kind set")
        }
        let field = fields + Int(member - 1)
        switch member {
        case 1:
            try out.reserve(4)
            out.put("null")
        case 2:
            guard base.load(fromByteOffset: field.pointee.offset, as: Double.self).isFinite else {
                throw refused("a number_value is NaN or infinite, which JSON does not have")
            }
            try scalar(field, base + field.pointee.offset)
        case 5, 6:
            try child(field, base.load(fromByteOffset: field.pointee.offset, as: UnsafeRawPointer?.self))
        default: try scalar(field, base + field.pointee.offset)
        }
    }

    // MARK: Any

    /// The fields of `Any` are the type's URL and the encoded message.
    private mutating func any(
        _ fields: UnsafePointer<JSONField>, _ base: UnsafeRawPointer
    ) throws(SchemaError) {
        let url = FieldReader(base).blob(at: fields[0].offset)
        let bytes = FieldReader(base).blob(at: fields[1].offset)
        try out.reserve(16)
        guard !url.isEmpty || !bytes.isEmpty else { return out.put("{}") }
        let before = out
        do {
            try resolved(url, bytes)
        } catch {
            guard options.printsUnresolvedAnyAsBase64 else { throw error }
            // Whatever was printed of the message is taken back.
            out = before
            try openAny(url)
            try out.reserve(16)
            out.put(",\"value\":")
            try out.putBase64(bytes)
            try out.reserve(1)
            out.put(UInt8(ascii: "}"))
        }
    }

    private mutating func openAny(_ url: UnsafeRawBufferPointer) throws(SchemaError) {
        try out.reserve(16)
        out.put("{\"@type\":")
        try out.putString(url)
    }

    private mutating func resolved(
        _ url: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
    ) throws(SchemaError) {
        let name = UnsafeBufferPointer(
            start: url.baseAddress?.assumingMemoryBound(to: UInt8.self), count: url.count)
        guard let inside = anyTypes.find(name) else {
            let shown = SchemaError.excerpt(String(decoding: name.prefix(256), as: UTF8.self))
            throw refused("the type \"\(shown)\" in a google.protobuf.Any is not known here")
        }
        let (outerDepth, outerPath) = (depth, path)
        defer { (depth, path) = (outerDepth, outerPath) }
        try enter()
        let message = try unpack(bytes, as: inside, inside: "a google.protobuf.Any")
        try openAny(url)
        if inside.jsonTable.pointee.form == .ordinary {
            try fields(inside.jsonTable, message, isFirst: false)
        } else {
            try out.reserve(16)
            out.put(",\"value\":")
            try special(inside.jsonTable, message)
        }
        try out.reserve(1)
        out.put(UInt8(ascii: "}"))
    }

    /// The bytes pass the guard like any others; what is left of the depth holds for them.
    func unpack(
        _ bytes: UnsafeRawBufferPointer, as type: MessageDescriptor, inside place: StaticString
    ) throws(SchemaError) -> UnsafeRawPointer {
        var limits = limits
        limits.depthMax = max(limits.depthMax - depth, 1)
        do {
            let message = try Codec.unpack(bytes, as: type, limits: limits, arena: arena)
            try RequiredFields.check(message, type, .invalidValue)
            return UnsafeRawPointer(message)
        } catch {
            throw refused("\(place) holds no valid \(type.fullName): \(error)")
        }
    }
}
