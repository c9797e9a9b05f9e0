// SPDX-License-Identifier: Apache-2.0

// The load client of the physical limit: one thread and one epoll for all connections, one write for all the calls that a read
// made room for.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "../shared/load.h"
#include "frames.h"

// Calls in flight on one connection differ in their ids by less than that.
enum { OUTPUT_MAX = 1 << 20, SLOTS = 1 << 12 };

// One of the calls, or streams, in flight.
struct worker {
    int index;
    uint64_t turn, begun;
    uint32_t id, sent, received;
    bool waiting, sending;
    struct connection *connection;
};

struct connection {
    int file;
    uint32_t interest;
    bool greeted, named;
    uint32_t last_id;
    struct buffer in, out;
    struct worker *workers[SLOTS]; // by stream id
};

static struct load_options options;
static struct load_meter *meter;
static struct worker *workers;
static uint8_t *request;
static size_t request_bytes;
static uint32_t stream_messages;
static int poll_file, running;

static void fail(const char *text) {
    perror(text);
    exit(1);
}

// Encodes the request of the scenario.
static void prepare(void) {
    request = malloc(options.payload + 32);
    if (!request) abort();
    if (options.scenario == LOAD_PI) {
        request[request_bytes++] = 0x08;
        request_bytes += varint_append(request + request_bytes, options.rounds);
        return;
    }
    if (options.payload) {
        request[request_bytes++] = 0x0a;
        request_bytes += varint_append(request + request_bytes, options.payload);
        memset(request + request_bytes, 7, options.payload);
        request_bytes += options.payload;
    }
    if (options.scenario == LOAD_DOWNLOAD) {
        request[request_bytes++] = 0x10;
        request_bytes += varint_append(request + request_bytes, stream_messages);
    }
}

static struct worker **slot(struct connection *connection, uint32_t id) {
    return &connection->workers[id % SLOTS];
}

static void call(struct worker *worker) {
    static const char *const names[] = {"Unary", "Download", "Upload", "Converse", "Pi"};
    struct connection *connection = worker->connection;
    char name[64];
    size_t named = 0;
    if (!connection->named)
        named = 1 + (size_t)snprintf(name, sizeof name, "ravioli.benchmark.v1.Load/%s", names[options.scenario]);
    bool streams = options.scenario == LOAD_UPLOAD || options.scenario == LOAD_CONVERSE;
    size_t count = streams ? 0 : request_bytes;
    worker->id = ++connection->last_id;
    worker->sent = worker->received = 0;
    worker->sending = streams;
    struct worker **place = slot(connection, worker->id);
    if (*place) fail("too many calls in flight on a connection");
    *place = worker;
    uint8_t flags = (uint8_t)((streams ? 0 : FLAG_LAST | FLAG_MESSAGE) | (named ? FLAG_NAME : 0));
    uint8_t *payload = frame_append(&connection->out, (uint32_t)(8 + named + count), worker->id, KIND_CALL, flags);
    bool unlimited = options.scenario != LOAD_UNARY && options.scenario != LOAD_PI;
    write_32(payload, unlimited ? 0xffffffff : 15000000);
    memcpy(payload + 4, "\0\0\2\0", 4);
    if (named) {
        payload[8] = (uint8_t)(named - 1);
        memcpy(payload + 9, name, named - 1);
        connection->named = true;
    }
    if (count) memcpy(payload + 8 + named, request, count);
}

// Begins the worker's next call, or leaves it waiting for its time, or ends it.
static void next(struct worker *worker) {
    worker->waiting = false;
    if (!worker->begun && !load_more(meter)) {
        running--;
        return;
    }
    uint64_t now = load_now();
    if (options.rate > 0) {
        uint64_t due = load_due(meter, worker->index, worker->turn);
        if (due > meter->window_end) {
            running--;
            return;
        }
        worker->begun = due;
        worker->waiting = due > now;
        if (worker->waiting) return;
        worker->turn++;
    } else {
        worker->begun = now;
    }
    call(worker);
}

// Makes what a stream of requests still has to send, as long as there is room.
static void pump(struct connection *connection) {
    for (int index = 0; index < options.in_flight; index++) {
        struct worker *worker = &workers[index];
        if (worker->connection != connection || !worker->sending) continue;
        while (worker->sent < stream_messages && buffer_count(&connection->out) < OUTPUT_MAX) {
            bool last = worker->sent + 1 == stream_messages;
            uint8_t flags = (uint8_t)(FLAG_MESSAGE | FLAG_COUNTED | (last ? FLAG_LAST : 0));
            uint8_t *payload = frame_append(&connection->out, (uint32_t)request_bytes, worker->id, KIND_DATA, flags);
            if (request_bytes) memcpy(payload, request, request_bytes);
            worker->sent++;
            if (options.scenario == LOAD_UPLOAD) load_message(meter, 1);
        }
        worker->sending = worker->sent < stream_messages;
    }
}

