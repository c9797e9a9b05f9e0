// SPDX-License-Identifier: Apache-2.0
// What the programs that measure a codec alone share: the arguments, the two files, the clock and the report.
#ifndef RAVIOLI_BENCHMARK_CODEC_H
#define RAVIOLI_BENCHMARK_CODEC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct codec_bytes {
    uint8_t *data;
    size_t count;
};

struct codec_options {
    const char *message; // order or sample
    const char *work;    // encode, decode, to-json or from-json
    struct codec_bytes binary;
    struct codec_bytes json;
    double seconds;
    double warm_up;
    long calls; // 0: for some seconds
};

static inline void codec_fail(const char *text) {
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static inline struct codec_bytes codec_read(const char *path) {
    FILE *file = fopen(path, "rb");
    struct codec_bytes bytes = {(uint8_t *)malloc(1 << 20), 0};
    if (!file || !bytes.data) codec_fail("cannot read a file of the message");
    bytes.count = fread(bytes.data, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static inline struct codec_options codec_parse(int argc, char **argv) {
    struct codec_options options;
    memset(&options, 0, sizeof options);
    options.seconds = 1;
    for (int index = 1; index + 1 < argc; index += 2) {
        const char *name = argv[index], *value = argv[index + 1];
        if (!strcmp(name, "--message")) options.message = value;
        if (!strcmp(name, "--work")) options.work = value;
        if (!strcmp(name, "--binary")) options.binary = codec_read(value);
        if (!strcmp(name, "--json")) options.json = codec_read(value);
        if (!strcmp(name, "--seconds")) options.seconds = atof(value);
        if (!strcmp(name, "--warm-up")) options.warm_up = atof(value);
        if (!strcmp(name, "--calls")) options.calls = atol(value);
    }
    if (!options.message || !options.work || !options.binary.data || !options.json.data)
        codec_fail("--message, --work, --binary and --json are needed");
    return options;
}

static inline double codec_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Keeps the compiler from dropping what was computed.
static inline void codec_keep(const void *value) { __asm__ volatile("" : : "g"(value) : "memory"); }

static inline long codec_spend(double seconds, void (*body)(void *), void *context) {
    double end = codec_clock(CLOCK_MONOTONIC) + seconds;
    long count = 0;
    while (codec_clock(CLOCK_MONOTONIC) < end) {
        for (int index = 0; index < 64; index++) body(context);
        count += 64;
    }
    return count;
}

// Repeats `body` and reports; it ends the program itself when something is wrong.
static inline void codec_measure(const struct codec_options *options, void (*body)(void *), void *context) {
    codec_spend(options->warm_up, body, context);
    double begun = codec_clock(CLOCK_MONOTONIC), used = codec_clock(CLOCK_PROCESS_CPUTIME_ID);
    long count = options->calls;
    if (count)
        for (long index = 0; index < count; index++) body(context);
    else
        count = codec_spend(options->seconds, body, context);
    printf("{\"calls\": %ld, \"seconds\": %.9f, \"cpu_seconds\": %.9f, \"errors\": 0}\n", count,
           codec_clock(CLOCK_MONOTONIC) - begun, codec_clock(CLOCK_PROCESS_CPUTIME_ID) - used);
}

#ifdef __cplusplus
}
#endif

#endif
