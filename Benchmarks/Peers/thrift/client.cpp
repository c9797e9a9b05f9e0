// SPDX-License-Identifier: Apache-2.0

// The load client on Thrift: a thread per connection. Calls in flight are pipelined: the generated client's halves, send and
// recv, run ahead of each other by as many calls as are to be in flight. The server answers a connection's calls in order.

#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>

#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "Load.h"
#include "load.hpp"

using namespace apache::thrift;

namespace {

load_options options;

class Connection {
public:
    explicit Connection(int index, load_meter *meter) : index(index), meter(meter) {
        auto socket = std::make_shared<transport::TSocket>(options.host, options.port);
        socket->setNoDelay(true);
        auto framed = std::make_shared<transport::TFramedTransport>(socket);
        client = std::make_unique<loadthrift::LoadClient>(std::make_shared<protocol::TCompactProtocol>(framed));
        request.payload.assign(options.payload, 7);
        socket->open();
    }

    void run() {
        int depth = options.in_flight / options.connections;
        try {
            bool more = true;
            while (more || !begun.empty()) {
                while (more && static_cast<int>(begun.size()) < depth && is_due()) more = send();
                if (!begun.empty()) receive();
                else if (more) std::this_thread::sleep_for(std::chrono::nanoseconds(due() - std::min(due(), load_now())));
            }
        } catch (const TException &error) {
            load_failed(meter, error.what());
        }
    }

private:
    struct Begun {
        uint64_t time;
        bool slow;
    };

    // This connection's share of the calls of an open loop.
    uint64_t due() const {
        return load_due(meter, 0, 0) +
            static_cast<uint64_t>((static_cast<double>(turn) * options.connections + index) * 1e9 / options.rate);
    }
    // A call that is not due waits, but not while an answer could be read.
    bool is_due() const { return options.rate <= 0 || begun.empty() || due() <= load_now(); }

    bool send() {
        if (!load_more(meter)) return false;
        uint64_t time = load_now();
        if (options.rate > 0) {
            uint64_t wanted = due();
            if (wanted > meter->window_end) return false;
            if (wanted > time) std::this_thread::sleep_for(std::chrono::nanoseconds(wanted - time));
            time = wanted;
            turn++;
        }
        bool slow = load_is_slow(meter);
        request.delay_microseconds = slow ? static_cast<int32_t>(options.delay_us) : 0;
        if (options.scenario == LOAD_PI) client->send_pi(static_cast<int32_t>(options.rounds));
        else client->send_unary(request);
        begun.push_back({time, slow});
        return true;
    }

    void receive() {
        bool right;
        if (options.scenario == LOAD_PI) {
            right = std::abs(client->recv_pi() - M_PI) < 1e-3;
        } else {
            client->recv_unary(response);
            right = response.payload.size() == options.payload;
        }
        if (right) load_done(meter, begun.front().time, begun.front().slow);
        else load_failed(meter, "a wrong answer");
        begun.pop_front();
    }

    int index;
    load_meter *meter;
    std::unique_ptr<loadthrift::LoadClient> client;
    loadthrift::LoadRequest request;
    loadthrift::LoadResponse response;
    std::deque<Begun> begun;
    uint64_t turn = 0;
};

} // namespace

int main(int argc, char **argv) {
    load_parse_client(argc, argv, &options);
    if (options.scenario != LOAD_UNARY && options.scenario != LOAD_PI) {
        fprintf(stderr, "Thrift has no streams\n");
        return 2;
    }
    load::Meters meters(options, options.connections);
    std::vector<std::unique_ptr<Connection>> connections;
    for (int index = 0; index < options.connections; index++)
        connections.push_back(std::make_unique<Connection>(index, meters[index]));
    std::vector<std::thread> threads;
    for (auto &connection : connections) threads.emplace_back([&connection] { connection->run(); });
    for (auto &thread : threads) thread.join();
    return meters.report();
}
