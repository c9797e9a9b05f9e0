// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The comments in `.proto` files, as far as their descriptors carry them, by the full name of what they describe.
///
/// Descriptor sets have them with `protoc --include_source_info`, reflection for code generated with `comments=true`.
struct DescriptorComments {
    private var byFullName: [String: String] = [:]

    init() {}

    /// Those of these files.
    init(_ files: [FileDescriptor]) {
        for file in files {
            // The descriptor was read from these bytes already; without comments nothing is lost but comments.
            guard let proto = try? Google_Protobuf_FileDescriptorProto(decoding: file.serialized) else {
                continue
            }
            add(proto)
        }
    }

    /// The comment of a message, field, enum, service, method or oneof; an enum's value by the enum's name and its own.
    subscript(fullName: String) -> String? { byFullName[fullName] }

    // MARK: Reading

    // Field numbers in descriptor.proto, of which the paths of `SourceCodeInfo.Location` consist.
    private enum Part {
        static let fileMessage: Int32 = 4
        static let fileEnum: Int32 = 5
        static let fileService: Int32 = 6
        static let messageField: Int32 = 2
        static let messageNested: Int32 = 3
        static let messageEnum: Int32 = 4
        static let enumValue: Int32 = 2
        static let serviceMethod: Int32 = 2
    }

    private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) {
        var comments: [[Int32]: String] = [:]
        for location in file.sourceCodeInfo?.location ?? [] {
            let text = location.leadingComments ?? location.trailingComments ?? ""
            if let text = Self.trimmed(text) { comments[location.path] = text }
        }
        if comments.isEmpty { return }
        let package = file.package ?? ""
        for (index, message) in file.messageType.enumerated() {
            add(message, package, [Part.fileMessage, Int32(index)], comments)
        }
        for (index, type) in file.enumType.enumerated() {
            add(type, package, [Part.fileEnum, Int32(index)], comments)
        }
        for (index, service) in file.service.enumerated() {
            let path = [Part.fileService, Int32(index)]
            let name = Self.joined(package, service.name)
            byFullName[name] = comments[path]
            for (index, method) in service.method.enumerated() {
                byFullName[Self.joined(name, method.name)] =
                    comments[path + [Part.serviceMethod, Int32(index)]]
            }
        }
    }

    private mutating func add(
        _ message: Google_Protobuf_DescriptorProto, _ scope: String, _ path: [Int32],
        _ comments: [[Int32]: String]
    ) {
        let name = Self.joined(scope, message.name)
        byFullName[name] = comments[path]
        for (index, field) in message.field.enumerated() {
            byFullName[Self.joined(name, field.name)] = comments[path + [Part.messageField, Int32(index)]]
        }
        for (index, nested) in message.nestedType.enumerated() {
            add(nested, name, path + [Part.messageNested, Int32(index)], comments)
        }
        for (index, type) in message.enumType.enumerated() {
            add(type, name, path + [Part.messageEnum, Int32(index)], comments)
        }
    }

    private mutating func add(
        _ type: Google_Protobuf_EnumDescriptorProto, _ scope: String, _ path: [Int32],
        _ comments: [[Int32]: String]
    ) {
        let name = Self.joined(scope, type.name)
        byFullName[name] = comments[path]
        for (index, value) in type.value.enumerated() {
            byFullName[Self.joined(name, value.name)] = comments[path + [Part.enumValue, Int32(index)]]
        }
    }

    private static func joined(_ scope: String, _ name: String?) -> String {
        scope.isEmpty ? name ?? "" : "\(scope).\(name ?? "")"
    }

    /// Without the space behind `//` and without empty lines around it; nil if nothing is left.
    private static func trimmed(_ text: String) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(" ") ? line.dropFirst() : line
        }
        while lines.first?.allSatisfy(\.isWhitespace) == true { lines.removeFirst() }
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}
