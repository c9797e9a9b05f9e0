// SPDX-License-Identifier: Apache-2.0

// Counts what a process allocates. Loaded ahead of the C library by LD_PRELOAD, it stands in for malloc and its relatives and
// keeps its counts in a file that is mapped into memory, so that another process reads them while this one runs. While
// `records` is set, it also keeps the call stack of each allocation, and how much of what came from it is left. See
// allocations.py, which has the same layout.

#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACKS = 1 << 14, FRAMES = 30, BLOCKS = 1 << 20, PROBES = 64 };

struct stack {
    _Atomic uint64_t hash;
    _Atomic uint64_t count;
    _Atomic uint64_t bytes;
    _Atomic int64_t live_bytes;
    uint64_t depth;
    uint64_t frames[FRAMES];
};

struct counts {
    _Atomic uint64_t allocations;
    _Atomic int64_t live_bytes;
    _Atomic uint64_t records;
    _Atomic uint64_t stacks_lost;
    struct stack stacks[STACKS];
};

// A block of memory from a stack that is recorded.
struct block {
    _Atomic(void *) memory;
    struct stack *stack;
};

static struct block blocks[BLOCKS];
static struct counts unread;
static struct counts *counts = &unread;
static __thread int is_inside;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

__attribute__((constructor)) static void map_counts(void) {
    const char *path = getenv("RAVIOLI_ALLOCATIONS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) counts = mapped;
}

static struct block *first_block(void *memory) { return &blocks[((uintptr_t)memory >> 4) * 2654435761u % BLOCKS]; }

static struct block *next_block(struct block *block) { return block + 1 == blocks + BLOCKS ? blocks : block + 1; }

static void remember(void *memory, size_t bytes, struct stack *stack) {
    struct block *block = first_block(memory);
    for (int probe = 0; probe < PROBES; probe++, block = next_block(block)) {
        void *known = NULL;
        if (!atomic_compare_exchange_strong(&block->memory, &known, memory)) continue;
        block->stack = stack;
        atomic_fetch_add_explicit(&stack->live_bytes, (int64_t)bytes, memory_order_relaxed);
        return;
    }
}

static void forget(void *memory, size_t bytes) {
    struct block *block = first_block(memory);
    for (int probe = 0; probe < PROBES; probe++, block = next_block(block)) {
        if (atomic_load_explicit(&block->memory, memory_order_relaxed) != memory) continue;
        atomic_fetch_sub_explicit(&block->stack->live_bytes, (int64_t)bytes, memory_order_relaxed);
        atomic_store(&block->memory, NULL);
        return;
    }
}

static void record(void *memory, size_t bytes) {
    void *frames[FRAMES + 2];
    int depth = backtrace(frames, FRAMES + 2) - 2;
    if (depth < 0) depth = 0;
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < depth; i++) hash = (hash ^ (uint64_t)(uintptr_t)frames[i + 2]) * 1099511628211u;
    hash |= 1;
    for (int probe = 0; probe < PROBES; probe++) {
        struct stack *stack = &counts->stacks[(hash + (uint64_t)probe) % STACKS];
        uint64_t known = 0;
        if (atomic_compare_exchange_strong(&stack->hash, &known, hash)) {
            for (int i = 0; i < depth; i++) stack->frames[i] = (uint64_t)(uintptr_t)frames[i + 2];
            stack->depth = (uint64_t)depth;
        } else if (known != hash) {
            continue;
        }
        atomic_fetch_add_explicit(&stack->count, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&stack->bytes, bytes, memory_order_relaxed);
        remember(memory, bytes, stack);
        return;
    }
    atomic_fetch_add_explicit(&counts->stacks_lost, 1, memory_order_relaxed);
}

static void *made(void *memory) {
    if (!memory) return memory;
    size_t bytes = malloc_usable_size(memory);
    atomic_fetch_add_explicit(&counts->allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->live_bytes, (int64_t)bytes, memory_order_relaxed);
    if (atomic_load_explicit(&counts->records, memory_order_relaxed) && !is_inside) {
        is_inside = 1;
        record(memory, bytes);
        is_inside = 0;
    }
    return memory;
}

static void unmade(void *memory) {
    if (!memory) return;
    size_t bytes = malloc_usable_size(memory);
    atomic_fetch_sub_explicit(&counts->live_bytes, (int64_t)bytes, memory_order_relaxed);
    if (atomic_load_explicit(&counts->records, memory_order_relaxed)) forget(memory, bytes);
}

void *malloc(size_t size) { return made(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return made(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return made(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return made(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) || !alignment || (alignment & (alignment - 1))) return EINVAL;
    void *got = made(__libc_memalign(alignment, size));
    if (!got) return ENOMEM;
    *memory = got;
    return 0;
}

void *realloc(void *memory, size_t size) {
    size_t before = memory ? malloc_usable_size(memory) : 0;
    if (memory && atomic_load_explicit(&counts->records, memory_order_relaxed)) forget(memory, before);
    void *moved = __libc_realloc(memory, size);
    if (moved || !size) atomic_fetch_sub_explicit(&counts->live_bytes, (int64_t)before, memory_order_relaxed);
    return made(moved);
}

void free(void *memory) {
    unmade(memory);
    __libc_free(memory);
}

// Valgrind before 3.20 writes into the mask that it is given, and that of libdispatch is constant.
int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
