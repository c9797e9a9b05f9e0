// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// The comments of a `.proto` file, by the full name of what they describe.
struct SourceComments {
    private(set) var byFullName: [String: String] = [:]
    private let byPath: [[Int32]: String]

    // Field numbers in descriptor.proto, of which the paths of `SourceCodeInfo.Location` consist.
    private enum Part {
        static let fileMessage: Int32 = 4
        static let fileEnum: Int32 = 5
        static let fileService: Int32 = 6
        static let messageField: Int32 = 2
        static let messageNested: Int32 = 3
        static let messageEnum: Int32 = 4
        static let messageOneof: Int32 = 8
        static let enumValue: Int32 = 2
        static let serviceMethod: Int32 = 2
    }

    init(_ file: Google_Protobuf_FileDescriptorProto) {
        let locations = file.sourceCodeInfo?.location ?? []
        byPath = Dictionary(
            locations.compactMap { location in
                Self.text(location.leadingComments ?? location.trailingComments).map { (location.path, $0) }
            }, uniquingKeysWith: { first, _ in first })
        let package = file.package ?? ""
        for (index, message) in file.messageType.enumerated() {
            add(message, scope: package, path: [Part.fileMessage, Int32(index)])
        }
        for (index, enumeration) in file.enumType.enumerated() {
            add(enumeration, scope: package, path: [Part.fileEnum, Int32(index)])
        }
        for (index, service) in file.service.enumerated() {
            add(service, scope: package, path: [Part.fileService, Int32(index)])
        }
    }

    private mutating func add(_ path: [Int32], as fullName: String) {
        if let comment = byPath[path] { byFullName[fullName] = comment }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, scope: String, path: [Int32]) {
        let fullName = joined(scope, message.name)
        add(path, as: fullName)
        for (index, field) in message.field.enumerated() {
            add(path + [Part.messageField, Int32(index)], as: joined(fullName, field.name))
        }
        for (index, oneof) in message.oneofDecl.enumerated() {
            add(path + [Part.messageOneof, Int32(index)], as: joined(fullName, oneof.name))
        }
        for (index, nested) in message.nestedType.enumerated() {
            add(nested, scope: fullName, path: path + [Part.messageNested, Int32(index)])
        }
        for (index, enumeration) in message.enumType.enumerated() {
            add(enumeration, scope: fullName, path: path + [Part.messageEnum, Int32(index)])
        }
    }

    private mutating func add(
        _ enumeration: Google_Protobuf_EnumDescriptorProto, scope: String, path: [Int32]
    ) {
        let fullName = joined(scope, enumeration.name)
        add(path, as: fullName)
        for (index, value) in enumeration.value.enumerated() {
            add(path + [Part.enumValue, Int32(index)], as: joined(fullName, value.name))
        }
    }

    private mutating func add(_ service: Google_Protobuf_ServiceDescriptorProto, scope: String, path: [Int32])
    {
        let fullName = joined(scope, service.name)
        add(path, as: fullName)
        for (index, method) in service.method.enumerated() {
            add(path + [Part.serviceMethod, Int32(index)], as: joined(fullName, method.name))
        }
    }

    private func joined(_ scope: String, _ name: String?) -> String {
        scope.isEmpty ? name ?? "" : "\(scope).\(name ?? "")"
    }

    /// Without the blank that usually follows the slashes, and without empty lines around it.
    private static func text(_ comment: String?) -> String? {
        guard let comment else { return nil }
        var lines = comment.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let bare = line.hasPrefix(" ") ? line.dropFirst() : line[...]
            return String(bare.reversed().drop { $0 == " " }.reversed())
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }
}
