// SPDX-License-Identifier: Apache-2.0

// What the load clients and servers written in C and C++ have in common: the command line, the clock, the histogram and the
// line of JSON at the end. Peers/load and Peers/load-swift are the same in Go and Swift.

#ifndef RAVIOLI_BENCHMARKS_LOAD_H
#define RAVIOLI_BENCHMARKS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum load_scenario { LOAD_UNARY, LOAD_DOWNLOAD, LOAD_UPLOAD, LOAD_CONVERSE, LOAD_PI };

struct load_options {
    char host[256];
    int port;
    enum load_scenario scenario;
    uint32_t payload;       // bytes
    int in_flight;          // calls, or streams, at the same time over all connections
    int connections;
    double seconds;         // of the window in which calls count
    double warm_up;         // seconds ahead of it
    double rate;            // calls a second in an open loop; 0 for a closed loop
    int64_t calls;          // this many in all instead of a time, without warm-up; 0 for the time
    double slow_percent;    // of the calls that ask for a delay
    uint32_t delay_us;      // which
    uint32_t rounds;        // of the series for pi
    double hold;            // seconds that the connections stay open and idle after the report
};

// Ends the program with a message when the command line is wrong.
void load_parse_client(int argc, char **argv, struct load_options *options);

struct load_server_options {
    char host[256];
    int port;
    bool offload;           // handlers that wait are going to be called: keep them off the I/O threads
};
void load_parse_server(int argc, char **argv, struct load_server_options *options);

// Tells the harness that calls can come.
void load_say_listening(int port);
// As many files as the system allows this process.
void load_allow_files(void);

// Nanoseconds of the monotonic clock.
uint64_t load_now(void);

// 64 steps an octave: a recorded time is at most 1.6 % off.
#define LOAD_BUCKETS (64 * 59)

// What one thread has seen. Only that thread writes it.
struct load_meter {
    const struct load_options *options;
    uint64_t start, window_start, window_end;
    uint64_t calls, total, errors, bytes, sum, max;
    uint64_t slow_calls;
    uint64_t counts[LOAD_BUCKETS];
};

// A meter whose window is that of all others of this process; the first one starts the clock.
struct load_meter *load_meter_make(const struct load_options *options);
// Whether a further call, or message, is to be made: the time is not over and the calls are not all issued. Counts it.
bool load_more(struct load_meter *meter);
// Which call is slow; each hundredth for 1 %.
bool load_is_slow(struct load_meter *meter);
// When worker `worker` of `in_flight` makes its `turn`-th call in an open loop.
uint64_t load_due(const struct load_meter *meter, int worker, uint64_t turn);
// A call ended well that was begun, or due, at `start`; `messages` of `payload` bytes. Slow calls are not in the histogram.
void load_done(struct load_meter *meter, uint64_t start, bool slow);
// A message of a stream arrived.
void load_message(struct load_meter *meter, uint32_t messages);
void load_failed(struct load_meter *meter, const char *text);
// How many messages a stream carries before it is closed and the next one is opened: enough that opening costs nothing.
uint32_t load_stream_messages(const struct load_options *options);
// Adds up the meters and prints one line of JSON. Returns the exit code.
int load_report(struct load_meter **meters, int count);

double load_pi(uint32_t rounds);

#ifdef __cplusplus
}
#endif

#endif
