// SPDX-License-Identifier: Apache-2.0

// The load server on Thrift: the non-blocking server, whose I/O threads, one a processor, run the handlers themselves; with
// --offload a pool does, as its documentation advises for handlers that wait. The compact protocol is measured, since it is
// the smaller one on the wire.

#include <thrift/concurrency/ThreadFactory.h>
#include <thrift/concurrency/ThreadManager.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/server/TNonblockingServer.h>
#include <thrift/transport/TNonblockingServerSocket.h>

#include <chrono>
#include <thread>

#include "Load.h"
#include "load.h"

using namespace apache::thrift;

namespace {

class Handler final : public loadthrift::LoadIf {
    void unary(loadthrift::LoadResponse &response, const loadthrift::LoadRequest &request) override {
        if (request.delay_microseconds > 0)
            std::this_thread::sleep_for(std::chrono::microseconds(request.delay_microseconds));
        response.payload = request.payload;
    }
    double pi(int32_t rounds) override { return load_pi(static_cast<uint32_t>(rounds)); }
};

// Tells the port once it is known.
class Announcement final : public server::TServerEventHandler {
public:
    explicit Announcement(std::shared_ptr<transport::TNonblockingServerSocket> socket) : socket(std::move(socket)) {}
    void preServe() override { load_say_listening(socket->getListenPort()); }

private:
    std::shared_ptr<transport::TNonblockingServerSocket> socket;
};

} // namespace

int main(int argc, char **argv) {
    load_server_options options;
    load_parse_server(argc, argv, &options);
    GlobalOutput.setOutputFunction([](const char *) {});
    auto socket = std::make_shared<transport::TNonblockingServerSocket>(options.host, options.port);
    auto processor = std::make_shared<loadthrift::LoadProcessor>(std::make_shared<Handler>());
    auto protocol = std::make_shared<protocol::TCompactProtocolFactory>();
    std::shared_ptr<concurrency::ThreadManager> pool;
    if (options.offload) {
        pool = concurrency::ThreadManager::newSimpleThreadManager(64);
        pool->threadFactory(std::make_shared<concurrency::ThreadFactory>());
        pool->start();
    }
    server::TNonblockingServer server(processor, protocol, socket, pool);
    server.setNumIOThreads(std::max(1u, std::thread::hardware_concurrency()));
    server.setMaxFrameSize(64 << 20);
    server.setServerEventHandler(std::make_shared<Announcement>(socket));
    server.serve();
}
