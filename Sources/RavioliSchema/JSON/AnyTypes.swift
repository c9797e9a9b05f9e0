// SPDX-License-Identifier: Apache-2.0

/// Finds the types inside `google.protobuf.Any`, and extensions. Nothing is ever fetched.
struct AnyTypes {
    /// The types that the caller has named.
    private let given: DescriptorPool
    /// The type of the outermost message. Types live as long as the process, so nobody need count who holds one.
    private let message: Unmanaged<MessageDescriptor>
    /// The files that the outermost message's file can see, itself first; gathered when the first `Any` is met.
    private var visible: [FileDescriptor]?
    /// The extensions of the messages that were met, by number.
    private var extensions: [String: [Int32: CarriedField]]?

    /// The well-known types, which are always known.
    private static let builtIn = DescriptorPool([
        GoogleProtobufAnySchema.file, GoogleProtobufDurationSchema.file, GoogleProtobufEmptySchema.file,
        GoogleProtobufFieldMaskSchema.file, GoogleProtobufStructSchema.file,
        GoogleProtobufTimestampSchema.file,
        GoogleProtobufWrappersSchema.file,
    ])

    init(_ given: DescriptorPool, near message: MessageDescriptor) {
        self.given = given
        self.message = .passUnretained(message)
    }

    /// The type behind the last slash of a type URL: a given one, one that the outermost message's file can see, or a
    /// well-known one.
    mutating func find(_ url: UnsafeBufferPointer<UInt8>) -> MessageDescriptor? {
        guard let slash = url.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = String(decoding: url[(slash + 1)...], as: UTF8.self)
        if let type = given.message(named: name) { return type }
        for file in visibleFiles() { if let type = file.message(named: name) { return type } }
        return Self.builtIn.message(named: name)
    }

    private mutating func visibleFiles() -> [FileDescriptor] {
        let files = visible ?? message.takeUnretainedValue().file.withDependencies.reversed()
        visible = files
        return files
    }

    /// The extension of this full name, if it extends this message; looked for in the same places.
    mutating func findExtension(_ name: String, of message: String) -> CarriedField? {
        var found = given.extensionField(named: name)
        if found == nil {
            for file in visibleFiles() where found == nil { found = file.extensionField(named: name) }
        }
        return found?.extendee == message ? found : nil
    }

    /// The extensions of this message, by number; looked for in the same places.
    mutating func extensions(of message: String) -> [Int32: CarriedField] {
        if let known = extensions?[message] { return known }
        var found = given.extensions(of: message)
        for file in visibleFiles() {
            found.merge(file.extensions(of: message)) { given, _ in given }
        }
        extensions = (extensions ?? [:]).merging([message: found]) { $1 }
        return found
    }
}
