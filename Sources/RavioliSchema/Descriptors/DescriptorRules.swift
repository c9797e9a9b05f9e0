// SPDX-License-Identifier: Apache-2.0

/// Which names a schema may have and how large it may be. protoc has checked the schemas in generated code. In those
/// that a peer sends, names end up in errors, URLs and JSON, each type repeats the names around it, and each file looks
/// into all that it imports, so a few bytes could ask for gigabytes or hours.
enum DescriptorRules {
    /// The longest full name of a type or service, in bytes.
    static let fullNameMax = 1_024

    /// The most files in a set.
    static let filesMax = 16_384
    /// The most files that one file can see: its imports and what they import publicly.
    static let importsMax = 1_024

    /// How many bytes the full names of a file's types may have together, for a file of so many bytes.
    static func totalMax(forBytes count: Int) -> Int { 64 << 10 + 16 * min(count, 1 << 30) }

    /// A letter or underscore, then letters, digits and underscores.
    static func isIdentifier(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true
            default: false
            }
        }
    }

    /// Checks a name that is declared inside a package or type.
    static func check(_ name: String, fullName: String) throws(SchemaError) {
        guard isIdentifier(name) else {
            let text = SchemaError.excerpt(name)
            throw SchemaError(.invalidSchema, "\"\(text)\" is no name for a type, service or field")
        }
        guard fullName.utf8.count <= fullNameMax else {
            let text = SchemaError.excerpt(name)
            throw SchemaError(.invalidSchema, "\(text) has a full name of over \(fullNameMax) bytes")
        }
    }

    /// Checks a package: identifiers with dots between them, or none.
    static func check(package: String) throws(SchemaError) {
        let parts = package.split(separator: ".", omittingEmptySubsequences: false)
        guard package.isEmpty || (package.utf8.count <= fullNameMax && parts.allSatisfy { isIdentifier($0) })
        else {
            throw SchemaError(.invalidSchema, "\"\(SchemaError.excerpt(package))\" is no name for a package")
        }
    }
}

extension SchemaError {
    static func missingImport(_ path: String, of file: String) -> SchemaError {
        SchemaError(.invalidSchema, "\(excerpt(file)) imports \(excerpt(path)), which is missing")
    }
}
