// SPDX-License-Identifier: Apache-2.0

// The load server on Cap'n Proto RPC: one event loop on one thread, as the library is made for.

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "load.capnp.h"
#include "load.h"

using namespace loadcapnp;

namespace {

// Counts what it is sent, and sends it back if there is whom to.
class Requests final : public Sink::Server {
public:
    explicit Requests(kj::Maybe<Sink::Client> answers) : answers(kj::mv(answers)) {}

    kj::Promise<void> send(SendContext context) override {
        count++;
        KJ_IF_MAYBE (client, answers) {
            auto request = client->sendRequest();
            request.setPayload(context.getParams().getPayload());
            return request.send();
        }
        return kj::READY_NOW;
    }

    kj::Promise<void> done(DoneContext context) override {
        context.getResults().setMessages(count);
        KJ_IF_MAYBE (client, answers) {
            return client->doneRequest().send().ignoreResult();
        }
        return kj::READY_NOW;
    }

private:
    kj::Maybe<Sink::Client> answers;
    uint32_t count = 0;
};

class Service final : public Load::Server {
public:
    explicit Service(kj::Timer &timer) : timer(timer) {}

    kj::Promise<void> unary(UnaryContext context) override {
        auto params = context.getParams();
        auto payload = params.getPayload();
        context.getResults(capnp::MessageSize{payload.size() / 8 + 8, 0}).setPayload(payload);
        uint32_t delay = params.getDelayMicroseconds();
        if (delay) return timer.afterDelay(delay * kj::MICROSECONDS);
        return kj::READY_NOW;
    }

    kj::Promise<void> download(DownloadContext context) override {
        auto params = context.getParams();
        auto answers = params.getAnswers();
        return sendAll(context, answers, params.getMessages());
    }

    kj::Promise<void> upload(UploadContext context) override {
        context.getResults().setRequests(kj::heap<Requests>(nullptr));
        return kj::READY_NOW;
    }

    kj::Promise<void> converse(ConverseContext context) override {
        context.getResults().setRequests(kj::heap<Requests>(context.getParams().getAnswers()));
        return kj::READY_NOW;
    }

    kj::Promise<void> pi(PiContext context) override {
        context.getResults().setPi(load_pi(context.getParams().getRounds()));
        return kj::READY_NOW;
    }

private:
    kj::Promise<void> sendAll(DownloadContext context, Sink::Client answers, uint32_t left) {
        if (left == 0) return answers.doneRequest().send().ignoreResult();
        auto request = answers.sendRequest();
        request.setPayload(context.getParams().getPayload());
        return request.send().then([this, context, answers, left]() mutable {
            return sendAll(context, kj::mv(answers), left - 1);
        });
    }

    kj::Timer &timer;
};

class Listener final : public kj::TaskSet::ErrorHandler {
public:
    Listener(kj::ConnectionReceiver &receiver, Load::Client service) : receiver(receiver), service(kj::mv(service)), tasks(*this) {}

    kj::Promise<void> accept() {
        return receiver.accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
            int one = 1;
            stream->setsockopt(IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            auto connection = kj::heap<Connection>(kj::mv(stream), service);
            auto over = connection->network.onDisconnect();
            tasks.add(over.attach(kj::mv(connection)));
            return accept();
        });
    }

    void taskFailed(kj::Exception &&) override {}

private:
    struct Connection {
        kj::Own<kj::AsyncIoStream> stream;
        capnp::TwoPartyVatNetwork network;
        capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;
        Connection(kj::Own<kj::AsyncIoStream> accepted, Load::Client service)
            : stream(kj::mv(accepted)), network(*stream, capnp::rpc::twoparty::Side::SERVER, generous()),
              system(capnp::makeRpcServer(network, kj::mv(service))) {}
    };

    static capnp::ReaderOptions generous() {
        capnp::ReaderOptions options;
        options.traversalLimitInWords = 64 << 20;
        return options;
    }

    kj::ConnectionReceiver &receiver;
    Load::Client service;
    kj::TaskSet tasks;
};

} // namespace

int main(int argc, char **argv) {
    load_server_options options;
    load_parse_server(argc, argv, &options);
    auto io = kj::setupAsyncIo();
    auto address = io.provider->getNetwork().parseAddress(options.host, static_cast<unsigned>(options.port)).wait(io.waitScope);
    auto receiver = address->listen();
    Listener listener(*receiver, kj::heap<Service>(io.provider->getTimer()));
    load_say_listening(static_cast<int>(receiver->getPort()));
    listener.accept().wait(io.waitScope);
}
