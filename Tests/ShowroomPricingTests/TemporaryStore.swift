// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Showroom

@testable import ShowroomPricing

/// A noon to count from.
let noon = Date(milliseconds: 1_790_000_000_000)

/// A store in a directory of its own, which goes away with it.
final class TemporaryStore: Sendable {
    let directory: URL
    let store: QuotationStore

    var path: String { directory.appending(path: "pricing.sqlite").path }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "pricing-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        store = try QuotationStore(path: directory.appending(path: "pricing.sqlite").path)
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(at: directory)
    }
}

extension Logger {
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}
