# SPDX-License-Identifier: Apache-2.0
"""Who is measured: one table."""

import os
from dataclasses import dataclass, field

from paths import PEERS, PROGRAMS


@dataclass(frozen=True)
class Peer:
    """A way to carry the benchmark's schema: a server and a load client, each a process of its own."""

    name: str
    title: str
    server: tuple
    client: tuple
    # Which of the builds in build.py makes it.
    build: str
    # Scenario kinds it lacks, with the reason that stands below the table.
    lacks: dict = field(default_factory=dict)
    # Ravioli itself, or the limit that no peer can pass: neither is what Ravioli is compared with.
    is_ours: bool = False
    is_limit: bool = False
    # The peer whose server it shares: what concerns servers alone is measured there.
    server_of: str = ""
    # Only when named with --only.
    is_extra: bool = False

    def supports(self, kind):
        return kind not in self.lacks

    @property
    def is_built(self):
        return all(os.path.exists(program[0]) for program in (self.server, self.client))


def _streams(reason):
    return {kind: reason for kind in ("server-stream", "client-stream", "bidi")}


def _in(folder, name, *arguments):
    return (str(folder / name), *arguments)


def _ours(name, title, *client, stack="full", server_of="", is_extra=False):
    return Peer(
        name, title,
        server=_in(PROGRAMS, "ravioli-load-server", "--stack", stack),
        client=_in(PROGRAMS, "ravioli-load-client", "--stack", stack, *client),
        build="ravioli", is_ours=True, server_of=server_of, is_extra=is_extra)


def _peer(name, title, build, **more):
    return Peer(
        name, title, server=_in(PEERS, f"{name}-server"), client=_in(PEERS, f"{name}-client"), build=build, **more)


ALL = [
    _ours("ravioli", "Ravioli, callers on the default pool", "--callers", "pool"),
    _ours("ravioli-loop", "Ravioli, callers on the loop", "--callers", "loop", server_of="ravioli"),
    _ours("ravioli-plain", "Ravioli, callers on the loop, no metrics and metadata", "--callers", "loop",
          stack="plain", is_extra=True),
    _peer("raw", "raw epoll echo in C, Ravioli's frames", "c", is_limit=True,
          lacks={"slow": "the raw echo has nothing that waits"}),
    _peer("grpc-go", "grpc-go", "go"),
    _peer("ttrpc-go", "ttrpc-go", "go", lacks=_streams("ttrpc 1.1, the version in Debian, has no streams")),
    _peer("grpc-cpp", "gRPC C++", "c"),
    _peer("capnp", "Cap'n Proto RPC (C++)", "c"),
    _peer("thrift", "Thrift (C++)", "c", lacks=_streams("Thrift has no streams")),
    _peer("grpc-swift", "grpc-swift-2", "grpc-swift"),
]
BY_NAME = {peer.name: peer for peer in ALL}


@dataclass(frozen=True)
class Edge:
    """An HTTP door in front of a peer's server, or that server called without one, by the peer's own client."""

    name: str
    title: str
    # Empty for the server without a door: what is between the two is the door's price.
    program: str
    upstream: str
    build: str
    is_ours: bool = False
    # How the scenarios that it takes part in are measured.
    how: str = "edge"

    def supports(self, kind):
        return kind == "edge"

    @property
    def is_direct(self):
        return not self.program

    @property
    def is_built(self):
        return (self.is_direct or os.path.exists(self.program)) and BY_NAME[self.upstream].is_built


EDGES = [
    Edge("ravioli-edge", "Ravioli's edge before Ravioli", str(PROGRAMS / "ravioli-load-edge"), "ravioli", "ravioli", True),
    Edge("ravioli-direct", "the same service without the edge, called by Ravioli's client", "", "ravioli", "ravioli", True),
    Edge("grpc-gateway", "grpc-gateway before grpc-go", str(PEERS / "grpc-gateway"), "grpc-go", "go"),
]


@dataclass(frozen=True)
class Codec:
    """A library that encodes and decodes the benchmark's messages, alone in a process."""

    name: str
    title: str
    program: tuple
    build: str
    lacks: dict = field(default_factory=dict)
    is_ours: bool = False
    is_limit: bool = False
    is_extra: bool = False
    how: str = "codec"

    def supports(self, kind):
        return kind not in self.lacks

    @property
    def is_built(self):
        return os.path.exists(self.program[0])


CODECS = [
    Codec("ravioli-codec", "Ravioli's codec, its guard on", _in(PROGRAMS, "CodecBenchmark", "--library", "ravioli"),
          "ravioli", is_ours=True),
    Codec("swift-protobuf", "swift-protobuf", _in(PROGRAMS, "CodecBenchmark", "--library", "swift-protobuf"), "ravioli"),
    Codec("libprotobuf", "libprotobuf (C++)", _in(PEERS, "libprotobuf-codec"), "c"),
    Codec("libprotobuf-arena", "libprotobuf (C++), messages in an arena", _in(PEERS, "libprotobuf-codec", "--arena", "on"),
          "c", is_extra=True),
    Codec("protobuf-c", "protobuf-c alone, without Swift values and guard", _in(PEERS, "protobuf-c-codec"), "c",
          lacks={"json": "protobuf-c has no JSON"}, is_limit=True),
]
# Who takes part on its own, in scenarios of its kind only.
OTHERS = [*EDGES, *CODECS]
