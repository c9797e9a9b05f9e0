// SPDX-License-Identifier: Apache-2.0

#define _DEFAULT_SOURCE
#include "load.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t first_start;
static _Atomic int64_t issued;
static _Atomic int failures_shown;

static void refuse(const char *what) {
    fprintf(stderr, "wrong argument: %s\n", what);
    exit(2);
}

static void parse_address(const char *text, char *host, size_t host_size, int *port) {
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= host_size) refuse(text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    *port = atoi(colon + 1);
}

static enum load_scenario parse_scenario(const char *text) {
    static const char *const names[] = {"unary", "server-stream", "client-stream", "bidi", "pi"};
    for (int index = 0; index < 5; index++)
        if (!strcmp(text, names[index])) return (enum load_scenario)index;
    refuse(text);
    return LOAD_UNARY;
}

void load_parse_client(int argc, char **argv, struct load_options *options) {
    *options = (struct load_options){.payload = 64, .in_flight = 1, .connections = 1, .seconds = 1, .warm_up = 0.5,
                                     .delay_us = 5000, .rounds = 100000};
    for (int index = 1; index < argc; index += 2) {
        const char *name = argv[index], *value = index + 1 < argc ? argv[index + 1] : NULL;
        if (!value) refuse(name);
        else if (!strcmp(name, "--connect")) parse_address(value, options->host, sizeof options->host, &options->port);
        else if (!strcmp(name, "--scenario")) options->scenario = parse_scenario(value);
        else if (!strcmp(name, "--payload")) options->payload = (uint32_t)atol(value);
        else if (!strcmp(name, "--in-flight")) options->in_flight = atoi(value);
        else if (!strcmp(name, "--connections")) options->connections = atoi(value);
        else if (!strcmp(name, "--seconds")) options->seconds = atof(value);
        else if (!strcmp(name, "--warm-up")) options->warm_up = atof(value);
        else if (!strcmp(name, "--rate")) options->rate = atof(value);
        else if (!strcmp(name, "--calls")) options->calls = atoll(value);
        else if (!strcmp(name, "--slow-percent")) options->slow_percent = atof(value);
        else if (!strcmp(name, "--delay-us")) options->delay_us = (uint32_t)atol(value);
        else if (!strcmp(name, "--hold")) options->hold = atof(value);
        else if (!strcmp(name, "--rounds")) options->rounds = (uint32_t)atol(value);
        else refuse(name);
    }
    if (!options->port) refuse("--connect is missing");
    if (options->connections < 1) options->connections = 1;
    if (options->in_flight < options->connections) options->in_flight = options->connections;
    load_allow_files();
}

void load_parse_server(int argc, char **argv, struct load_server_options *options) {
    *options = (struct load_server_options){.host = "127.0.0.1"};
    for (int index = 1; index < argc; index++) {
        if (!strcmp(argv[index], "--listen") && index + 1 < argc)
            parse_address(argv[++index], options->host, sizeof options->host, &options->port);
        else if (!strcmp(argv[index], "--offload")) options->offload = true;
        else refuse(argv[index]);
    }
    load_allow_files();
}

void load_say_listening(int port) {
    printf("listening %d\n", port);
    fflush(stdout);
}

void load_allow_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t load_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct load_meter *load_meter_make(const struct load_options *options) {
    struct load_meter *meter = calloc(1, sizeof *meter);
    if (!meter) abort();
    uint64_t none = 0, now = load_now();
    if (!atomic_compare_exchange_strong(&first_start, &none, now)) now = none;
    meter->options = options;
    meter->start = now;
    meter->window_start = options->calls ? now : now + (uint64_t)(options->warm_up * 1e9);
    meter->window_end = options->calls ? UINT64_MAX : meter->window_start + (uint64_t)(options->seconds * 1e9);
    return meter;
}

bool load_more(struct load_meter *meter) {
    if (meter->options->calls) return atomic_fetch_add(&issued, 1) < meter->options->calls;
    return load_now() < meter->window_end;
}

bool load_is_slow(struct load_meter *meter) {
    if (meter->options->slow_percent <= 0) return false;
    return meter->slow_calls++ % (uint64_t)(100 / meter->options->slow_percent) == 0;
}

