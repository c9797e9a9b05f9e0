# SPDX-License-Identifier: Apache-2.0
"""Whether the instruments count right: a program whose allocations are known, a relay whose bytes are."""

import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import instruments
from allocations import Counts

# Allocates argv[1] times 100 bytes, moves each once and frees every second one.
PROGRAM = """
#include <stdlib.h>
int main(int count, char **words) {
    for (long i = atol(words[1]); i > 0; i--) {
        char *volatile memory = realloc(malloc(100), 1000);
        if (i % 2) free(memory);
    }
    return 0;
}
"""


def run():
    """Raises AssertionError when something is counted wrong."""
    with tempfile.TemporaryDirectory() as folder:
        _allocations(Path(folder))
    _relay()


def _allocations(folder):
    library = instruments.build_library(folder)
    source, program = folder / "program.c", folder / "program"
    source.write_text(PROGRAM, encoding="utf-8")
    subprocess.run([instruments.compiler(), "-o", program, source], check=True)

    def counted(times):
        counts = Counts(folder / f"counts-{times}", library)
        subprocess.run([*counts.prefix, program, str(times)], check=True)
        return counts.allocations, counts.live_bytes

    (few, few_bytes), (many, many_bytes) = counted(1000), counted(2000)
    assert many - few == 2000, f"{many - few} allocations were counted, where 2000 were made"
    live = (many_bytes - few_bytes) / 500
    assert 1000 <= live <= 1032, f"{live} bytes were counted for each block of 1000 that is left"


def _relay():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def echo():
            near, _ = listener.accept()
            with near:
                near.sendall(near.recv(64, socket.MSG_WAITALL) * 2)

        thread = threading.Thread(target=echo)
        thread.start()
        relay = instruments.Relay(f"127.0.0.1:{listener.getsockname()[1]}")
        host, _, port = relay.address.partition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"x" * 64)
            client.recv(128, socket.MSG_WAITALL)
        thread.join()
        relay.close()
    assert relay.bytes == {"client": 64, "server": 128}, f"the relay counted {relay.bytes}"