static bool is_right(const struct worker *worker, const struct frame *frame) {
    if (frame->kind != KIND_END) return false;
    if (frame->count < 2 || frame->payload[0]) return false;
    const uint8_t *message = frame->payload + 2;
    size_t count = frame->count - 2;
    struct message answer;
    switch (options.scenario) {
    case LOAD_UNARY: return message_read(message, count, &answer) && answer.payload_bytes == options.payload;
    case LOAD_UPLOAD: return message_read(message, count, &answer) && answer.number == stream_messages;
    case LOAD_PI: {
        double pi = 0;
        if (count == 9) memcpy(&pi, message + 1, 8);
        return fabs(pi - M_PI) < 1e-3;
    }
    default: return worker->received == stream_messages;
    }
}

static void answered(struct connection *connection, const struct frame *frame) {
    struct worker *worker = *slot(connection, frame->stream);
    if (!worker || worker->id != frame->stream) return;
    if (frame->kind == KIND_DATA) {
        struct message answer;
        if (!message_read(frame->payload, frame->count, &answer) || answer.payload_bytes != options.payload)
            return load_failed(meter, "a wrong message");
        worker->received++;
        return load_message(meter, 1);
    }
    *slot(connection, frame->stream) = NULL;
    if (!is_right(worker, frame)) load_failed(meter, "a wrong answer");
    else if (options.scenario == LOAD_UNARY || options.scenario == LOAD_PI) load_done(meter, worker->begun, false);
    worker->begun = 0;
    next(worker);
}

static void watch(struct connection *connection, uint32_t interest, int operation) {
    if (operation == EPOLL_CTL_MOD && connection->interest == interest) return;
    connection->interest = interest;
    struct epoll_event event = {.events = interest, .data.ptr = connection};
    epoll_ctl(poll_file, operation, connection->file, &event);
}

static void flush(struct connection *connection) {
    if (!connection->greeted) return;
    bool streams = options.scenario == LOAD_UPLOAD || options.scenario == LOAD_CONVERSE;
    for (int turn = 0; turn < 4; turn++) {
        if (streams) pump(connection);
        if (!buffer_count(&connection->out)) break;
        if (!buffer_send(&connection->out, connection->file)) fail("the connection is lost");
        if (buffer_count(&connection->out) || !streams) break;
    }
    bool sending = buffer_count(&connection->out) > 0;
    watch(connection, EPOLLIN | (sending ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
}

static void serve(struct connection *connection, uint32_t events) {
    bool full = false;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !buffer_receive(&connection->in, connection->file, &full))
        fail("the connection is lost");
    struct frame frame;
    while (frame_next(&connection->in, &frame)) {
        if (frame.kind == KIND_HELLO) connection->greeted = true;
        else if (frame.kind == KIND_DATA || frame.kind == KIND_END) answered(connection, &frame);
        else if (frame.kind == KIND_GOAWAY) fail("the server leaves");
    }
    flush(connection);
}

static struct connection *open_connection(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) fail("not an address");
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) abort();
    connection->file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection->file, (struct sockaddr *)&address, sizeof address)) fail("cannot connect");
    setsockopt(connection->file, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    fcntl(connection->file, F_SETFL, O_NONBLOCK);
    hello_append(&connection->out);
    if (!buffer_send(&connection->out, connection->file)) fail("cannot greet");
    watch(connection, EPOLLIN, EPOLL_CTL_ADD);
    return connection;
}

// When the first of the waiting workers is due; in nanoseconds from now, or -1.
static int64_t begin_due_workers(void) {
    uint64_t first = UINT64_MAX, now = load_now();
    for (int index = 0; index < options.in_flight; index++) {
        struct worker *worker = &workers[index];
        if (!worker->waiting) continue;
        if (worker->begun > now) {
            if (worker->begun < first) first = worker->begun;
            continue;
        }
        worker->waiting = false;
        worker->turn++;
        call(worker);
        flush(worker->connection);
    }
    now = load_now();
    return first == UINT64_MAX ? -1 : first > now ? (int64_t)(first - now) : 0;
}

int main(int argc, char **argv) {
    load_parse_client(argc, argv, &options);
    poll_file = epoll_create1(EPOLL_CLOEXEC);
    struct connection **connections = calloc((size_t)options.connections, sizeof *connections);
    workers = calloc((size_t)options.in_flight, sizeof *workers);
    if (!connections || !workers) abort();
    for (int index = 0; index < options.connections; index++) connections[index] = open_connection();
    meter = load_meter_make(&options);
    stream_messages = load_stream_messages(&options);
    prepare();
    running = options.in_flight;
    for (int index = 0; index < options.in_flight; index++) {
        workers[index] = (struct worker){.index = index, .connection = connections[index % options.connections]};
        next(&workers[index]);
    }
    struct epoll_event events[256];
    while (running > 0) {
        int64_t wait = options.rate > 0 ? begin_due_workers() : -1;
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        int count = epoll_pwait2(poll_file, events, 256, wait < 0 ? NULL : &timeout, NULL);
        for (int index = 0; index < count; index++) serve(events[index].data.ptr, events[index].events);
    }
    return load_report(&meter, 1);
}
