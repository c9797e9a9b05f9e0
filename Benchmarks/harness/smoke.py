# SPDX-License-Identifier: Apache-2.0
"""Whether everything that is built still works: a few hundred calls each, answers checked, nothing claimed about speed."""

import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import measure
import peers as peer_table
import plot
import report
import scenarios as scenario_table
import wrk
from processes import Failure, Server, run_client

CALLS = 200
KINDS = ("unary", "server-stream", "client-stream", "bidi", "pi")


def run(peers, others, say):
    """Returns the exit code."""
    passed = failed = skipped = 0
    for peer in peers:
        for name, check in _checks(peer):
            try:
                check()
                passed += 1
            except Failure as failure:
                failed += 1
                say(f"FAILED {peer.name} {name}: {failure}")
        skipped += sum(not peer.supports(kind) for kind in KINDS)
    for other in others:
        for name, check in _checks_alone(other):
            try:
                check()
                passed += 1
            except Failure as failure:
                failed += 1
                say(f"FAILED {other.name} {name}: {failure}")
    try:
        _report(peers[:1])
        passed += bool(peers)
    except Failure as failure:
        failed += 1
        say(f"FAILED the report: {failure}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def _checks(peer):
    for kind in KINDS:
        if peer.supports(kind):
            yield kind, lambda kind=kind: _calls(peer, "--scenario", kind, "--rounds", "5000")
    yield "1 MB", lambda: _calls(peer, "--payload", str(1 << 20), calls=16)
    yield "no payload", lambda: _calls(peer, "--payload", "0")
    yield "open loop", lambda: _calls(peer, "--rate", "2000")
    if peer.supports("slow"):
        yield "slow calls", lambda: _calls(peer, "--slow-percent", "1", "--delay-us", "2000", server=("--offload",))


def _calls(peer, *arguments, calls=CALLS, server=()):
    with Server([*peer.server, *server]) as process:
        report = run_client(
            [*peer.client, "--in-flight", "8", "--connections", "2", "--calls", str(calls), *arguments,
             "--connect", process.address], 30).report
    wanted = calls * 8 if arguments[:2] in [("--scenario", kind) for kind in KINDS[1:4]] else calls
    if report["total_calls"] != wanted or report["calls"] != wanted:
        raise Failure(f"{report['total_calls']} answers instead of {wanted}")


def _checks_alone(other):
    if other.how == "edge":
        if not other.is_direct:
            yield "", lambda: _edge(other)
        return
    for scenario in scenario_table.ALL:
        if scenario.how == other.how and other.supports(scenario.kind):
            yield scenario.name, lambda scenario=scenario: _codec(scenario, other)


def _codec(scenario, library):
    # The programs check themselves that the bytes and the JSON are one message.
    report = measure.run_codec(scenario, library, "--calls", str(CALLS), timeout=30)
    if report["calls"] != CALLS:
        raise Failure(f"{report['calls']} messages instead of {CALLS}")


def _edge(door):
    upstream = peer_table.BY_NAME[door.upstream]
    with Server(upstream.server) as server, Server([door.program, "--upstream", server.address]) as front:
        for payload in (0, 64, 1024):
            wrk.check(front.port, payload)


def _report(peers):
    """The way from samples to table, JSON and plots, with a sample of one peer."""
    if not peers:
        return
    settings = measure.Settings(seconds=0.1, warm_up=0, rounds=2)
    selection = [scenario_table.BY_NAME["ping-pong"]]
    results = measure.run(selection, peers, [], settings, lambda _: None)
    found = report.warnings(selection, peers, [], results, os.getloadavg()[0])
    text = report.table(selection, peers, [], results)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        report.as_json(path, selection, peers, [], results, SimpleNamespace(rounds=2, seconds=0.1), found)
        entry = json.loads(path.read_text(encoding="utf-8"))["scenarios"][0]["peers"][peers[0].name]
        plots = plot.write_all(Path(folder), selection, peers, [], results)
    if len(entry.get("samples", ())) != 2 or plots != 1 or peers[0].name not in text:
        raise Failure("samples do not arrive in the table, the JSON or the plots")
