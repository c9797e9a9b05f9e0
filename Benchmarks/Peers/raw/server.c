// SPDX-License-Identifier: Apache-2.0

// The physical limit: one thread, one epoll, one read, one write for all the answers to what was read. It has Ravioli's frames
// and the benchmark's messages, and none of what makes a server usable.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../shared/load.h"
#include "frames.h"

enum { METHODS_MAX = 16, OUTPUT_MAX = 1 << 20 };
enum method { UNARY = 1, DOWNLOAD, UPLOAD, CONVERSE, PI };

// A stream that goes on: of answers still to be sent, or of requests still to come.
struct stream {
    struct stream *next;
    uint32_t id;
    enum method method;
    uint64_t messages; // sent or received
    uint64_t wanted;
    uint8_t *answer;
    size_t answer_bytes;
};

struct connection {
    int file;
    uint32_t interest;
    struct buffer in, out;
    struct stream *streams;
    enum method methods[METHODS_MAX];
};

static int poll_file;

static enum method method_of(const uint8_t *name, size_t count) {
    static const char *const names[] = {"/Unary", "/Download", "/Upload", "/Converse", "/Pi"};
    for (int index = 0; index < 5; index++) {
        size_t length = strlen(names[index]);
        if (count >= length && !memcmp(name + count - length, names[index], length)) return (enum method)(index + 1);
    }
    return 0;
}

static void end_append(struct connection *connection, uint32_t stream, const uint8_t *message, size_t count) {
    uint8_t *payload = frame_append(&connection->out, (uint32_t)(2 + count), stream, KIND_END, FLAG_MESSAGE);
    payload[0] = 0;
    payload[1] = 2;
    if (count) memcpy(payload + 2, message, count);
}

static void data_append(struct connection *connection, uint32_t stream, const uint8_t *message, size_t count) {
    uint8_t *payload = frame_append(&connection->out, (uint32_t)count, stream, KIND_DATA, FLAG_MESSAGE | FLAG_COUNTED);
    if (count) memcpy(payload, message, count);
}

static struct stream *stream_open(struct connection *connection, uint32_t id, enum method method) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) abort();
    *stream = (struct stream){.next = connection->streams, .id = id, .method = method};
    connection->streams = stream;
    return stream;
}

static void stream_close(struct connection *connection, struct stream *stream) {
    struct stream **link = &connection->streams;
    while (*link != stream) link = &(*link)->next;
    *link = stream->next;
    free(stream->answer);
    free(stream);
}

static void end_without_message(struct connection *connection, uint32_t stream) {
    uint8_t *payload = frame_append(&connection->out, 2, stream, KIND_END, 0);
    payload[0] = 0;
    payload[1] = 2;
}

static bool called(struct connection *connection, const struct frame *frame) {
    const uint8_t *cursor = frame->payload + 8, *end = frame->payload + frame->count;
    if (frame->count < 8) return false;
    unsigned number = (unsigned)frame->payload[4] << 8 | frame->payload[5];
    if (number >= METHODS_MAX) return false;
    if (frame->flags & FLAG_NAME) {
        if (cursor == end || cursor + 1 + *cursor > end) return false;
        connection->methods[number] = method_of(cursor + 1, *cursor);
        cursor += 1 + *cursor;
    }
    struct message message = {0};
    size_t count = (size_t)(end - cursor);
    if (!message_read(cursor, count, &message)) return false;
    enum method method = connection->methods[number];
    switch (method) {
    case UNARY:
        // The answer's only field is the request's first.
        end_append(connection, frame->stream, cursor, count);
        return true;
    case PI: {
        uint8_t answer[9] = {0x09};
        double pi = load_pi((uint32_t)message.number);
        memcpy(answer + 1, &pi, 8);
        end_append(connection, frame->stream, answer, sizeof answer);
        return true;
    }
    case DOWNLOAD: {
        struct stream *stream = stream_open(connection, frame->stream, method);
        stream->wanted = message.number;
        stream->answer = malloc(message.payload_bytes + 16);
        if (!stream->answer) abort();
        if (message.payload_bytes) {
            stream->answer[0] = 0x0a;
            stream->answer_bytes = 1 + varint_append(stream->answer + 1, message.payload_bytes);
            memcpy(stream->answer + stream->answer_bytes, message.payload, message.payload_bytes);
            stream->answer_bytes += message.payload_bytes;
        }
        return true;
    }
    case UPLOAD:
    case CONVERSE:
        stream_open(connection, frame->stream, method);
        return true;
    }
    return false;
}

