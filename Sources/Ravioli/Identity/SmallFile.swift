// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files of configuration: read whole, watched by their stamps.
package enum SmallFile {
    /// What changes with a file: rewritten, its time does; replaced, its number does too.
    struct Stamp: Sendable, Hashable {
        let device: UInt64
        let number: UInt64
        let bytes: Int64
        let seconds: Int
        let nanoseconds: Int

        fileprivate init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            number = UInt64(truncatingIfNeeded: status.st_ino)
            bytes = Int64(status.st_size)
            #if canImport(Darwin)
                (seconds, nanoseconds) = (status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec)
            #else
                (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            #endif
        }
    }

    /// More than any list of certificates or rules needs.
    static let bytesMax = 1 << 20

    /// The stamp of a file, links followed; nil when it cannot be looked at.
    static func stamp(of path: String) -> Stamp? {
        var status = stat()
        return stat(path, &status) == 0 ? Stamp(status) : nil
    }

    /// The content of a file.
    ///
    /// - Throws: `invalidConfiguration` naming the file, and the system's reason.
    package static func read(_ path: String) throws(RuntimeError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path, "open") }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = part.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw unreadable(path, "read")
            }
            content += part[..<count]
            guard content.count <= bytesMax else {
                throw RuntimeError(.invalidConfiguration, "\(path) is longer than \(bytesMax) bytes")
            }
        }
    }

    private static func unreadable(_ path: String, _ reason: String) -> RuntimeError {
        let code = errno
        return RuntimeError(
            .invalidConfiguration, "cannot read \(path)", cause: IOError(errnoCode: code, reason: reason))
    }
}

/// The system's `read`, out of the way of ``SmallFile/read(_:)``.
private func systemRead(_ descriptor: CInt, _ into: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, into, count)
}
