// SPDX-License-Identifier: Apache-2.0

// The workers of the load clients written in C++ whose calls end in callbacks.

#ifndef RAVIOLI_BENCHMARKS_LOAD_HPP
#define RAVIOLI_BENCHMARKS_LOAD_HPP

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "load.h"

namespace load {

// One meter for each of the calls in flight: callbacks of one call never run at the same time, those of several may.
class Meters {
public:
    Meters(const load_options &options, int count) {
        for (int index = 0; index < count; index++) meters.push_back(load_meter_make(&options));
    }
    load_meter *operator[](int index) { return meters[static_cast<size_t>(index)]; }
    int report() { return load_report(meters.data(), static_cast<int>(meters.size())); }

private:
    std::vector<load_meter *> meters;
};

// Waits until a number of workers have nothing left to do.
class Countdown {
public:
    explicit Countdown(int count) : left(count) {}
    void ended() {
        std::lock_guard<std::mutex> guard(lock);
        if (--left == 0) changed.notify_all();
    }
    void wait() {
        std::unique_lock<std::mutex> guard(lock);
        changed.wait(guard, [this] { return left == 0; });
    }

private:
    std::mutex lock;
    std::condition_variable changed;
    int left;
};

} // namespace load

#endif
