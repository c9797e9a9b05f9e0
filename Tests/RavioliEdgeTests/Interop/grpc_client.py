# SPDX-License-Identifier: Apache-2.0
"""Calls the edge with grpcio, which knows nothing of it. Usage: grpc_client.py PORT FOLDER, with line_pb2 in the folder."""

import sys
import threading

import grpc
from grpc_status import rpc_status

sys.path.insert(0, sys.argv[2])
from ravioli.test.v1 import desk_pb2, line_pb2  # noqa: E402

channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}")
request, response = line_pb2.LineRequest, line_pb2.LineResponse


def method(kind, name):
    make = getattr(channel, kind)
    path = f"/ravioli.test.v1.Line/{name}"
    return make(path, request_serializer=request.SerializeToString, response_deserializer=response.FromString)


unary, down = method("unary_unary", "Unary"), method("unary_stream", "Down")
up, both, hang = method("stream_unary", "Up"), method("stream_stream", "Both"), method("stream_stream", "Hang")
metadata = [("x-one", "1"), ("x-one", "2"), ("x-data-bin", b"\xff\x00")]


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call did not fail")


def check_unary():
    answer, call = unary.with_call(request(text="hé"), metadata=metadata, timeout=20)
    assert answer.text == "hé", answer
    seen = list(answer.metadata)
    assert "x-one: 1" in seen and "x-one: 2" in seen and "x-data-bin: /wA=" in seen, seen
    assert 0 < answer.remaining_milliseconds <= 20000, answer
    initial = [(k, v) for k, v in call.initial_metadata() if k.startswith("x-ahead")]
    assert initial == [("x-ahead", "1"), ("x-ahead", "2"), ("x-ahead-bin", b"\xff\x00")], initial
    trailing = [(k, v) for k, v in call.trailing_metadata() if k.startswith("x-")]
    assert trailing == [("x-behind", "3")], trailing


def check_errors():
    for code in grpc.StatusCode:
        number = code.value[0]
        if number == 0:
            continue
        error = failure(lambda: unary(request(text="why: 100 % ä\n", code=number), timeout=20))
        assert error.code() == code, (error.code(), code)
        assert error.details() == "why: 100 % ä\n", error.details()
        status = rpc_status.from_call(error)
        reason = desk_pb2.Reason()
        assert status.details[0].Unpack(reason) and reason.field == "text", status
        assert ("x-behind", "with the error") in list(error.trailing_metadata())


def check_server_stream():
    call = down(request(text="a", count=5, padding=100000), timeout=20)
    answers = list(call)
    assert [a.number for a in answers] == [0, 1, 2, 3, 4]
    assert all(len(a.padding) == 100000 for a in answers)
    error = failure(lambda: list(down(request(text="late", count=2, code=9), timeout=20)))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION and error.details() == "late"
    assert list(down(request(count=0), timeout=20)) == []


def check_client_stream():
    texts = [str(n) for n in range(200)]
    assert up((request(text=t) for t in texts), timeout=20).text == " ".join(texts)
    assert up(iter(()), timeout=20).text == ""
    error = failure(lambda: up((request(text="no", code=c) for c in [0, 0, 8]), timeout=20))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error


def check_both():
    wait = threading.Semaphore(1)

    def requests():
        for number in range(50):
            assert wait.acquire(timeout=10)
            yield request(text=f"ping {number}")

    numbers = []
    for answer in both(requests(), timeout=20):
        numbers.append(answer.number)
        wait.release()
    assert numbers == list(range(50)), numbers


def check_deadline():
    error = failure(lambda: list(hang(iter([request()]), timeout=0.3)))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


def check_cancel():
    call = hang(iter([request()]), timeout=20)
    assert next(call).text == "hanging"
    call.cancel()
    error = failure(lambda: next(call))
    assert error.code() == grpc.StatusCode.CANCELLED, error


def check_gzip():
    answer = unary(request(text="z" * 5000, padding=50000), compression=grpc.Compression.Gzip, timeout=20)
    assert answer.text == "z" * 5000 and len(answer.padding) == 50000
    error = failure(lambda: unary(request(), compression=grpc.Compression.Deflate, timeout=20))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def check_unknown():
    error = failure(lambda: method("unary_unary", "Nothing")(request(), timeout=20))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error


def check_limit():
    error = failure(lambda: unary(request(text="x" * (5 << 20)), timeout=20))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error


def check_many_at_once():
    futures = [unary.future(request(text=str(n)), timeout=20) for n in range(500)]
    assert [f.result().text for f in futures] == [str(n) for n in range(500)]


for name, check in list(globals().items()):
    if name.startswith("check_"):
        check()
        print("passed", name)
