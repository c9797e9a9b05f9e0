// SPDX-License-Identifier: Apache-2.0
// protobuf-c alone, by the C that protoc-c generates: what Ravioli's codec cannot be faster than, as it calls the same
// library between its guard and its Swift values. Messages are read with malloc, since that is what its users have.
#include "codec.h"
#include "ravioli/benchmark/v1/codec.pb-c.h"

struct state {
    const ProtobufCMessageDescriptor *type;
    struct codec_bytes binary;
    ProtobufCMessage *message;
};

static void encode(void *context) {
    struct state *state = context;
    uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(state->message));
    if (!bytes) codec_fail("no memory");
    protobuf_c_message_pack(state->message, bytes);
    codec_keep(bytes);
    free(bytes);
}

static void decode(void *context) {
    struct state *state = context;
    ProtobufCMessage *message = protobuf_c_message_unpack(state->type, NULL, state->binary.count, state->binary.data);
    if (!message) codec_fail("the bytes are refused");
    codec_keep(message);
    protobuf_c_message_free_unpacked(message, NULL);
}

int main(int argc, char **argv) {
    struct codec_options options = codec_parse(argc, argv);
    struct state state = {NULL, options.binary, NULL};
    if (!strcmp(options.message, "order")) state.type = &ravioli__benchmark__v1__order__descriptor;
    if (!strcmp(options.message, "sample")) state.type = &ravioli__benchmark__v1__sample__descriptor;
    if (!state.type) codec_fail("--message is order or sample");
    state.message = protobuf_c_message_unpack(state.type, NULL, options.binary.count, options.binary.data);
    if (!state.message) codec_fail("the bytes are refused");
    if (!strcmp(options.work, "encode")) codec_measure(&options, encode, &state);
    else if (!strcmp(options.work, "decode")) codec_measure(&options, decode, &state);
    else codec_fail("--work is encode or decode");
    return 0;
}
