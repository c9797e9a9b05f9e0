// SPDX-License-Identifier: Apache-2.0

/// Finds the types inside `google.protobuf.Any`. Nothing is ever fetched.
enum AnyTypes {
    /// The well-known types, which are always known.
    private static let builtIn = DescriptorPool([
        GoogleProtobufAnySchema.file, GoogleProtobufDurationSchema.file, GoogleProtobufEmptySchema.file,
        GoogleProtobufFieldMaskSchema.file, GoogleProtobufStructSchema.file, GoogleProtobufTimestampSchema.file,
        GoogleProtobufWrappersSchema.file,
    ])

    /// The type behind the last slash of a type URL: one of `types`, one that the file of `message` can see, or a
    /// well-known one.
    static func find(
        _ url: UnsafeBufferPointer<UInt8>, _ types: DescriptorPool, near message: MessageDescriptor
    ) -> MessageDescriptor? {
        guard let slash = url.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = String(decoding: url[(slash + 1)...], as: UTF8.self)
        if let type = types.message(named: name) ?? message.file.message(named: name) { return type }
        return message.file.withDependencies.lazy.compactMap { $0.message(named: name) }.first
            ?? builtIn.message(named: name)
    }
}
