// SPDX-License-Identifier: Apache-2.0

import CZlib
import NIOCore

/// gzip a piece at a time: each piece can be read as soon as it is there, and is short where it repeats earlier ones. It
/// holds about 100 KiB, with a window of 8 KiB. Used by one task or lock at a time.
final class GzipStream {
    // zlib's state points back at it, so it must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// 13 bits of window, and 16 for the gzip format.
    private static let windowBits: Int32 = 13 + 16
    private static let chunkBytes = 8 << 10

    /// Nil if there is no memory.
    init?() {
        stream.initialize(to: z_stream())
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(
                stream, 1, Z_DEFLATED, Self.windowBits, 7, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else {
            // `deinit` frees it; ending what has not begun does nothing.
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The next piece; the last one has the end of the format.
    func deflate(_ bytes: [UInt8], isLast: Bool) -> ByteBuffer {
        var (input, output) = (bytes, ByteBuffer())
        input.withUnsafeMutableBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = UInt32(clamping: source.count)
            // zlib is done once it leaves room.
            repeat {
                output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.chunkBytes) { fill($0, isLast) }
            } while stream.pointee.avail_out == 0
        }
        stream.pointee.next_in = nil
        return output
    }

    private func fill(_ target: UnsafeMutableRawBufferPointer, _ isLast: Bool) -> Int {
        stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(clamping: target.count)
        _ = CZlib.deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
        return target.count - Int(stream.pointee.avail_out)
    }
}
