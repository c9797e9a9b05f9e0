#!/usr/bin/env bash
# Builds the peers written in C and C++: build-c.sh FOLDER [PEER…] puts their programs into it. One compiler at a time: gRPC's
# headers take a gigabyte each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=$(realpath "$1")
shift
peers=("${@:-raw grpc-cpp capnp thrift libprotobuf protobuf-c}")
protos=$(realpath ../../Protos)
objects=$build/c
mkdir -p "$objects"
c=(gcc -std=gnu11 -O3 -Wall -Wextra)
cxx=(g++ -std=c++17 -O3 -Wall -I shared)

build_raw() {
    "${c[@]}" -o "$build/raw-server" raw/server.c "$objects/load.o"
    "${c[@]}" -o "$build/raw-client" raw/client.c "$objects/load.o" -lm
}

build_grpc_cpp() {
    local out=$objects/grpc-cpp schema=ravioli/benchmark/v1/load
    local name
    mkdir -p "$out"
    protoc -I "$protos" --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" \
        --cpp_out="$out" --grpc_out="$out" "$schema.proto"
    for name in load.pb load.grpc.pb; do
        "${cxx[@]}" -I "$out" -c -o "$out/$name.o" "$out/${schema%/*}/$name.cc"
    done
    for name in server client; do
        "${cxx[@]}" -I "$out" -o "$build/grpc-cpp-$name" "grpc-cpp/$name.cpp" "$out"/load{,.grpc}.pb.o "$objects/load.o" \
            -lgrpc++ -lgrpc -lgpr -labsl_synchronization -lprotobuf -lpthread
    done
}

build_capnp() {
    local out=$objects/capnp
    local name
    mkdir -p "$out"
    capnp compile -o c++:"$out" --src-prefix=capnp capnp/load.capnp
    for name in server client; do
        "${cxx[@]}" -I "$out" -o "$build/capnp-$name" "capnp/$name.cpp" "$out/load.capnp.c++" "$objects/load.o" \
            -lcapnp-rpc -lcapnp -lkj-async -lkj -lpthread
    done
}

build_thrift() {
    local out=$objects/thrift
    local name
    mkdir -p "$out"
    thrift --gen cpp:no_skeleton -out "$out" thrift/load.thrift
    for name in server client; do
        "${cxx[@]}" -I "$out" -o "$build/thrift-$name" "thrift/$name.cpp" "$out"/{Load,load_types}.cpp \
            "$objects/load.o" -lthriftnb -lthrift -levent -lpthread
    done
}

build_libprotobuf() {
    local out=$objects/libprotobuf schema=ravioli/benchmark/v1/codec
    mkdir -p "$out"
    protoc -I "$protos" --cpp_out="$out" "$schema.proto"
    "${cxx[@]}" -I "$out" -o "$build/libprotobuf-codec" libprotobuf/codec.cpp "$out/$schema.pb.cc" -lprotobuf -lpthread
}

build_protobuf_c() {
    local out=$objects/protobuf-c schema=ravioli/benchmark/v1/codec
    mkdir -p "$out"
    protoc-c -I "$protos" --c_out="$out" "$schema.proto"
    "${c[@]}" -I shared -I "$out" -o "$build/protobuf-c-codec" protobuf-c/codec.c "$out/$schema.pb-c.c" -lprotobuf-c
}

"${c[@]}" -c -o "$objects/load.o" shared/load.c
for peer in ${peers[*]}; do
    "build_${peer//-/_}"
done
