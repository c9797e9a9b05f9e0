#!/usr/bin/env bash
# Builds the peer on grpc-swift-2, generators and all: build-grpc-swift.sh FOLDER puts its programs into it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
build=$(realpath "$1")
stage=$build/swift/grpc-swift
schema=ravioli/benchmark/v1/load.proto

# The package is put together beside what is built, since it is completed by generated files. SwiftPM does not notice new
# files of a package that is not the root, so it is made to plan anew.
mkdir -p "$stage"
find "$build/swift" -type l -delete
cp -a -u load-swift "$build/swift/"
cp -a -u grpc-swift/. "$stage/"
rm -f "$build/grpc-swift/release.yaml" "$build"/grpc-swift/*/release/description.json

compile() {
    swift build --package-path "$stage" --scratch-path "$build/grpc-swift" -c release -j "$(nproc)" --quiet "$@"
}
compile --product protoc-gen-swift
compile --product protoc-gen-grpc-swift-2
programs=$(compile --show-bin-path)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
options=(Visibility=Public FileNaming=DropPath)
printf -v options '%s,' "${options[@]}"
protoc -I ../../Protos --plugin="$programs/protoc-gen-swift" \
    --plugin=protoc-gen-grpc-swift="$programs/protoc-gen-grpc-swift-2" \
    --swift_opt="${options%,}" --swift_out="$fresh" --grpc-swift_opt="${options%,}" --grpc-swift_out="$fresh" "$schema"
for file in "$fresh"/*; do
    cmp -s "$file" "$stage/Sources/LoadSchema/${file##*/}" || cp "$file" "$stage/Sources/LoadSchema/"
done
for name in server client; do compile --product "grpc-swift-$name"; done
ln -sfn "$programs/grpc-swift-server" "$programs/grpc-swift-client" "$build/"
