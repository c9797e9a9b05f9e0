# SPDX-License-Identifier: Apache-2.0
"""What counts: each instrument runs the load programs with N and with 2N calls. What twice as many cost more, divided by N, is
the cost of one; whatever happens once cancels out."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from allocations import Counts
from paths import BUDGETS_PROGRAMS
from processes import Failure, Server, run_client

SIDES = ("client", "server")
TIMEOUT = 300


class Unavailable(Exception):
    """This machine does not let an instrument work; the text says why."""


def program(side):
    return str(BUDGETS_PROGRAMS / f"ravioli-load-{side}")


class Allocations:
    """Calls of malloc and its relatives."""

    def __init__(self, folder, library):
        self.counts = {side: Counts(Path(folder) / side, library) for side in SIDES}

    def command(self, side):
        return [*self.counts[side].prefix, program(side)]

    def total(self, side):
        return self.counts[side].allocations


class Instructions:
    """Instructions of all threads, by callgrind; on copies without debug information, which it cannot read all of."""

    def __init__(self, folder, library):
        self.folder, self.library = Path(folder), library

    def command(self, side):
        copy = self.folder / f"{side}-program"
        subprocess.run(["strip", "--strip-debug", "-o", copy, program(side)], check=True)
        return ["env", f"LD_PRELOAD={self.library}", "valgrind", "--tool=callgrind", "--vgdb=no",
                f"--log-file={self.folder / side}.log", f"--callgrind-out-file={self.folder / side}.out", str(copy)]

    def total(self, side):
        log = (self.folder / f"{side}.log").read_text(encoding="utf-8", errors="replace")
        collected = re.search(r"Collected : (\d+)", log)
        if not collected:
            raise Failure(f"callgrind counted nothing: {log[-300:]}")
        return int(collected[1])


class SystemCalls:
    """System calls of all threads, by strace."""

    def __init__(self, folder, _):
        self.folder = Path(folder)
        probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
        if probe.returncode:
            raise Unavailable(f"strace may not trace here: {probe.stderr.strip()[:160]}")

    def command(self, side):
        # -D: the program is ours to end, not the tracer.
        return ["strace", "-D", "-f", "-c", "-o", str(self.folder / side), program(side)]

    def total(self, side):
        pattern = re.compile(r"^100\.00\s+[\d.]+\s+\d*\s+(\d+).* total$", re.MULTILINE)
        for _ in range(200):
            path = self.folder / side
            found = pattern.search(path.read_text(encoding="utf-8")) if path.exists() else None
            if found:
                return int(found[1])
            time.sleep(0.05)
        raise Failure("strace counted nothing")


def totals(instrument, library, arguments, calls, server_arguments=()):
    """What client and server counted in a run of their own."""
    with tempfile.TemporaryDirectory() as folder:
        counter = instrument(folder, library)
        with Server([*counter.command("server"), *server_arguments], timeout=60) as server:
            run_client([*counter.command("client"), *arguments, *calls, "--connect", server.address], TIMEOUT)
            # Frames of the last moment, as credit for what was read, are handled before the server ends.
            _settle(server.process.pid)
        return {side: counter.total(side) for side in SIDES}


def per_call(instrument, library, scenario, count):
    """The cost of one call, or message, on each side."""
    once = totals(instrument, library, scenario.arguments, scenario.calls(count), scenario.server)
    twice = totals(instrument, library, scenario.arguments, scenario.calls(2 * count), scenario.server)
    return {side: (twice[side] - once[side]) / count for side in SIDES}


def _settle(pid, timeout=5):
    """Waits until a process has done nothing for a while."""
    end, idle, before = time.monotonic() + timeout, 0, None
    while idle < 5 and time.monotonic() < end:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        now = fields[11:13]
        idle = idle + 1 if now == before else 0
        before = now
        time.sleep(0.02)


# MARK: Bytes on the wire


class Relay:
    """Stands between a client and a server, and counts the bytes of each direction."""

    def __init__(self, address):
        host, _, port = address.partition(":")
        self._upstream = (host, int(port))
        self.bytes = {"client": 0, "server": 0}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        try:
            near, _ = self._listener.accept()
        except OSError:
            return
        far = socket.create_connection(self._upstream)
        for side, source, target in (("client", near, far), ("server", far, near)):
            thread = threading.Thread(target=self._pump, args=(side, source, target), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pump(self, side, source, target):
        try:
            while data := source.recv(1 << 18):
                self.bytes[side] += len(data)
                target.sendall(data)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


def wire_per_call(scenario, count):
    """Bytes that each side sends for one call, or message."""
    def sent(calls):
        with Server([program("server"), *scenario.server]) as server:
            relay = Relay(server.address)
            run_client([program("client"), *scenario.arguments, *calls, "--connect", relay.address], TIMEOUT)
            relay.close()
            return relay.bytes

    once, twice = sent(scenario.calls(count)), sent(scenario.calls(2 * count))
    return {side: (twice[side] - once[side]) / count for side in SIDES}


# MARK: Memory


@contextlib.contextmanager
def held(command):
    """A client that has done what it was told and keeps what it has opened."""
    client = subprocess.Popen([*command, "--hold", "600"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if b'"errors": 0' not in client.stdout.readline():
            raise Failure("the client could not open what it was to hold")
        yield client
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def live_bytes(library, arguments):
    """Bytes that client and server have allocated and not freed while the client only holds what it has opened."""
    with tempfile.TemporaryDirectory() as folder:
        counter = Allocations(folder, library)
        with Server(counter.command("server"), timeout=60) as server:
            with held([*counter.command("client"), *arguments, "--connect", server.address]) as client:
                _settle(client.pid)
                _settle(server.process.pid)
                return {side: counter.counts[side].live_bytes for side in SIDES}


def memory_each(library, opening, count):
    """Bytes for each of `count` more of what is opened; `opening` says how a number of them are."""
    few, many = live_bytes(library, opening(100)), live_bytes(library, opening(100 + count))
    return {side: (many[side] - few[side]) / count for side in SIDES}


def compiler():
    """A C compiler; Swift's own if there is no other."""
    name = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if not name:
        raise Failure("there is no C compiler")
    return name


def build_library(folder):
    """Compiles what stands in for malloc; returns where it lies."""
    library = Path(folder) / "liballocations.so"
    source = Path(__file__).with_name("allocations.c")
    subprocess.run([compiler(), "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return os.fspath(library)
