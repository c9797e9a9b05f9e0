// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The types of parameters.
package enum PlanScalar: String, Sendable, CaseIterable {
    case string, bool, int32, int64, uint32, uint64, float, double, bytes

    /// As a schema says it.
    var protoType: Google_Protobuf_FieldDescriptorProto.Type_ {
        switch self {
        case .string: .string
        case .bool: .bool
        case .int32: .int32
        case .int64: .int64
        case .uint32: .uint32
        case .uint64: .uint64
        case .float: .float
        case .double: .double
        case .bytes: .bytes
        }
    }
}

/// The type of a reference.
package struct PlanType: Sendable {
    enum Element: Sendable, Hashable {
        case int32, int64, uint32, uint64, float, double, bool, string, bytes
        case enumeration(String)
        case message(MessageDescriptor)
        case map
    }

    var element: Element
    var isList: Bool

    init(_ element: Element, isList: Bool = false) {
        self.element = element
        self.isList = isList
    }

    init(_ field: FieldDescriptor) {
        self.init(Self.element(of: field), isList: field.isRepeated && !field.isMap)
    }

    private static func element(of field: FieldDescriptor) -> Element {
        switch field.kind {
        case .int32, .sint32, .sfixed32: .int32
        case .int64, .sint64, .sfixed64: .int64
        case .uint32, .fixed32: .uint32
        case .uint64, .fixed64: .uint64
        case .float: .float
        case .double: .double
        case .bool: .bool
        case .string: .string
        case .bytes: .bytes
        case .enumeration: .enumeration(field.enumType?.fullName ?? "")
        case .message, .group: field.isMap ? .map : field.messageType.map(Element.message) ?? .map
        }
    }

    /// Whether a value of this type can be the value of a field of that one: the same, or a number that loses nothing.
    func fits(_ target: PlanType) -> Bool {
        guard isList == target.isList, element != .map else { return false }
        return switch (element, target.element) {
        case (.message(let from), .message(let to)): from.fullName == to.fullName
        case (.int32, .int64), (.uint32, .uint64), (.uint32, .int64), (.float, .double), (.int32, .double),
            (.uint32, .double):
            true
        default: element == target.element
        }
    }

    /// A value of this type as one of that type, which it fits.
    static func convert(_ value: DynamicValue, to target: Element) -> DynamicValue {
        switch (value, target) {
        case (.list(let elements), _): .list(elements.map { convert($0, to: target) })
        case (.int32(let number), .int64): .int64(Int64(number))
        case (.uint32(let number), .uint64): .uint64(UInt64(number))
        case (.uint32(let number), .int64): .int64(Int64(number))
        case (.float(let number), .double): .double(Double(number))
        case (.int32(let number), .double): .double(Double(number))
        case (.uint32(let number), .double): .double(Double(number))
        // Two servers may know a type of one name from different files.
        case (.message(let message), .message(let type)) where message.type != type:
            (try? DynamicMessage(decoding: message.encoded(), as: type)).map(DynamicValue.message) ?? value
        default: value
        }
    }

    /// For errors.
    var name: String {
        let single =
            switch element {
            case .enumeration(let name): name
            case .message(let type): type.fullName
            default: "\(element)"
            }
        return isList ? "a list of \(single)" : single
    }
}
