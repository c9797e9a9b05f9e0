// SPDX-License-Identifier: Apache-2.0

// The load client on Cap'n Proto RPC: one event loop for all connections.

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cmath>

#include "load.capnp.h"
#include "load.h"

using namespace loadcapnp;

namespace {

load_options options;
load_meter *meter;
kj::Array<kj::byte> payload;
uint32_t stream_messages;
kj::Timer *timer;

struct Connection {
    kj::Own<kj::AsyncIoStream> stream;
    capnp::TwoPartyClient party;
    Load::Client client;
    explicit Connection(kj::Own<kj::AsyncIoStream> opened)
        : stream(kj::mv(opened)), party(*stream), client(party.bootstrap().castAs<Load>()) {}
};

// Ends as soon as the number of answers that was asked for is here.
class Answers final : public Sink::Server {
public:
    kj::Promise<void> send(SendContext context) override {
        if (context.getParams().getPayload().size() == options.payload) count++;
        load_message(meter, 1);
        return kj::READY_NOW;
    }
    kj::Promise<void> done(DoneContext context) override {
        if (count != stream_messages) load_failed(meter, "a wrong number of messages");
        context.getResults().setMessages(count);
        return kj::READY_NOW;
    }

private:
    uint32_t count = 0;
};

class Worker {
public:
    Worker(int index, Load::Client &client) : index(index), client(client) {}

    kj::Promise<void> run() {
        if (!load_more(meter)) return kj::READY_NOW;
        switch (options.scenario) {
        case LOAD_UNARY: return again(paced([this] { return unary(); }));
        case LOAD_PI: return again(paced([this] { return pi(); }));
        case LOAD_DOWNLOAD: return again(download());
        case LOAD_UPLOAD: return again(upload());
        case LOAD_CONVERSE: return again(converse());
        }
        return kj::READY_NOW;
    }

private:
    kj::Promise<void> again(kj::Promise<void> call) {
        return call
            .catch_([](kj::Exception &&error) { load_failed(meter, error.getDescription().cStr()); })
            .then([this] { return over ? kj::Promise<void>(kj::READY_NOW) : run(); });
    }

    template <typename Call> kj::Promise<void> paced(Call &&call) {
        begun = load_now();
        if (options.rate <= 0) return call();
        uint64_t due = load_due(meter, index, turn++), now = begun;
        begun = due;
        if (due > meter->window_end) {
            over = true;
            return kj::READY_NOW;
        }
        if (due <= now) return call();
        return timer->afterDelay((due - now) * kj::NANOSECONDS).then(kj::mv(call));
    }

    kj::Promise<void> unary() {
        bool slow = load_is_slow(meter);
        auto request = client.unaryRequest(capnp::MessageSize{payload.size() / 8 + 8, 0});
        request.setPayload(payload);
        if (slow) request.setDelayMicroseconds(options.delay_us);
        return request.send().then([this, slow](auto &&response) {
            if (response.getPayload().size() == options.payload) load_done(meter, begun, slow);
            else load_failed(meter, "a wrong answer");
        });
    }

    kj::Promise<void> pi() {
        auto request = client.piRequest();
        request.setRounds(options.rounds);
        return request.send().then([this](auto &&response) {
            if (std::abs(response.getPi() - M_PI) < 1e-3) load_done(meter, begun, false);
            else load_failed(meter, "a wrong answer");
        });
    }

    kj::Promise<void> download() {
        auto request = client.downloadRequest();
        request.setPayload(payload);
        request.setMessages(stream_messages);
        request.setAnswers(kj::heap<Answers>());
        return request.send().ignoreResult();
    }

    kj::Promise<void> upload() {
        auto sink = client.uploadRequest().send().getRequests();
        return sendAll(kj::mv(sink), stream_messages, true);
    }

    kj::Promise<void> converse() {
        auto request = client.converseRequest();
        request.setAnswers(kj::heap<Answers>());
        auto sink = request.send().getRequests();
        return sendAll(kj::mv(sink), stream_messages, false);
    }

    kj::Promise<void> sendAll(Sink::Client sink, uint32_t left, bool counts) {
        if (left == 0)
            return sink.doneRequest().send().then([](auto &&response) {
                if (response.getMessages() != stream_messages) load_failed(meter, "a wrong number of messages");
            });
        auto request = sink.sendRequest();
        request.setPayload(payload);
        return request.send().then([this, sink = kj::mv(sink), left, counts]() mutable {
            if (counts) load_message(meter, 1);
            return sendAll(kj::mv(sink), left - 1, counts);
        });
    }

    int index;
    Load::Client &client;
    uint64_t begun = 0, turn = 0;
    bool over = false;
};

} // namespace

int main(int argc, char **argv) {
    load_parse_client(argc, argv, &options);
    payload = kj::heapArray<kj::byte>(options.payload);
    memset(payload.begin(), 7, payload.size());
    stream_messages = load_stream_messages(&options);
    auto io = kj::setupAsyncIo();
    timer = &io.provider->getTimer();
    auto address = io.provider->getNetwork().parseAddress(options.host, static_cast<unsigned>(options.port)).wait(io.waitScope);
    kj::Vector<kj::Own<Connection>> connections;
    for (int index = 0; index < options.connections; index++) {
        auto stream = address->connect().wait(io.waitScope);
        int one = 1;
        stream->setsockopt(IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections.add(kj::heap<Connection>(kj::mv(stream)));
    }
    meter = load_meter_make(&options);
    kj::Vector<kj::Own<Worker>> workers;
    auto runs = kj::heapArrayBuilder<kj::Promise<void>>(static_cast<size_t>(options.in_flight));
    for (int index = 0; index < options.in_flight; index++) {
        auto &connection = connections[static_cast<size_t>(index % options.connections)];
        workers.add(kj::heap<Worker>(index, connection->client));
        runs.add(workers.back()->run());
    }
    kj::joinPromises(runs.finish()).wait(io.waitScope);
    return load_report(&meter, 1);
}
