// SPDX-License-Identifier: Apache-2.0

import NIOCore

// message HelloDetails { string service = 1; string software = 2; }
/// Names in a hello, for people and logs; nothing is decided by them.
struct HelloDetails: Hashable {
    /// The end's own name, for instance `catalog`.
    var service = ""
    /// What it runs on, for instance `ravioli-swift/1.0`.
    var software = ""

    init(service: String, software: String = "ravioli-swift") {
        self.service = service
        self.software = software
    }

    /// The end's own name where it may be shown: printable ASCII of at most 64 bytes.
    var nameForErrors: String? {
        let isShowable =
            !service.isEmpty && service.utf8.count <= 64
            && service.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        return isShowable ? service : nil
    }

    /// The block to send; names are cut at 255 bytes.
    var block: ByteBuffer {
        var block = ByteBuffer()
        block.writeField(1, service.utf8.cut(to: 255))
        block.writeField(2, software.utf8.cut(to: 255))
        return block
    }

    /// Reads a peer's block. Unusable details are no reason to refuse a peer: they are empty then.
    init(block: ByteBuffer) {
        var reader = BlockReader(block)
        while let field = try? reader.next() {
            let text = String(decoding: field.value.readableBytesView.prefix(255), as: UTF8.self)
            if field.number == 1 { service = text }
            if field.number == 2 { software = text }
        }
    }
}
