// SPDX-License-Identifier: Apache-2.0

import RavioliSchema

/// What the generators of one file share.
struct GenerationContext {
    let file: FileDescriptor
    let names: TypeNames
    /// The comments of the file, by the full name of what they describe.
    let comments: [String: String]
    let sizes: MessageSizes
    let options: GeneratorOptions

    /// `public ` or whatever stands before a declaration; empty for internal ones.
    var visibility: String { options.visibility == .internal ? "" : options.visibility.rawValue + " " }

    /// The constant that holds the file's schema.
    var schema: String { names.schemas[file.name] ?? "" }

    func nestedMessages(of message: MessageDescriptor) -> [MessageDescriptor] {
        file.messages.filter { scopeOf($0.fullName) == message.fullName && !$0.isMapEntry }
    }

    func nestedEnums(of message: MessageDescriptor) -> [EnumDescriptor] {
        file.enums.filter { scopeOf($0.fullName) == message.fullName }
    }
}

/// Which messages keep their fields in copy-on-write storage.
struct MessageSizes {
    /// A struct of more bytes than this is not copied wholesale.
    private static let inlineMax = 512
    /// `CopyOnWrite`, in bytes.
    private static let storedSize = 8

    private var stored: Set<String> = []
    private var sizes: [String: Int] = [:]

    init(_ files: [FileDescriptor], names: TypeNames) {
        for file in files { for message in file.messages { visit(message, names, open: []) } }
    }

    func isStored(_ message: MessageDescriptor) -> Bool { stored.contains(message.fullName) }

    /// Measures a message after those inside it. One that is met inside itself is stored, which ends the cycle.
    private mutating func visit(_ message: MessageDescriptor, _ names: TypeNames, open: Set<String>) {
        guard sizes[message.fullName] == nil else { return }
        guard !open.contains(message.fullName) else {
            stored.insert(message.fullName)
            return
        }
        let inside = open.union([message.fullName])
        for field in message.fields where field.kind == .message && !field.isRepeated {
            if let type = field.messageType { visit(type, names, open: inside) }
        }
        let size = inlineSize(of: message, names)
        if size > Self.inlineMax { stored.insert(message.fullName) }
        sizes[message.fullName] = stored.contains(message.fullName) ? Self.storedSize : size
    }
    /// A oneof takes as much as its largest member and a tag.
    private func inlineSize(of message: MessageDescriptor, _ names: TypeNames) -> Int {
        var size = Self.storedSize
        var oneofs: [Int: Int] = [:]
        for field in message.fields {
            guard let shape = FieldShape(field, name: "", owner: "", names: names) else { continue }
            let bytes = shape.inlineSize {
                stored.contains($0.fullName) ? Self.storedSize : sizes[$0.fullName] ?? Self.storedSize
            }
            guard let index = field.oneofIndex else {
                size += bytes
                continue
            }
            oneofs[index] = max(oneofs[index] ?? 0, bytes)
        }
        return oneofs.values.reduce(size) { $0 + $1 + 1 }
    }
}
