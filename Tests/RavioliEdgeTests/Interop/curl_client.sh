#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls the edge with curl, the bytes of gRPC-Web written by hand. Usage: curl_client.sh PORT
set -euo pipefail

line=http://127.0.0.1:$1/ravioli.test.v1.Line

check() {
    [[ $2 == *"$3"* ]] || { printf 'failed %s: %q\n' "$1" "$2"; exit 1; }
    echo "passed $1"
}

for version in --http1.1 --http2-prior-knowledge; do
    answer=$(curl -sS $version -H 'Content-Type: application/json' -d '{"text": "curl"}' "$line/Unary")
    check "$version unary" "$answer" '"text":"curl"'
    answer=$(curl -sS $version --compressed -H 'Content-Type: application/json' -d '{"text": "c", "padding": 9000}' -i "$line/Unary")
    check "$version gzip" "${answer,,}" 'content-encoding: gzip'
    answer=$(curl -sS $version "$line/Get?connect=v1&encoding=json&message=%7B%22text%22%3A%22get%22%7D")
    check "$version get" "$answer" '"text":"get"'
    answer=$(printf '\0\0\0\0\033{"text":"stream","count":2}' |
        curl -sS $version -H 'Content-Type: application/connect+json' --data-binary @- "$line/Down" | tr '\0' '.')
    check "$version stream" "$answer" '"number":1'
    check "$version end of stream" "$answer" $'\002...\002{}'
    answer=$(curl -sS $version -H 'Content-Type: application/json' -d '{"code": 5, "text": "no"}' -w ' %{http_code}' "$line/Unary")
    check "$version error" "$answer" '"code":"not_found"'
    check "$version status" "$answer" ' 404'
    # gRPC-Web: LineRequest{text: "web"} is 0a 03 77 65 62.
    answer=$(printf '\0\0\0\0\005\012\003web' |
        curl -sS $version -H 'Content-Type: application/grpc-web+proto' --data-binary @- "$line/Unary" | tr '\0' '.')
    check "$version grpc-web" "$answer" $'\200'
    check "$version grpc-web trailers" "$answer" $'grpc-status: 0\r\n'
    answer=$(printf '\0\0\0\0\005\012\003web' | base64 -w 0 |
        curl -sS $version -H 'Content-Type: application/grpc-web-text' --data-binary @- "$line/Unary" |
        { sed 's/=\([^=]\)/=\n\1/g'; echo; } | while read -r run; do base64 -d <<<"$run"; done | tr '\0' '.')
    check "$version grpc-web-text" "$answer" $'grpc-status: 0\r\n'
    answer=$(curl -sS $version -X DELETE -w ' %{http_code}' "$line/Unary")
    check "$version method" "$answer" ' 405'
    answer=$(curl -sS $version -H 'Content-Type: text/xml' -d '<a/>' -w ' %{http_code}' "$line/Unary")
    check "$version type" "$answer" ' 415'
done
answer=$(curl -sS --http2-prior-knowledge -H 'Content-Type: application/grpc' -H 'TE: trailers' -i \
    --data-binary @<(printf '\0\0\0\0\005\012\003rpc') "$line/Unary" | tr '\0' '.')
check "grpc trailers" "$answer" 'grpc-status: 0'
answer=$(curl -sS --http2 -H 'Content-Type: application/json' -d '{"text": "upgrade"}' "$line/Unary")
check "an upgrade that is not taken" "$answer" '"text":"upgrade"'
answer=$(head -c 3000000 /dev/zero | tr '\0' ' ' | curl -sS -H 'Content-Type: application/json' --data-binary @- -w ' %{http_code}' \
    "$line/Unary")
check "a body that makes curl ask first" "$answer" '400'
