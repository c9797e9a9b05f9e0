// SPDX-License-Identifier: Apache-2.0
//
// `google.protobuf.FileDescriptorProto` as plain values, read with `WireRecords`. Our own generated types for
// descriptor.proto cannot do this: they need a layout, and the layout is computed from these values.

/// One field of a message, as `FieldDescriptorProto` states it.
struct FieldRecord {
    var name = ""
    var jsonName: String?
    var number: Int32 = 0
    var label: UInt64 = 1
    var type: UInt64 = 0
    var typeName = ""
    var defaultValue: String?
    var oneofIndex: Int?
    var isProto3Optional = false
    /// The message that an extension belongs to.
    var extendee = ""
    /// Whether it stands for an extension, whose JSON name is the only one.
    var isExtension = false
    var options: ArraySlice<UInt8> = []

    init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            switch (record.number, record.value) {
            case (1, .bytes(let text)): name = try utf8(text)
            case (2, .bytes(let text)): extendee = try utf8(text)
            case (3, .varint(let value)): number = Int32(truncatingIfNeeded: value)
            case (4, .varint(let value)): label = value
            case (5, .varint(let value)): type = value
            case (6, .bytes(let text)): typeName = try utf8(text)
            case (7, .bytes(let text)): defaultValue = try utf8(text)
            case (8, .bytes(let value)): options += value
            case (9, .varint(let value)): oneofIndex = Int(Int32(truncatingIfNeeded: value))
            case (10, .bytes(let text)): jsonName = try utf8(text)
            case (17, .varint(let value)): isProto3Optional = value != 0
            default: break
            }
        }
    }
}

/// A message type, as `DescriptorProto` states it.
struct MessageRecord {
    var name = ""
    var fields: [FieldRecord] = []
    var nested: [MessageRecord] = []
    var enums: [EnumRecord] = []
    var oneofs: [OneofRecord] = []
    var extensions: [FieldRecord] = []
    /// Whether it declares ranges of numbers for extensions.
    var isExtendable = false
    var options: ArraySlice<UInt8> = []

    /// `depth` counts the message types around this one.
    init(_ bytes: ArraySlice<UInt8>, depth: Int) throws(SchemaError) {
        guard depth < SchemaLimits.depthCeiling else {
            throw SchemaError(.invalidSchema, "message types nested deeper than \(SchemaLimits.depthCeiling)")
        }
        var records = WireRecords(bytes)
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            switch record.number {
            case 1: name = try utf8(value)
            case 2: fields.append(try FieldRecord(value))
            case 3: nested.append(try MessageRecord(value, depth: depth + 1))
            case 4: enums.append(try EnumRecord(value))
            case 5: isExtendable = true
            case 6: extensions.append(try FieldRecord(value))
            case 7: options += value
            case 8: oneofs.append(try OneofRecord(value))
            default: break
            }
        }
    }
}

/// A oneof, as `OneofDescriptorProto` states it.
struct OneofRecord {
    var name = ""

    init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            if case (1, .bytes(let text)) = (record.number, record.value) { name = try utf8(text) }
        }
    }
}

/// An enum type, as `EnumDescriptorProto` states it.
struct EnumRecord {
    var name = ""
    var values: [(name: String, number: Int32)] = []
    var options: ArraySlice<UInt8> = []

    init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            switch record.number {
            case 1: name = try utf8(value)
            case 2: values.append(try Self.value(value))
            case 3: options += value
            default: break
            }
        }
    }

    private static func value(_ bytes: ArraySlice<UInt8>) throws(SchemaError) -> (name: String, number: Int32)
    {
        var result = (name: "", number: Int32(0))
        var records = WireRecords(bytes)
        while let record = try records.next() {
            switch (record.number, record.value) {
            case (1, .bytes(let text)): result.name = try utf8(text)
            case (2, .varint(let value)): result.number = Int32(truncatingIfNeeded: value)
            default: break
            }
        }
        return result
    }
}

/// A method, as `MethodDescriptorProto` states it.
struct MethodRecord {
    var name = ""
    var inputType = ""
    var outputType = ""
    var options: ArraySlice<UInt8> = []
    var clientStreaming = false
    var serverStreaming = false

    init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            switch (record.number, record.value) {
            case (1, .bytes(let text)): name = try utf8(text)
            case (2, .bytes(let text)): inputType = try utf8(text)
            case (3, .bytes(let text)): outputType = try utf8(text)
            case (4, .bytes(let value)): options += value
            case (5, .varint(let value)): clientStreaming = value != 0
            case (6, .varint(let value)): serverStreaming = value != 0
            default: break
            }
        }
    }
}

/// A service, as `ServiceDescriptorProto` states it.
struct ServiceRecord {
    var name = ""
    var methods: [MethodRecord] = []
    var options: ArraySlice<UInt8> = []

    init(_ bytes: ArraySlice<UInt8>) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            guard case .bytes(let value) = record.value else { continue }
            switch record.number {
            case 1: name = try utf8(value)
            case 2: methods.append(try MethodRecord(value))
            case 3: options += value
            default: break
            }
        }
    }
}

/// A whole file, as `FileDescriptorProto` states it.
struct FileRecord {
    var name = ""
    var package = ""
    var dependencies: [String] = []
    var publicDependencies: [Int] = []
    var messages: [MessageRecord] = []
    var enums: [EnumRecord] = []
    var services: [ServiceRecord] = []
    var extensions: [FieldRecord] = []
    var options: ArraySlice<UInt8> = []
    var syntax = ""
    var edition: UInt64 = 0

    init(_ bytes: [UInt8]) throws(SchemaError) {
        var records = WireRecords(bytes)
        while let record = try records.next() {
            switch (record.number, record.value) {
            case (1, .bytes(let text)): name = try utf8(text)
            case (2, .bytes(let text)): package = try utf8(text)
            case (3, .bytes(let text)): dependencies.append(try utf8(text))
            case (4, .bytes(let value)): messages.append(try MessageRecord(value, depth: 0))
            case (5, .bytes(let value)): enums.append(try EnumRecord(value))
            case (6, .bytes(let value)): services.append(try ServiceRecord(value))
            case (7, .bytes(let value)): extensions.append(try FieldRecord(value))
            case (8, .bytes(let value)): options += value
            case (10, .varint(let value)): publicDependencies.append(Int(Int32(truncatingIfNeeded: value)))
            case (12, .bytes(let text)): syntax = try utf8(text)
            case (14, .varint(let value)): edition = value
            default: break
            }
        }
    }
}

/// Names are identifiers to us and to those who read our errors, so they must be text without NUL.
private func utf8(_ bytes: ArraySlice<UInt8>) throws(SchemaError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
        throw SchemaError(
            .invalidSchema, "a name is not valid UTF-8 or contains NUL", offset: bytes.startIndex)
    }
    return text
}
