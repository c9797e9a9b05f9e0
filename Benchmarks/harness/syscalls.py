# SPDX-License-Identifier: Apache-2.0
"""System calls of a server per call, counted by strace in a short run of its own, since that makes everything slow."""

import os
import re
import signal
import subprocess
import tempfile
import time

from processes import Failure, Server, run_client

CALLS = 5000


def count(peer, scenario):
    """System calls a call at the scenario's depth, on the server's side; the connection's beginning is not counted."""
    with Server(peer.server) as server, tempfile.NamedTemporaryFile("r", suffix=".strace") as output:
        arguments = [*peer.client, *scenario.client_arguments(), "--connect", server.address, "--calls"]
        run_client([*arguments, "500"], 60)
        tracer = subprocess.Popen(
            ["strace", "-f", "-c", "-o", output.name, "-p", str(server.process.pid)], stderr=subprocess.DEVNULL)
        try:
            _wait_until_traced(server.process.pid)
            client = run_client([*arguments, str(CALLS)], 60)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        text = output.read()
    total = re.search(r"^100\.00\s+[\d.]+\s+\d*\s+(\d+).* total$", text, re.MULTILINE)
    if not total:
        raise Failure("strace counted nothing")
    return int(total[1]) / client.report["total_calls"]


def _wait_until_traced(pid):
    for _ in range(200):
        threads = os.listdir(f"/proc/{pid}/task")
        if all(_is_traced(f"/proc/{pid}/task/{thread}/status") for thread in threads):
            return
        time.sleep(0.01)
    raise Failure("strace does not attach")


def _is_traced(path):
    try:
        with open(path, encoding="utf-8") as file:
            return "TracerPid:\t0\n" not in file.read()
    except OSError:
        return True
