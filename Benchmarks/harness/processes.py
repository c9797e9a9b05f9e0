# SPDX-License-Identifier: Apache-2.0
"""Servers and clients as processes, and what the system says of them."""

import json
import os
import select
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A process did not do what it was started for; the text says what."""


def _read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Server:
    """A server that listens on a port of its own choice until the scope ends."""

    def __init__(self, arguments, prefix=(), timeout=20):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*prefix, *arguments, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.port = self._wait_for_port(timeout)
        self.listening_after = time.monotonic() - self.started

    def _wait_for_port(self, timeout):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.startswith("listening "):
            self.stop()
            text = self.process.stderr.read().decode(errors="replace").strip()
            raise Failure(f"the server did not start: {text or line or 'no word of it'}"[:200])
        return int(line.split()[1])

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def usage(self):
        return Usage.of(self.process.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.process.stdout.close()
        self.process.stderr.close()


class Usage:
    """What a running process has used so far: CPU seconds, context switches of all its threads, resident bytes."""

    def __init__(self, cpu, switches, resident, peak):
        self.cpu, self.switches, self.resident, self.peak = cpu, switches, resident, peak

    @classmethod
    def of(cls, pid):
        # What follows the name, which may hold blanks and parentheses.
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / TICK
        switches = 0
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                switches += cls._switches(_read(f"/proc/{pid}/task/{task}/status"))
            except OSError:
                continue
        status = cls._fields(_read(f"/proc/{pid}/status"))
        return cls(cpu, switches, status["VmRSS"] * 1024, status["VmHWM"] * 1024)

    @staticmethod
    def _fields(status):
        lines = (line.split() for line in status.splitlines())
        return {words[0][:-1]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}

    @classmethod
    def _switches(cls, status):
        fields = cls._fields(status)
        return fields.get("voluntary_ctxt_switches", 0) + fields.get("nonvoluntary_ctxt_switches", 0)


class ClientRun:
    """What a load client printed, and what it used."""

    def __init__(self, report, cpu, switches, peak):
        self.report, self.cpu, self.switches, self.peak = report, cpu, switches, peak


def run_client(arguments, timeout, prefix=()):
    """Runs a load client to its end. Raises Failure when it fails, a call failed, or it takes too long."""
    process = subprocess.Popen([*prefix, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watchdog = _Watchdog(process, timeout)
    peak = _peak_until_output(process)
    with process.stdout, process.stderr:
        output, complaints = process.stdout.read().decode(), process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    watchdog.cancel()
    if watchdog.has_fired:
        raise Failure(f"no end after {timeout:.0f} s")
    report = _report(output)
    if process.returncode or report is None or report["errors"]:
        last = (complaints.strip().splitlines() or [f"exit code {process.returncode}"])[0]
        raise Failure(last[:160])
    return ClientRun(report, usage.ru_utime + usage.ru_stime, usage.ru_nvcsw + usage.ru_nivcsw, peak)


def _peak_until_output(process):
    """The most resident bytes a process had until it said something. What wait4 tells is of no use: a child begins with
    the peak of its parent."""
    peak = 0
    while not select.select([process.stdout], [], [], 0.1)[0]:
        try:
            peak = Usage.of(process.pid).peak
        except (OSError, KeyError):
            break
    return peak


def _report(output):
    try:
        return json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None


class _Watchdog:
    """Kills a process that takes too long."""

    def __init__(self, process, timeout):
        self.has_fired = False
        self._process = process
        self._timer = threading.Timer(timeout, self._fire)
        self._timer.daemon = True
        self._timer.start()

    def _fire(self):
        self.has_fired = True
        try:
            os.kill(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def cancel(self):
        self._timer.cancel()


class Spinners:
    """One process of the lowest priority per core that keeps it from halting; see --spin."""

    def __init__(self, enabled):
        self._pids = []
        for core in sorted(os.sched_getaffinity(0)) if enabled else ():
            pid = os.fork()
            if pid == 0:
                os.sched_setaffinity(0, {core})
                os.nice(19)
                while os.getppid() != 1:
                    for _ in range(1_000_000):
                        pass
                os._exit(0)
            self._pids.append(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
