#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls the edge with `buf curl`. Usage: buf_client.sh BUF PORT SCHEMA, which is a set of descriptors.
set -euo pipefail

buf=$1 line=http://127.0.0.1:$2/ravioli.test.v1.Line schema=$3

# Calls with the protocol $1 on the version of HTTP $2, the method $3 with $4.
call() {
    local version=()
    [[ $2 == 2 ]] && version=(--http2-prior-knowledge)
    timeout 60 "$buf" curl --protocol "$1" "${version[@]}" --schema "$schema" --data "$4" "$line/$3" 2>&1 || true
}

check() {
    [[ $2 == *"$3"* ]] || { printf 'failed %s: %q\n' "$1" "$2"; exit 1; }
    echo "passed $1"
}

for way in "connect 1" "connect 2" "grpc 2" "grpcweb 1" "grpcweb 2"; do
    read -r protocol version <<<"$way"
    check "$way unary" "$(call "$protocol" "$version" Unary '{"text": "buf"}')" '"text": "buf"'
    check "$way error" "$(call "$protocol" "$version" Unary '{"text": "no", "code": 5}')" '"not_found"'
    answer=$(call "$protocol" "$version" Down '{"text": "down", "count": 3}')
    check "$way stream" "$answer" '"number": 2'
    answer=$(call "$protocol" "$version" Down '{"text": "late", "count": 1, "code": 15}')
    check "$way late error" "$answer" '"data_loss"'
    answer=$(call "$protocol" "$version" Up '{"text": "a"} {"text": "b"}')
    check "$way requests" "$answer" '"text": "a'
    if [[ $version == 2 ]]; then
        check "$way both" "$(call "$protocol" "$version" Both '{"text": "a"} {"text": "z", "count": 1}')" '"text": "z'
    fi
done
check "get" "$(call connect 1 Get '{"text": "get"}')" '"text": "get"'
