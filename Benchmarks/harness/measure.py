# SPDX-License-Identifier: Apache-2.0
"""One measurement of one peer in one scenario, and the rounds of all of them."""

import select
import statistics
import subprocess
import time

import codec as codec_messages
import peers as peer_table
import scenarios as scenario_table
import wrk
from processes import Failure, Server, Usage, run_client

PEAK = "unary-64"


class Settings:
    """What the command line says about how to measure."""

    def __init__(self, seconds, warm_up, rounds):
        self.seconds, self.warm_up, self.rounds = seconds, warm_up, rounds


class Results:
    """All samples, and what failed: both by scenario and peer."""

    def __init__(self):
        self.samples = {}
        self.failures = {}

    def add(self, scenario, peer, sample):
        self.samples.setdefault((scenario.name, peer.name), []).append(sample)

    def fail(self, scenario, peer, text):
        self.failures.setdefault((scenario.name, peer.name), text)

    def median(self, scenario, peer, figure):
        values = self.values(scenario, peer, figure)
        return statistics.median(values) if values else None

    def values(self, scenario, peer, figure):
        samples = self.samples.get((scenario.name, peer.name), ())
        return [sample[figure] for sample in samples if figure in sample]

    def spread(self, scenario, peer, figure):
        """How far the rounds lie apart: half of the range between the outer ones, as a part of the median."""
        values = self.values(scenario, peer, figure)
        if len(values) < 2 or not statistics.median(values):
            return None
        return (max(values) - min(values)) / 2 / abs(statistics.median(values))

    def peak(self, peer):
        return self.median(scenario_table.BY_NAME[PEAK], peer, "rate")


def participants(scenario, peers, others):
    """Who takes part: edges, codecs, or peers, of which those that share a server count once where only servers are looked at."""
    if scenario.how in ("edge", "codec"):
        return [other for other in others if other.how == scenario.how]
    names = {peer.name for peer in peers}
    return [peer for peer in peers if scenario.how == "load" or peer.server_of not in names]


def run(selection, peers, others, settings, say):
    """Runs every scenario in rounds; within a round the peers take turns, and each round begins with another one."""
    results = Results()
    for scenario in selection:
        crowd = participants(scenario, peers, others)
        for number in range(settings.rounds):
            turn = number % max(1, len(crowd))
            for peer in crowd[turn:] + crowd[:turn]:
                if (scenario.name, peer.name) in results.failures:
                    continue
                if not peer.supports(scenario.kind):
                    results.fail(scenario, peer, peer.lacks[scenario.kind])
                    continue
                say(f"{scenario.name}: round {number + 1} of {settings.rounds}, {peer.name}")
                try:
                    results.add(scenario, peer, sample(scenario, peer, settings, results))
                except Failure as failure:
                    results.fail(scenario, peer, str(failure))
    return results


def sample(scenario, peer, settings, results):
    how = {"load": load, "start": start, "memory": memory, "edge": edge, "codec": codec}[scenario.how]
    return how(scenario, peer, settings, results)


def load(scenario, peer, settings, results):
    arguments = [*peer.client, *scenario.client_arguments(), "--seconds", str(settings.seconds),
                 "--warm-up", str(settings.warm_up)]
    rate = _rate(scenario, peer, settings, results)
    if rate:
        arguments += ["--rate", f"{rate:.0f}"]
    with Server([*peer.server, *scenario.server]) as server:
        before = server.usage()
        client = run_client([*arguments, "--connect", server.address], 30 + 4 * (settings.seconds + settings.warm_up))
        after = server.usage()
    report = client.report
    # The warm-up counts here, as it does in what the processes have used.
    calls = report["total_calls"]
    measured = {
        "rate": report["calls"] / report["seconds"],
        "megabytes": report["bytes"] / report["seconds"] / 1e6,
        "server_cpu": (after.cpu - before.cpu) / calls * 1e6,
        "client_cpu": client.cpu / calls * 1e6,
        "server_switches": (after.switches - before.switches) / calls,
        "client_switches": client.switches / calls,
        "server_resident": after.peak / 1e6,
        "client_resident": client.peak / 1e6,
    }
    names = {"p50_us": "p50", "p90_us": "p90", "p99_us": "p99", "p999_us": "p999", "max_us": "max", "mean_us": "mean"}
    measured.update({ours: report[theirs] for theirs, ours in names.items() if theirs in report})
    return measured


