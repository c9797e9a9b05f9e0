# SPDX-License-Identifier: Apache-2.0
"""Requests over HTTP, by wrk."""

import base64
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request

from processes import Failure

PATH = "/ravioli.benchmark.v1.Load/Unary"
UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


def _body(payload):
    return json.dumps({"payload": base64.b64encode(b"\7" * payload).decode()})


def check(port, payload):
    """One request whose answer is looked at."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{PATH}", _body(payload).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Failure(f"the edge does not answer: {error}") from error
    if len(base64.b64decode(answer.get("payload", ""))) != payload:
        raise Failure("the edge's answer is wrong")


def run(port, scenario, seconds):
    """Requests as fast as they are answered, over keep-alive connections."""
    script = (f'wrk.method = "POST"\nwrk.body = \'{_body(scenario.payload)}\'\n'
              'wrk.headers["Content-Type"] = "application/json"\n')
    with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as file:
        file.write(script)
    try:
        whole = max(1, round(seconds))
        done = subprocess.run(
            ["wrk", "-t", "1", "-c", str(scenario.connections), "-d", f"{whole}s", "--latency", "-s", file.name,
             f"http://127.0.0.1:{port}{PATH}"],
            capture_output=True, text=True, timeout=30 + whole, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"wrk: {error}") from error
    finally:
        os.unlink(file.name)
    return _figures(done.stdout, done.stderr)


def _figures(text, complaints):
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    calls = re.search(r"(\d+) requests in", text)
    if not rate or not calls or not int(calls[1]):
        raise Failure(f"wrk: {(complaints or text).strip()[:120]}")
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text) or re.search(r"Socket errors: (.*)", text)
    if wrong:
        raise Failure(f"wrk: {wrong[0]}")
    figures = {"rate": float(rate[1]), "calls": int(calls[1])}
    for name, percent in (("p50", "50"), ("p90", "90"), ("p99", "99")):
        found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m)$", text, re.MULTILINE)
        if found:
            figures[name] = float(found[1]) * UNITS[found[2]]
    return figures