uint64_t load_due(const struct load_meter *meter, int worker, uint64_t turn) {
    double calls = (double)worker + (double)turn * meter->options->in_flight;
    return meter->start + (uint64_t)(calls * 1e9 / meter->options->rate);
}

static unsigned bucket_of(uint64_t value) {
    if (value < 64) return (unsigned)value;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
    return ((exponent - 5) << 6) + (unsigned)((value >> (exponent - 6)) & 63);
}

// The middle of a bucket.
static double value_of(unsigned bucket) {
    if (bucket < 64) return bucket;
    unsigned exponent = (bucket >> 6) + 5;
    return (double)((uint64_t)(64 + (bucket & 63)) << (exponent - 6)) * (1 + 1.0 / 256);
}

void load_done(struct load_meter *meter, uint64_t start, bool slow) {
    uint64_t now = load_now();
    meter->total++;
    if (now < meter->window_start || now >= meter->window_end) return;
    meter->calls++;
    meter->bytes += meter->options->payload;
    if (slow) return;
    uint64_t took = now > start ? now - start : 0;
    meter->counts[bucket_of(took)]++;
    meter->sum += took;
    if (took > meter->max) meter->max = took;
}

void load_message(struct load_meter *meter, uint32_t messages) {
    uint64_t now = load_now();
    meter->total += messages;
    if (now < meter->window_start || now >= meter->window_end) return;
    meter->calls += messages;
    meter->bytes += (uint64_t)meter->options->payload * messages;
}

void load_failed(struct load_meter *meter, const char *text) {
    meter->errors++;
    if (atomic_fetch_add(&failures_shown, 1) < 3) fprintf(stderr, "a call failed: %s\n", text);
}

uint32_t load_stream_messages(const struct load_options *options) {
    uint32_t count = (8u << 20) / (options->payload + 64);
    if (count > 10000) count = 10000;
    if (options->calls) return 8;
    return count < 8 ? 8 : count;
}

static double percentile(const uint64_t *counts, double share) {
    uint64_t all = 0, seen = 0;
    for (unsigned index = 0; index < LOAD_BUCKETS; index++) all += counts[index];
    uint64_t wanted = (uint64_t)((double)all * share);
    if (!all) return 0;
    for (unsigned index = 0; index < LOAD_BUCKETS; index++) {
        seen += counts[index];
        if (seen > wanted || seen == all) return value_of(index) / 1000;
    }
    return 0;
}

int load_report(struct load_meter **meters, int count) {
    static struct load_meter all;
    all.options = meters[0]->options;
    uint64_t now = load_now(), in_histogram = 0;
    for (int index = 0; index < count; index++) {
        struct load_meter *one = meters[index];
        all.calls += one->calls;
        all.total += one->total;
        all.errors += one->errors;
        all.bytes += one->bytes;
        all.sum += one->sum;
        if (one->max > all.max) all.max = one->max;
        for (unsigned bucket = 0; bucket < LOAD_BUCKETS; bucket++) {
            all.counts[bucket] += one->counts[bucket];
            in_histogram += one->counts[bucket];
        }
    }
    double seconds = all.options->calls ? (double)(now - meters[0]->start) / 1e9 : all.options->seconds;
    printf("{\"calls\": %" PRIu64 ", \"total_calls\": %" PRIu64 ", \"seconds\": %.6f, \"errors\": %" PRIu64
           ", \"bytes\": %" PRIu64,
           all.calls, all.total, seconds, all.errors, all.bytes);
    if (in_histogram)
        printf(", \"mean_us\": %.2f, \"p50_us\": %.2f, \"p90_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, "
               "\"max_us\": %.2f",
               (double)all.sum / (double)in_histogram / 1000, percentile(all.counts, 0.5), percentile(all.counts, 0.9),
               percentile(all.counts, 0.99), percentile(all.counts, 0.999), (double)all.max / 1000);
    printf("}\n");
    fflush(stdout);
    if (all.options->hold > 0) usleep((useconds_t)(all.options->hold * 1e6));
    return all.errors || !all.total ? 1 : 0;
}

double load_pi(uint32_t rounds) {
    double sign = 1, pi = 1;
    for (uint32_t index = 2; index < rounds + 2; index++) {
        sign = -sign;
        pi += sign / (2.0 * index - 1);
    }
    return pi * 4;
}
