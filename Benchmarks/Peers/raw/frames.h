// SPDX-License-Identifier: Apache-2.0

// Ravioli's frames (Sources/RavioliWire/Documentation.docc/Protocol.md), as little of them as two programs need that trust
// each other: no chunks, credit, deadlines or limits. What is left is the least that any implementation has to do.

#ifndef RAVIOLI_BENCHMARKS_FRAMES_H
#define RAVIOLI_BENCHMARKS_FRAMES_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_BYTES = 10, HELLO_BYTES = 44 };
enum { KIND_HELLO = 1, KIND_CALL = 2, KIND_DATA = 3, KIND_END = 4, KIND_CREDIT = 6, KIND_PING = 7, KIND_GOAWAY = 8 };
enum { FLAG_LAST = 0x01, FLAG_MESSAGE = 0x02, FLAG_NAME = 0x20, FLAG_COUNTED = 0x80 };

// Bytes that are read from `begin` and written at `end`.
struct buffer {
    uint8_t *bytes;
    size_t begin, end, capacity;
};

static inline size_t buffer_count(const struct buffer *buffer) { return buffer->end - buffer->begin; }

// Where `count` more bytes can be written.
static inline uint8_t *buffer_room(struct buffer *buffer, size_t count) {
    if (buffer->begin == buffer->end) buffer->begin = buffer->end = 0;
    if (buffer->capacity - buffer->end < count && buffer->begin > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer_count(buffer));
        buffer->end -= buffer->begin;
        buffer->begin = 0;
    }
    if (buffer->capacity - buffer->end < count) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 4096;
        while (capacity - buffer->end < count) capacity *= 2;
        buffer->bytes = realloc(buffer->bytes, capacity);
        if (!buffer->bytes) abort();
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->end;
}

static inline uint32_t read_32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void write_32(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

// Where the payload of a frame is to be written, once its header is.
static inline uint8_t *frame_append(struct buffer *out, uint32_t payload, uint32_t stream, uint8_t kind, uint8_t flags) {
    uint8_t *bytes = buffer_room(out, HEADER_BYTES + payload);
    write_32(bytes, payload);
    write_32(bytes + 4, stream);
    bytes[8] = kind;
    bytes[9] = flags;
    out->end += HEADER_BYTES + payload;
    return bytes + HEADER_BYTES;
}

static inline void hello_append(struct buffer *out) {
    uint8_t *hello = frame_append(out, HELLO_BYTES, 0, KIND_HELLO, 0);
    memset(hello, 0, HELLO_BYTES);
    memcpy(hello, "RAVI\1\0\2\0", 8);
    write_32(hello + 12, 64u << 20);
    write_32(hello + 16, 64u << 20);
    write_32(hello + 20, 1u << 20);
    write_32(hello + 24, 8192);
    write_32(hello + 28, 0x7fffffff);
    write_32(hello + 32, 0x7fffffff);
}

struct frame {
    uint32_t count, stream;
    uint8_t kind, flags;
    const uint8_t *payload;
};

// Takes the next frame if it is complete.
static inline bool frame_next(struct buffer *in, struct frame *frame) {
    if (buffer_count(in) < HEADER_BYTES) return false;
    const uint8_t *bytes = in->bytes + in->begin;
    frame->count = read_32(bytes);
    if (buffer_count(in) - HEADER_BYTES < frame->count) return false;
    frame->stream = read_32(bytes + 4);
    frame->kind = bytes[8];
    frame->flags = bytes[9];
    frame->payload = bytes + HEADER_BYTES;
    in->begin += HEADER_BYTES + frame->count;
    return true;
}

// Reads what is there; false when the connection is gone. `*full` tells that more may be there.
static inline bool buffer_receive(struct buffer *in, int file, bool *full) {
    size_t wanted = 64 << 10;
    if (buffer_count(in) >= HEADER_BYTES) {
        size_t frame = HEADER_BYTES + read_32(in->bytes + in->begin);
        if (frame > buffer_count(in) && frame - buffer_count(in) > wanted) wanted = frame - buffer_count(in);
    }
    uint8_t *room = buffer_room(in, wanted);
    ssize_t count = read(file, room, wanted);
    *full = count == (ssize_t)wanted;
    if (count > 0) in->end += (size_t)count;
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

// Writes what can be written; false when the connection is gone.
static inline bool buffer_send(struct buffer *out, int file) {
    while (buffer_count(out)) {
        ssize_t count = write(file, out->bytes + out->begin, buffer_count(out));
        if (count < 0) return errno == EAGAIN || errno == EINTR;
        out->begin += (size_t)count;
    }
    return true;
}

static inline size_t varint_append(uint8_t *bytes, uint64_t value) {
    size_t count = 0;
    for (; value >= 0x80; value >>= 7) bytes[count++] = (uint8_t)(value | 0x80);
    bytes[count++] = (uint8_t)value;
    return count;
}

static inline uint64_t varint_read(const uint8_t **cursor, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; *cursor < end && shift < 64; shift += 7) {
        uint8_t byte = *(*cursor)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

// The fields of the benchmark's messages that matter here: the payload is field 1 of requests and answers alike.
struct message {
    const uint8_t *payload;
    uint64_t payload_bytes;
    uint64_t number; // field 2 of a message, or 1 of PiRequest
};

static inline bool message_read(const uint8_t *cursor, size_t count, struct message *message) {
    const uint8_t *end = cursor + count;
    *message = (struct message){0};
    while (cursor < end) {
        uint64_t tag = varint_read(&cursor, end);
        uint64_t value = (tag & 7) == 1 ? 8 : varint_read(&cursor, end);
        if ((tag & 7) == 0) {
            if (tag >> 3 <= 2) message->number = value;
            continue;
        }
        if (value > (uint64_t)(end - cursor)) return false;
        message->payload = cursor;
        message->payload_bytes = value;
        cursor += value;
    }
    return true;
}

#endif
