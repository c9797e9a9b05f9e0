#!/usr/bin/env bash
# Builds the peers written in Go against the packages of Debian, without network: build-go.sh FOLDER puts them into it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=$(realpath "$1")
schema=ravioli/benchmark/v1/load.proto
protos=$(realpath ../../Protos)
source_root=$build/go/src
scratch=$build/go/generated

mkdir -p "$source_root/ravioli/loadpb" "$source_root/ravioli/gogopb" "$scratch"
ln -sfn "$PWD" "$source_root/peers"
protoc -I "$protos" --go_out=plugins=grpc:"$scratch" \
    --grpc-gateway_out=grpc_api_configuration=grpc-gateway/routes.yaml:"$scratch" "$schema"
mv "$scratch"/ravioli/benchmark/v1/*.go "$source_root/ravioli/loadpb/"
protoc -I "$protos" --gogofaster_out="$scratch" "$schema"
sed 's/^package loadpb/package gogopb/' "$scratch/ravioli/benchmark/v1/load.pb.go" >"$source_root/ravioli/gogopb/load.pb.go"

export GO111MODULE=off GOFLAGS=-trimpath GOPATH=$build/go:/usr/share/gocode GOCACHE=$build/go/cache
for program in grpc-go/server grpc-go/client ttrpc-go/server ttrpc-go/client grpc-gateway; do
    go build -p 2 -o "$build/${program/\//-}" "peers/$program"
done
