# SPDX-License-Identifier: Apache-2.0
"""The messages that the codecs are measured with, as files that every program reads."""

import functools
import json
import subprocess

from paths import PEERS, ROOT, SOURCES
from processes import Failure

SCHEMA = "ravioli/benchmark/v1/codec.proto"
TYPES = {"order": "ravioli.benchmark.v1.Order", "sample": "ravioli.benchmark.v1.Sample"}


@functools.cache
def files(message):
    """The arguments that name the message and its two files: the bytes as protoc makes them of the text format, and the
    JSON without spaces, as most senders write it. The programs that know both make sure that they are the same message."""
    folder = PEERS / "codec"
    folder.mkdir(parents=True, exist_ok=True)
    binary, text = folder / f"{message}.binpb", folder / f"{message}.json"
    with open(SOURCES / "codec" / f"{message}.textproto", "rb") as source, open(binary, "wb") as target:
        done = subprocess.run(
            ["protoc", "-I", str(ROOT / "Protos"), f"--encode={TYPES[message]}", SCHEMA],
            stdin=source, stdout=target, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failure(f"protoc: {done.stderr.decode(errors='replace').strip()[:120]}")
    content = json.loads((SOURCES / "codec" / f"{message}.json").read_text(encoding="utf-8"))
    text.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    return ("--message", message, "--binary", str(binary), "--json", str(text))
