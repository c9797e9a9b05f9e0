// SPDX-License-Identifier: Apache-2.0

// The load server on gRPC C++: the callback API, as its performance guide advises over the synchronous one, on its own threads.

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string>

#include "load.h"
#include "ravioli/benchmark/v1/load.grpc.pb.h"

using namespace ravioli::benchmark::v1;

namespace {

class Download final : public grpc::ServerWriteReactor<LoadResponse> {
public:
    explicit Download(const LoadRequest &request) : left(request.messages()) {
        response.set_payload(request.payload());
        next();
    }
    void OnWriteDone(bool ok) override { ok ? next() : Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }

private:
    void next() {
        if (left-- == 0) return Finish(grpc::Status::OK);
        StartWrite(&response);
    }
    LoadResponse response;
    uint32_t left;
};

class Upload final : public grpc::ServerReadReactor<LoadRequest> {
public:
    explicit Upload(LoadResponse *response) : response(response) { StartRead(&request); }
    void OnReadDone(bool ok) override {
        if (!ok) {
            response->set_messages(count);
            return Finish(grpc::Status::OK);
        }
        count++;
        StartRead(&request);
    }
    void OnDone() override { delete this; }

private:
    LoadRequest request;
    LoadResponse *response;
    uint32_t count = 0;
};

class Converse final : public grpc::ServerBidiReactor<LoadRequest, LoadResponse> {
public:
    Converse() { StartRead(&request); }
    void OnReadDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::OK);
        response.set_payload(request.payload());
        StartWrite(&response);
    }
    void OnWriteDone(bool ok) override { ok ? StartRead(&request) : Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }

private:
    LoadRequest request;
    LoadResponse response;
};

// Ends a call when its delay is over.
struct Delay {
    grpc::Alarm alarm;
    void finish(grpc::ServerUnaryReactor *reactor, uint32_t microseconds) {
        alarm.Set(std::chrono::system_clock::now() + std::chrono::microseconds(microseconds), [this, reactor](bool) {
            reactor->Finish(grpc::Status::OK);
            delete this;
        });
    }
};

class Service final : public Load::CallbackService {
    grpc::ServerUnaryReactor *Unary(
        grpc::CallbackServerContext *context, const LoadRequest *request, LoadResponse *response
    ) override {
        response->set_payload(request->payload());
        auto *reactor = context->DefaultReactor();
        if (request->delay_microseconds()) (new Delay)->finish(reactor, request->delay_microseconds());
        else reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerWriteReactor<LoadResponse> *Download(
        grpc::CallbackServerContext *, const LoadRequest *request
    ) override {
        return new ::Download(*request);
    }
    grpc::ServerReadReactor<LoadRequest> *Upload(grpc::CallbackServerContext *, LoadResponse *response) override {
        return new ::Upload(response);
    }
    grpc::ServerBidiReactor<LoadRequest, LoadResponse> *Converse(grpc::CallbackServerContext *) override {
        return new ::Converse;
    }
    grpc::ServerUnaryReactor *Pi(
        grpc::CallbackServerContext *context, const PiRequest *request, PiResponse *response
    ) override {
        response->set_pi(load_pi(request->rounds()));
        auto *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

} // namespace

int main(int argc, char **argv) {
    load_server_options options;
    load_parse_server(argc, argv, &options);
    Service service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(
        std::string(options.host) + ":" + std::to_string(options.port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(64 << 20);
    auto server = builder.BuildAndStart();
    if (!server || !port) return 1;
    load_say_listening(port);
    server->Wait();
}
