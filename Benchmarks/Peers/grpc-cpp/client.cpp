// SPDX-License-Identifier: Apache-2.0

// The load client on gRPC C++: the callback API, a subchannel pool of its own for each connection.

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "load.hpp"
#include "ravioli/benchmark/v1/load.grpc.pb.h"

using namespace ravioli::benchmark::v1;

namespace {

load_options options;
std::unique_ptr<load::Meters> meters;
std::unique_ptr<load::Countdown> countdown;
std::vector<std::unique_ptr<Load::Stub>> stubs;
std::string payload;
uint32_t stream_messages;

// One of the calls in flight; makes the next one when one has ended.
class Caller {
public:
    explicit Caller(int index)
        : index(index), meter((*meters)[index]), stub(*stubs[static_cast<size_t>(index % options.connections)]) {
        request.set_payload(payload);
        series.set_rounds(options.rounds);
    }

    void next() {
        if (!load_more(meter)) return countdown->ended();
        begun = load_now();
        if (options.rate <= 0) return call();
        uint64_t due = load_due(meter, index, turn++);
        if (due > meter->window_end) return countdown->ended();
        uint64_t now = begun;
        begun = due;
        if (due <= now) return call();
        alarm = std::make_unique<grpc::Alarm>();
        alarm->Set(std::chrono::system_clock::now() + std::chrono::nanoseconds(due - now), [this](bool) { call(); });
    }

private:
    void call() {
        context = std::make_unique<grpc::ClientContext>();
        if (options.scenario == LOAD_PI)
            return stub.async()->Pi(
                context.get(), &series, &pi, [this](grpc::Status status) { ended(status, std::abs(pi.pi() - M_PI) < 1e-3); });
        slow = load_is_slow(meter);
        request.set_delay_microseconds(slow ? options.delay_us : 0);
        stub.async()->Unary(context.get(), &request, &response, [this](grpc::Status status) {
            ended(status, response.payload().size() == options.payload);
        });
    }

    void ended(const grpc::Status &status, bool right) {
        if (status.ok() && right) load_done(meter, begun, slow);
        else load_failed(meter, status.ok() ? "a wrong answer" : status.error_message().c_str());
        next();
    }

    int index;
    load_meter *meter;
    Load::Stub &stub;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::Alarm> alarm;
    LoadRequest request;
    LoadResponse response;
    PiRequest series;
    PiResponse pi;
    uint64_t begun = 0, turn = 0;
    bool slow = false;
};

// What the three kinds of streams have in common: a worker opens one after the other.
void open_stream(int index);

void stream_ended(int index, const grpc::Status &status, uint32_t count) {
    if (!status.ok()) load_failed((*meters)[index], status.error_message().c_str());
    else if (count != stream_messages) load_failed((*meters)[index], "a wrong number of messages");
    open_stream(index);
}

Load::Stub &stub_of(int index) { return *stubs[static_cast<size_t>(index % options.connections)]; }

class Download final : public grpc::ClientReadReactor<LoadResponse> {
public:
    explicit Download(int index) : index(index) {
        request.set_payload(payload);
        request.set_messages(stream_messages);
        stub_of(index).async()->Download(&context, &request, this);
        StartRead(&response);
        StartCall();
    }
    void OnReadDone(bool ok) override {
        if (!ok) return;
        if (response.payload().size() == options.payload) count++;
        load_message((*meters)[index], 1);
        StartRead(&response);
    }
    void OnDone(const grpc::Status &status) override {
        stream_ended(index, status, count);
        delete this;
    }

private:
    int index;
    grpc::ClientContext context;
    LoadRequest request;
    LoadResponse response;
    uint32_t count = 0;
};

class Upload final : public grpc::ClientWriteReactor<LoadRequest> {
public:
    explicit Upload(int index) : index(index) {
        request.set_payload(payload);
        stub_of(index).async()->Upload(&context, &response, this);
        write();
        StartCall();
    }
    void OnWriteDone(bool ok) override {
        if (!ok) return;
        load_message((*meters)[index], 1);
        if (++count < stream_messages) write();
    }
    void OnDone(const grpc::Status &status) override {
        stream_ended(index, status, response.messages());
        delete this;
    }

private:
    void write() {
        grpc::WriteOptions write;
        bool last = count + 1 == stream_messages;
        if (!last) write.set_buffer_hint();
        if (last) StartWriteLast(&request, write);
        else StartWrite(&request, write);
    }
    int index;
    grpc::ClientContext context;
    LoadRequest request;
    LoadResponse response;
    uint32_t count = 0;
};

class Converse final : public grpc::ClientBidiReactor<LoadRequest, LoadResponse> {
public:
    explicit Converse(int index) : index(index) {
        request.set_payload(payload);
        stub_of(index).async()->Converse(&context, this);
        StartRead(&response);
        StartWrite(&request);
        StartCall();
    }
    void OnWriteDone(bool ok) override {
        if (!ok) return;
        if (++sent < stream_messages) StartWrite(&request);
        else StartWritesDone();
    }
    void OnReadDone(bool ok) override {
        if (!ok) return;
        if (response.payload().size() == options.payload) count++;
        load_message((*meters)[index], 1);
        StartRead(&response);
    }
    void OnDone(const grpc::Status &status) override {
        stream_ended(index, status, count);
        delete this;
    }

private:
    int index;
    grpc::ClientContext context;
    LoadRequest request;
    LoadResponse response;
    uint32_t sent = 0, count = 0;
};

void open_stream(int index) {
    if (!load_more((*meters)[index])) return countdown->ended();
    switch (options.scenario) {
    case LOAD_DOWNLOAD: new Download(index); break;
    case LOAD_UPLOAD: new Upload(index); break;
    default: new Converse(index);
    }
}

} // namespace

int main(int argc, char **argv) {
    load_parse_client(argc, argv, &options);
    payload.assign(options.payload, 7);
    stream_messages = load_stream_messages(&options);
    std::string address = std::string(options.host) + ":" + std::to_string(options.port);
    for (int index = 0; index < options.connections; index++) {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        arguments.SetMaxReceiveMessageSize(64 << 20);
        auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
        if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
            fprintf(stderr, "cannot connect\n");
            return 1;
        }
        stubs.push_back(Load::NewStub(channel));
    }
    meters = std::make_unique<load::Meters>(options, options.in_flight);
    countdown = std::make_unique<load::Countdown>(options.in_flight);
    std::vector<std::unique_ptr<Caller>> callers;
    for (int index = 0; index < options.in_flight; index++) {
        if (options.scenario == LOAD_UNARY || options.scenario == LOAD_PI) {
            callers.push_back(std::make_unique<Caller>(index));
            callers.back()->next();
        } else {
            open_stream(index);
        }
    }
    countdown->wait();
    int code = meters->report();
    fflush(stdout);
    _exit(code);
}
