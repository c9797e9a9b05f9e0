// SPDX-License-Identifier: Apache-2.0

import CZlib
package import NIOCore

/// What is wrong with compressed bytes.
package enum GzipFault: Error, Sendable, Hashable {
    /// They are no gzip, or end too early, or their checksum is wrong.
    case corrupt
    /// They would inflate to more than the limit.
    case tooLarge
}

/// gzip (RFC 1952) through zlib. What comes out is bounded while it comes out, whatever the bytes claim.
package enum Gzip {
    /// 15 bits of window, and 16 for the gzip format and no other.
    private static let windowBits: Int32 = 15 + 16
    private static let chunkBytes = 64 << 10

    /// Compresses at a level that favours speed.
    package static func deflate(_ bytes: ByteBuffer) -> ByteBuffer {
        var stream = z_stream()
        let streamSize = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(
                &stream, 1, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, streamSize) == Z_OK
        else { return ByteBuffer() }
        defer { deflateEnd(&stream) }
        var input = bytes
        return input.withUnsafeMutableReadableBytes { source in
            stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_in = UInt32(clamping: source.count)
            // The bound is what zlib itself promises, so one call is enough.
            var output = ByteBuffer()
            let bound = Int(deflateBound(&stream, UInt(source.count)))
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(clamping: target.count)
                _ = CZlib.deflate(&stream, Z_FINISH)
                return target.count - Int(stream.avail_out)
            }
            return output
        }
    }

    /// Inflates one or more gzip members to their very end.
    package static func inflate(_ bytes: ByteBuffer, upTo bytesMax: Int) throws(GzipFault) -> ByteBuffer {
        var stream = z_stream()
        guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else {
            throw .corrupt
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        let result = input.withUnsafeMutableReadableBytes { source -> Result<ByteBuffer, GzipFault> in
            stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_in = UInt32(clamping: source.count)
            var output = ByteBuffer()
            do throws(GzipFault) {
                try run(&stream, into: &output, upTo: bytesMax)
                return .success(output)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func run(
        _ stream: inout z_stream, into output: inout ByteBuffer, upTo bytesMax: Int
    ) throws(GzipFault) {
        while true {
            // One byte more than allowed is enough to know.
            let room = min(chunkBytes, bytesMax - output.readableBytes + 1)
            var status = Z_OK
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                let target = target.prefix(room)
                let start = UnsafeMutableRawBufferPointer(rebasing: target)
                stream.next_out = start.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(clamping: start.count)
                status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return start.count - Int(stream.avail_out)
            }
            guard output.readableBytes <= bytesMax else { throw .tooLarge }
            switch status {
            case Z_STREAM_END:
                if stream.avail_in == 0 { return }
                guard inflateReset(&stream) == Z_OK else { throw .corrupt }
            case Z_OK where stream.avail_in > 0 || stream.avail_out == 0: continue
            default: throw .corrupt
            }
        }
    }
}
