# SPDX-License-Identifier: Apache-2.0
"""Calls the edge with the official Connect client for Python.

Usage: connect_client.py PORT FOLDER connect|grpc|grpc_web proto|json 1|2, with line_pb2 in the folder."""

import sys

from connectrpc.client import ConnectClientSync, ResponseMetadata
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from connectrpc.request import Headers
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

port, folder, protocol, codec, version = sys.argv[1:6]
sys.path.insert(0, folder)
from ravioli.test.v1 import line_pb2  # noqa: E402

request, response = line_pb2.LineRequest, line_pb2.LineResponse
is_http2 = version == "2"
transport = SyncHTTPTransport(http_version=HTTPVersion.HTTP2 if is_http2 else HTTPVersion.HTTP1)
client = ConnectClientSync(
    f"http://127.0.0.1:{port}",
    protocol=ProtocolType[protocol.upper()],
    codec=google_protobuf_binary_codec() if codec == "proto" else google_protobuf_json_codec(),
    http_client=SyncClient(transport),
)


def method(name, kind, idempotency=IdempotencyLevel.UNKNOWN):
    return MethodInfo(
        name=name,
        service_name="ravioli.test.v1.Line",
        input=request,
        output=response,
        idempotency_level=idempotency,
        stream_type=kind,
    )


unary = method("Unary", StreamType.UNARY)
get = method("Get", StreamType.UNARY, IdempotencyLevel.NO_SIDE_EFFECTS)
down = method("Down", StreamType.SERVER_STREAM)
up = method("Up", StreamType.CLIENT_STREAM)
both = method("Both", StreamType.BIDI_STREAM)
hang = method("Hang", StreamType.BIDI_STREAM)


def failure(call):
    try:
        call()
    except ConnectError as error:
        return error
    raise AssertionError("the call did not fail")


def check_unary():
    headers = Headers()
    headers.add("x-one", "1")
    headers.add("x-one", "2")
    headers.add("x-data-bin", "/wA")
    with ResponseMetadata() as metadata:
        answer = client.execute_unary(request=request(text="hé"), method=unary, headers=headers, timeout_ms=20000)
    assert answer.text == "hé", answer
    seen = list(answer.metadata)
    assert "x-one: 1" in seen and "x-one: 2" in seen and "x-data-bin: /wA=" in seen, seen
    assert 0 < answer.remaining_milliseconds <= 20000, answer
    assert metadata.headers.getall("x-ahead") == ["1", "2"], metadata.headers
    assert metadata.headers["x-ahead-bin"] == "/wA", metadata.headers
    assert metadata.trailers["x-behind"] == "3", metadata.trailers


def check_get():
    if protocol != "connect":
        return
    for text in ["short", "long" * 1000]:
        assert client.execute_unary(request=request(text=text), method=get, use_get=True).text == text


def check_errors():
    for number, code in enumerate(CODES, start=1):
        error = failure(lambda: client.execute_unary(request=request(text="why: ä %", code=number), method=unary))
        assert error.code == code and error.message == "why: ä %", error
        assert error.details[0].type_name == "ravioli.test.v1.Reason", error.details
        assert error.details[0].message_bytes == b"\x0a\x04text", error.details


CODES = [
    Code.CANCELED, Code.UNKNOWN, Code.INVALID_ARGUMENT, Code.DEADLINE_EXCEEDED, Code.NOT_FOUND, Code.ALREADY_EXISTS,
    Code.PERMISSION_DENIED, Code.RESOURCE_EXHAUSTED, Code.FAILED_PRECONDITION, Code.ABORTED, Code.OUT_OF_RANGE,
    Code.UNIMPLEMENTED, Code.INTERNAL, Code.UNAVAILABLE, Code.DATA_LOSS, Code.UNAUTHENTICATED,
]


def check_server_stream():
    answers = list(client.execute_server_stream(request=request(text="a", count=5, padding=100000), method=down))
    assert [a.number for a in answers] == [0, 1, 2, 3, 4]
    assert all(len(a.padding) == 100000 for a in answers)
    late = request(text="late", count=2, code=9)
    error = failure(lambda: list(client.execute_server_stream(request=late, method=down)))
    assert error.code == Code.FAILED_PRECONDITION and error.message == "late", error


def check_client_stream():
    texts = [str(n) for n in range(200)]
    answer = client.execute_client_stream(request=iter([request(text=t) for t in texts]), method=up)
    assert answer.text == " ".join(texts)


def check_both():
    if not is_http2:
        error = failure(lambda: list(client.execute_bidi_stream(request=iter([request()]), method=both)))
        assert error.code == Code.UNKNOWN, error
        return
    requests = iter([request(text=str(n)) for n in range(50)])
    answers = list(client.execute_bidi_stream(request=requests, method=both))
    assert [a.text for a in answers] == [str(n) for n in range(50)]


def check_deadline():
    if is_http2:
        hanging = client.execute_bidi_stream(request=iter([request()]), method=hang, timeout_ms=300)
        error = failure(lambda: list(hanging))
        assert error.code == Code.DEADLINE_EXCEEDED, error


for name, check in list(globals().items()):
    if name.startswith("check_"):
        check()
        print("passed", name)