def _rate(scenario, peer, settings, results):
    if not isinstance(scenario.rate, str):
        return scenario.rate
    peak = results.peak(peer)
    if peak is None:
        pilot = load(scenario_table.BY_NAME[PEAK], peer, settings, results)
        results.add(scenario_table.BY_NAME[PEAK], peer, pilot)
        peak = pilot["rate"]
    return peak * float(scenario.rate.rstrip("%")) / 100


def start(scenario, peer, settings, results):
    del settings, results
    with Server(peer.server) as server:
        first = run_client([*peer.client, *scenario.client_arguments(), "--calls", "1", "--connect", server.address], 20)
        usage = server.usage()
    answer = first.report["seconds"]
    return {"start": (server.listening_after + answer) * 1e3, "listening": server.listening_after * 1e3,
            "server_resident": usage.peak / 1e6}


def memory(scenario, peer, settings, results):
    del settings, results
    with Server(peer.server) as server:
        with _idle_client(peer, scenario_table.BY_NAME["idle"].client_arguments(), server, 1):
            base = server.usage().resident
        if scenario.connections == 1:
            return {"memory": base / 1e6, "server_resident": base / 1e6}
        count = scenario.connections
        with _idle_client(peer, scenario.client_arguments(), server, count) as client:
            full = server.usage().resident
            of_client = Usage.of(client.pid).resident
    return {"per_connection": (full - base) / count / 1024, "memory": full / 1e6, "server_resident": full / 1e6,
            "client_resident": of_client / 1e6}


class _idle_client:
    """A client that has made a call on each of its connections, and keeps them."""

    def __init__(self, peer, arguments, server, calls):
        self._arguments = [*peer.client, *arguments, "--calls", str(calls), "--hold", "60", "--connect", server.address]

    def __enter__(self):
        self.process = subprocess.Popen(self._arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        if not self._has_reported(60):
            self.__exit__()
            raise Failure("not all connections came about within a minute")
        time.sleep(0.5)
        return self

    def _has_reported(self, timeout):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline().decode() if ready else ""
        return '"errors": 0' in line

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def edge(scenario, door, settings, results):
    upstream = peer_table.BY_NAME[door.upstream]
    if door.is_direct:
        measured = load(scenario, upstream, settings, results)
        # The service is the same process as behind the edges.
        measured["upstream_cpu"] = measured.pop("server_cpu")
        return {name: value for name, value in measured.items() if not name.startswith("server_")}
    with Server(upstream.server) as server, Server([door.program, "--upstream", server.address]) as front:
        wrk.check(front.port, scenario.payload)
        wrk.run(front.port, scenario, settings.warm_up or 0.5)
        before, before_upstream = front.usage(), server.usage()
        measured = wrk.run(front.port, scenario, settings.seconds)
        after, after_upstream = front.usage(), server.usage()
    calls = measured.pop("calls")
    measured["server_cpu"] = (after.cpu - before.cpu) / calls * 1e6
    measured["upstream_cpu"] = (after_upstream.cpu - before_upstream.cpu) / calls * 1e6
    measured["server_switches"] = (after.switches - before.switches) / calls
    measured["server_resident"] = after.peak / 1e6
    return measured


def codec(scenario, library, settings, results):
    del results
    report = run_codec(scenario, library, "--seconds", str(settings.seconds), "--warm-up", str(settings.warm_up),
                       timeout=30 + 4 * (settings.seconds + settings.warm_up))
    # One thread that never waits: its CPU time is what it takes where nobody else wants the core.
    return {"cost": report["cpu_seconds"] / report["calls"] * 1e9, "elapsed": report["seconds"] / report["calls"] * 1e9}


def run_codec(scenario, library, *arguments, timeout):
    return run_client(
        [*library.program, *codec_messages.files(scenario.message), "--work", scenario.work, *arguments], timeout).report
