# SPDX-License-Identifier: Apache-2.0
"""The table, the JSON, and what the machine was like."""

import json
import os
import platform
import statistics
import subprocess
import time

from measure import participants
from paths import ROOT

# Of each figure: the heading, decimals, and whether more is better.
FIGURES = {
    "rate": ("calls/s", 0, True),
    "megabytes": ("MB/s", 0, True),
    "p50": ("p50 µs", 1, False),
    "p99": ("p99 µs", 1, False),
    "p999": ("p99.9 µs", 1, False),
    "start": ("start ms", 1, False),
    "memory": ("RSS MB", 1, False),
    "per_connection": ("KiB/connection", 1, False),
    "cost": ("ns CPU", 0, False),
    "elapsed": ("ns elapsed", 0, False),
    "server_cpu": ("server µs CPU", 2, False),
    "client_cpu": ("client µs CPU", 2, False),
    "upstream_cpu": ("upstream µs CPU", 2, False),
    "server_switches": ("server switches", 3, False),
    "client_switches": ("client switches", 3, False),
    "server_resident": ("server RSS MB", 1, False),
    "client_resident": ("client RSS MB", 1, False),
}
COLUMNS = ("elapsed", "rate", "megabytes", "p50", "p99", "p999", "server_cpu", "client_cpu", "upstream_cpu", "server_switches",
           "client_switches", "server_resident", "client_resident")
# A median of rounds that lie further apart than this says little.
SPREAD_MAX = 0.15


def _number(value, decimals):
    return "" if value is None else f"{value:,.{decimals}f}"


def best_of_others(results, scenario, crowd):
    """The best median of the peers that Ravioli is compared with."""
    more_is_better = FIGURES[scenario.figure][2]
    values = [results.median(scenario, peer, scenario.figure) for peer in crowd
              if not peer.is_ours and not getattr(peer, "is_limit", False)]
    values = [value for value in values if value]
    return (max if more_is_better else min)(values) if values else None


def _compared_with(results, scenario, crowd):
    """Whom the ratios are to, and what that one has."""
    for peer in crowd:
        if peer.name == scenario.compared_with and results.median(scenario, peer, scenario.figure):
            return peer.name, results.median(scenario, peer, scenario.figure)
    return "best peer", best_of_others(results, scenario, crowd)


def _ratio(results, scenario, peer, best):
    own = results.median(scenario, peer, scenario.figure)
    if not own or not best:
        return ""
    return f"{own / best if FIGURES[scenario.figure][2] else best / own:.2f}x"


def table(selection, peers, edges, results):
    """Text: a block for each scenario, footnotes below."""
    lines, notes = [], []
    for scenario in selection:
        crowd = participants(scenario, peers, edges)
        columns = _columns(scenario, crowd, results)
        heading, decimals, _ = FIGURES[scenario.figure]
        named, best = _compared_with(results, scenario, crowd)
        rows = [["", heading, "±", f"of {named}", *(FIGURES[name][0] for name in columns)]]
        for peer in crowd:
            value = results.median(scenario, peer, scenario.figure)
            if value is None:
                rows.append([peer.name, "-" + _note(notes, results.failures.get((scenario.name, peer.name)))])
                continue
            spread = results.spread(scenario, peer, scenario.figure)
            rows.append([
                peer.name, _number(value, decimals), "" if spread is None else f"{spread:.0%}",
                _ratio(results, scenario, peer, best),
                *(_number(results.median(scenario, peer, name), FIGURES[name][1]) for name in columns)])
        lines += ["", f"{scenario.name}: {scenario.title}", *_aligned(rows)]
    lines += [""] + [f"[{index + 1}] {note}" for index, note in enumerate(notes)]
    return "\n".join(lines).strip("\n")


def _note(notes, text):
    if not text:
        return ""
    if text not in notes:
        notes.append(text)
    return f" [{notes.index(text) + 1}]"


def _columns(scenario, crowd, results):
    return [name for name in COLUMNS if name != scenario.figure
            and any(results.median(scenario, peer, name) is not None for peer in crowd)
            and not (name == "megabytes" and scenario.payload < 1024)]


def _aligned(rows):
    width = max(len(row) for row in rows)
    rows = [row + [""] * (width - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(width)]
    return ["  " + "  ".join(
        cell.ljust(widths[index]) if index == 0 else cell.rjust(widths[index]) for index, cell in enumerate(row)
    ).rstrip() for row in rows]


def warnings(selection, peers, edges, results, load_before):
    """What a reader should know before believing the table."""
    found = []
    if load_before > 0.5:
        found.append(f"the machine was busy before it began (load {load_before:.1f}): quote ratios at most")
    noisy = [f"{scenario.name}/{peer.name}" for scenario in selection for peer in participants(scenario, peers, edges)
             if (results.spread(scenario, peer, scenario.figure) or 0) > SPREAD_MAX]
    if noisy:
        found.append(f"rounds lie more than {SPREAD_MAX:.0%} apart, so run again with more of them: {', '.join(noisy)}")
    return found


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()
    except OSError:
        return ""


def machine():
    """What was measured on, and with which versions."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    packages = ("golang-google-grpc-dev", "golang-github-containerd-ttrpc-dev", "libgrpc++-dev", "libcapnp-dev",
                "libthrift-dev", "golang-github-grpc-ecosystem-grpc-gateway-dev", "libprotobuf-dev", "libprotobuf-c-dev")
    versions = dict(line.split(" ", 1) for line in _output(
        "dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *packages).splitlines() if " " in line)
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "processor": models[0] if models else "unknown",
        "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(), "swift": _output("swift", "--version").split("\n")[0],
        "go": _output("go", "version"), "packages": versions, "commit": _output("git", "rev-parse", "--short", "HEAD"),
    }


def as_json(path, selection, peers, edges, results, settings, found):
    """Writes every sample and every median."""
    document = {"machine": machine(), "rounds": settings.rounds, "seconds": settings.seconds, "warnings": found,
                "scenarios": []}
    for scenario in selection:
        entry = {"name": scenario.name, "title": scenario.title, "figure": scenario.figure, "peers": {}}
        for peer in participants(scenario, peers, edges):
            samples = results.samples.get((scenario.name, peer.name))
            if not samples:
                entry["peers"][peer.name] = {"missing": results.failures.get((scenario.name, peer.name), "not run")}
                continue
            names = sorted({name for sample in samples for name in sample})
            medians = {name: statistics.median(results.values(scenario, peer, name)) for name in names}
            entry["peers"][peer.name] = {
                "median": medians, "spread": results.spread(scenario, peer, scenario.figure), "samples": samples}
        document["scenarios"].append(entry)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
