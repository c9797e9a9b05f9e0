// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// The message types of Protos/*.proto and short ways to take them through the JSON codec.
enum TestSchema {
    static let pool: DescriptorPool = {
        do {
            return try DescriptorPool(fileDescriptorSet: Base64.decode(descriptors) ?? [])
        } catch {
            preconditionFailure("the test schema is broken: \(error)")
        }
    }()

    /// The type of this name in `ravioli.test`, or of this full name.
    static func type(_ name: String) -> MessageDescriptor {
        guard let type = pool.message(named: name) ?? pool.message(named: "ravioli.test.\(name)") else {
            preconditionFailure("the test schema has no \(name)")
        }
        return type
    }

    static var decodingOptions: JSONDecodingOptions {
        var options = JSONDecodingOptions.defaults
        options.types = pool
        return options
    }

    static var encodingOptions: JSONEncodingOptions {
        var options = JSONEncodingOptions.defaults
        options.types = pool
        return options
    }

    static func encode(
        _ json: String, as name: String, _ options: JSONDecodingOptions = decodingOptions,
        limits: SchemaLimits = .defaults
    ) throws(SchemaError) -> [UInt8] {
        try JSONTranscoder.encoded(
            fromJSON: Array(json.utf8), as: type(name), options: options, limits: limits)
    }

    static func print(
        _ bytes: [UInt8], as name: String, _ options: JSONEncodingOptions = encodingOptions
    ) throws(SchemaError) -> String {
        String(
            decoding: try JSONTranscoder.json(fromEncoded: bytes, as: type(name), options: options),
            as: UTF8.self)
    }

    /// JSON to binary and back.
    static func roundTrip(
        _ json: String, as name: String, _ options: JSONDecodingOptions = decodingOptions
    ) throws(SchemaError) -> String {
        try print(try encode(json, as: name, options), as: name)
    }

    /// The error that the text is refused with; `nil`, and an issue recorded, if it is accepted.
    static func refusal(
        of json: String, as name: String, _ options: JSONDecodingOptions = decodingOptions,
        limits: SchemaLimits = .defaults, sourceLocation: SourceLocation = #_sourceLocation
    ) -> SchemaError? {
        do {
            let bytes = try encode(json, as: name, options, limits: limits)
            Issue.record(
                "\(json.prefix(100)) is accepted as \(bytes.prefix(100))", sourceLocation: sourceLocation)
            return nil
        } catch {
            return error
        }
    }
}
