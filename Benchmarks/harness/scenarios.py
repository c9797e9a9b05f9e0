# SPDX-License-Identifier: Apache-2.0
"""What is measured: one table. The payloads, depths and connections are the same for every peer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One row of the table for each peer."""

    name: str
    title: str
    # What a peer must support: unary, server-stream, client-stream, bidi, slow, pi; or edge; or codec, json.
    kind: str = "unary"
    payload: int = 64
    in_flight: int = 64
    connections: int = 1
    # The figure that peers are compared by: rate, p50, p999, megabytes, start, memory, per_connection, cost.
    figure: str = "rate"
    # Calls a second of an open loop: a number, or a share of the peer's own peak (unary-64) as a string, as "50%".
    rate: object = None
    slow_percent: float = 0
    server: tuple = ()
    # load, start, memory, edge or codec: how it is measured (measure.py).
    how: str = "load"
    # Part of the default selection.
    is_default: bool = True
    # The name by which --only chooses it together with others.
    group: str = ""
    # The peer that the others' ratios are to; the best of them if there is no such name.
    compared_with: str = ""
    # Of a codec: which message, and encode, decode, to-json or from-json.
    message: str = ""
    work: str = ""

    def client_arguments(self):
        scenario = {"slow": "unary", "edge": "unary"}.get(self.kind, self.kind)
        arguments = ["--scenario", scenario, "--payload", self.payload, "--in-flight", self.in_flight,
                     "--connections", self.connections]
        if self.slow_percent:
            arguments += ["--slow-percent", self.slow_percent]
        return [str(argument) for argument in arguments]


def _size(count):
    return f"{count >> 20} MB" if count >> 20 else f"{count >> 10} KB" if count >> 10 else f"{count} B"


def _unary():
    yield Scenario("ping-pong", "unary, 64 B, one call at a time", in_flight=1, figure="p50")
    for connections in (1, 8):
        for depth in (8, 64, 512):
            name = f"unary-{depth}" + (f"x{connections}" if connections > 1 else "")
            plural = "s" if connections > 1 else ""
            yield Scenario(name, f"unary, 64 B, {depth} in flight on {connections} connection{plural}",
                           in_flight=depth, connections=connections)
    for payload, depth, figure in ((0, 64, "rate"), (1 << 10, 64, "rate"), (16 << 10, 64, "rate"),
                                   (1 << 20, 8, "megabytes")):
        yield Scenario(f"payload-{_size(payload).replace(' ', '').lower()}",
                       f"unary, {_size(payload)}, {depth} in flight", payload=payload, in_flight=depth, figure=figure)
    yield Scenario("thousand", "unary, 64 B, 1,000 connections with a call each", in_flight=1000, connections=1000)


def _streams():
    titles = {"server-stream": "the server sends", "client-stream": "the client sends", "bidi": "both send"}
    for kind, title in titles.items():
        yield Scenario(kind, f"a stream, 64 B, {title}", kind=kind, in_flight=1)
        yield Scenario(f"{kind}-64kb", f"a stream, 64 KB, {title}", kind=kind, payload=64 << 10, in_flight=1,
                       figure="megabytes")
        yield Scenario(f"{kind}s", f"64 streams, 64 B, {title}", kind=kind, in_flight=64)


def _codecs():
    titles = {"order": "an order of 412 bytes, 729 in JSON", "sample": "a sample of 70 bytes, 122 in JSON"}
    works = {"codec": ("encode", "decode"), "json": ("to-json", "from-json")}
    for kind, pair in works.items():
        for message, title in titles.items():
            for direction, work in zip(("encode", "decode"), pair):
                what = "JSON" if kind == "json" else "codec"
                yield Scenario(f"{kind}-{direction}-{message}", f"{what} alone, {direction} {title}",
                               kind=kind, how="codec", figure="cost", group=kind, compared_with="swift-protobuf",
                               message=message, work=work)


ALL = [
    *_unary(),
    *_streams(),
    Scenario("open-50", "unary, 64 B, open loop at half of the peak", rate="50%", figure="p99"),
    Scenario("open-90", "unary, 64 B, open loop at nine tenths of the peak", rate="90%", figure="p99"),
    Scenario("slow", "1 % of calls wait 5 ms, 10,000/s on 8 connections: the others", kind="slow", rate=10_000,
             connections=8, in_flight=256, slow_percent=1, figure="p999", server=("--offload",)),
    Scenario("pi", "pi by Leibniz' series, 100,000 terms, 2 in flight", kind="pi", in_flight=2),
    Scenario("start", "from the start of the server to its first answer", how="start", figure="start", in_flight=1),
    Scenario("idle", "memory of a server after one call", how="memory", figure="memory", in_flight=1),
    Scenario("memory-1000", "memory of a server with 1,000 idle connections", how="memory", figure="per_connection",
             connections=1000, in_flight=1000),
    Scenario("memory-10000", "memory of a server with 10,000 idle connections", how="memory",
             figure="per_connection", connections=10_000, in_flight=10_000, is_default=False),
    Scenario("edge", "JSON over HTTP/1.1, 64 B, 64 connections (wrk)", kind="edge", how="edge", connections=64),
    Scenario("edge-1kb", "JSON over HTTP/1.1, 1 KB, 64 connections (wrk)", kind="edge", how="edge", connections=64,
             payload=1 << 10),
    *_codecs(),
]
BY_NAME = {scenario.name: scenario for scenario in ALL}
GROUPS = {scenario.group for scenario in ALL if scenario.group}
