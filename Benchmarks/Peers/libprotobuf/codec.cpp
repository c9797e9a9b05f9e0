// SPDX-License-Identifier: Apache-2.0
// libprotobuf C++ alone. Every message read is a new one, every text or encoding a new string. With --arena on, messages are
// read into an arena that is reset, as its performance guide advises; then nobody owns them on their own.
#include <google/protobuf/arena.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "codec.h"
#include "ravioli/benchmark/v1/codec.pb.h"

using google::protobuf::Arena;
namespace util = google::protobuf::util;

template <typename Message> struct State {
    codec_bytes binary;
    std::string json;
    Message message;
    Arena *arena;

    void parse(Message &into) const {
        if (!into.ParseFromArray(binary.data, static_cast<int>(binary.count))) codec_fail("the bytes are refused");
    }
    void parseJSON(Message &into) const {
        if (!util::JsonStringToMessage(json, &into).ok()) codec_fail("the JSON is refused");
    }
};

template <typename Message> void encode(void *context) {
    std::string bytes;
    if (!static_cast<State<Message> *>(context)->message.SerializeToString(&bytes)) codec_fail("not encoded");
    codec_keep(bytes.data());
}

template <typename Message, void (State<Message>::*parse)(Message &) const> void decode(void *context) {
    auto *state = static_cast<State<Message> *>(context);
    if (state->arena) {
        auto *message = Arena::CreateMessage<Message>(state->arena);
        (state->*parse)(*message);
        codec_keep(message);
        state->arena->Reset();
        return;
    }
    Message message;
    (state->*parse)(message);
    codec_keep(&message);
}

template <typename Message> void toJSON(void *context) {
    std::string text;
    if (!util::MessageToJsonString(static_cast<State<Message> *>(context)->message, &text).ok()) codec_fail("not printed");
    codec_keep(text.data());
}

template <typename Message> void run(const codec_options &options, bool usesArena) {
    static char block[16 << 10];
    google::protobuf::ArenaOptions arenaOptions;
    arenaOptions.initial_block = block;
    arenaOptions.initial_block_size = sizeof block;
    Arena arena(arenaOptions);
    State<Message> state;
    state.binary = options.binary;
    state.json.assign(reinterpret_cast<char *>(options.json.data), options.json.count);
    state.arena = usesArena ? &arena : nullptr;
    state.parse(state.message);
    Message same;
    state.parseJSON(same);
    if (!util::MessageDifferencer::Equals(state.message, same)) codec_fail("the files differ");
    const std::string work = options.work;
    if (work == "encode") codec_measure(&options, encode<Message>, &state);
    else if (work == "decode") codec_measure(&options, decode<Message, &State<Message>::parse>, &state);
    else if (work == "to-json") codec_measure(&options, toJSON<Message>, &state);
    else if (work == "from-json") codec_measure(&options, decode<Message, &State<Message>::parseJSON>, &state);
    else codec_fail("--work is encode, decode, to-json or from-json");
}

int main(int argc, char **argv) {
    const codec_options options = codec_parse(argc, argv);
    bool usesArena = false;
    for (int index = 1; index + 1 < argc; index += 2)
        if (!strcmp(argv[index], "--arena")) usesArena = !strcmp(argv[index + 1], "on");
    const std::string message = options.message;
    if (message == "order") run<ravioli::benchmark::v1::Order>(options, usesArena);
    else if (message == "sample") run<ravioli::benchmark::v1::Sample>(options, usesArena);
    else codec_fail("--message is order or sample");
}
