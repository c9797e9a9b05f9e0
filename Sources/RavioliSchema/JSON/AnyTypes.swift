// SPDX-License-Identifier: Apache-2.0

/// Finds the types inside `google.protobuf.Any`. Nothing is ever fetched.
struct AnyTypes {
    /// The types that the caller has named.
    private let given: DescriptorPool
    /// The type of the outermost message. Types live as long as the process, so nobody need count who holds one.
    private let message: Unmanaged<MessageDescriptor>
    /// The files that the outermost message's file can see, itself first; gathered when the first `Any` is met.
    private var visible: [FileDescriptor]?

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
        let visible = visible ?? message.takeUnretainedValue().file.withDependencies.reversed()
        self.visible = visible
        for file in visible { if let type = file.message(named: name) { return type } }
        return Self.builtIn.message(named: name)
    }
}