static bool received(struct connection *connection, const struct frame *frame) {
    struct stream *stream = connection->streams;
    while (stream && stream->id != frame->stream) stream = stream->next;
    if (!stream) return false;
    if (frame->flags & FLAG_MESSAGE) {
        struct message message;
        if (!message_read(frame->payload, frame->count, &message)) return false;
        stream->messages++;
        if (stream->method == CONVERSE) data_append(connection, stream->id, frame->payload, frame->count);
    }
    if (!(frame->flags & FLAG_LAST)) return true;
    if (stream->method == UPLOAD) {
        uint8_t answer[11] = {0x10};
        end_append(connection, stream->id, answer, 1 + varint_append(answer + 1, stream->messages));
    } else {
        end_without_message(connection, stream->id);
    }
    stream_close(connection, stream);
    return true;
}

// Answers what has been read, as far as there is room for answers.
static bool answer(struct connection *connection) {
    struct frame frame;
    while (buffer_count(&connection->out) < OUTPUT_MAX && frame_next(&connection->in, &frame)) {
        switch (frame.kind) {
        case KIND_HELLO: hello_append(&connection->out); break;
        case KIND_CALL:
            if (!called(connection, &frame)) return false;
            break;
        case KIND_DATA:
            if (!received(connection, &frame)) return false;
            break;
        case KIND_PING:
            memcpy(frame_append(&connection->out, 8, 0, KIND_PING, FLAG_LAST), frame.payload, 8);
            break;
        default: break;
        }
    }
    for (struct stream *stream = connection->streams, *next; stream; stream = next) {
        next = stream->next;
        if (stream->method != DOWNLOAD) continue;
        while (stream->messages < stream->wanted && buffer_count(&connection->out) < OUTPUT_MAX) {
            data_append(connection, stream->id, stream->answer, stream->answer_bytes);
            stream->messages++;
        }
        if (stream->messages < stream->wanted) break;
        end_without_message(connection, stream->id);
        stream_close(connection, stream);
    }
    return true;
}

static void watch(struct connection *connection, uint32_t interest, int operation) {
    if (operation == EPOLL_CTL_MOD && connection->interest == interest) return;
    connection->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = connection};
    epoll_ctl(poll_file, operation, connection->file, &event);
}

static bool serve(struct connection *connection, uint32_t events) {
    bool full = false;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !buffer_receive(&connection->in, connection->file, &full))
        return false;
    // What a download still has to send is made while the socket takes it.
    for (int turn = 0; turn < 4; turn++) {
        if (!answer(connection)) return false;
        if (!buffer_send(&connection->out, connection->file)) return false;
        if (buffer_count(&connection->out) || !connection->streams) break;
    }
    bool sending = buffer_count(&connection->out) > 0;
    for (struct stream *stream = connection->streams; stream && !sending; stream = stream->next)
        sending = stream->method == DOWNLOAD;
    bool reading = buffer_count(&connection->out) < OUTPUT_MAX;
    watch(connection, (reading ? EPOLLIN : 0u) | (sending ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
    return true;
}

static void hang_up(struct connection *connection) {
    close(connection->file);
    while (connection->streams) stream_close(connection, connection->streams);
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
}

static void welcome(int listener) {
    int file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (file < 0) return;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) abort();
    connection->file = file;
    watch(connection, EPOLLIN, EPOLL_CTL_ADD);
}

int main(int argc, char **argv) {
    struct load_server_options options;
    load_parse_server(argc, argv, &options);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    socklen_t size = sizeof address;
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1 ||
        bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("cannot listen");
        return 1;
    }
    poll_file = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_file, EPOLL_CTL_ADD, listener, &event);
    load_say_listening(ntohs(address.sin_port));
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(poll_file, events, 256, -1);
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (!connection) welcome(listener);
            else if (!serve(connection, events[index].events)) hang_up(connection);
        }
    }
}
