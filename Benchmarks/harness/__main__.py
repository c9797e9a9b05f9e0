# SPDX-License-Identifier: Apache-2.0
"""Benchmarks/run: Ravioli beside its peers, in one run on one machine."""

import argparse
import os
import sys
from pathlib import Path

import build
import measure
import peers as peer_table
import plot
import report
import scenarios as scenario_table
import smoke
import syscalls
from processes import Failure, Spinners

EPILOG = """
Client and server are separate processes; in each round the peers take turns, and each round begins with another peer; the
table shows medians, and half of the range between the rounds (±). CPU time, context switches and system calls are per call.
Compare figures of one run only, and quote ratios: absolute ones are the machine's.
"""


def say(text):
    print(f"Benchmarks/run: {text}", file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="a scenario, a group of them (codec, json) or a peer; repeatable. Without one of either "
                             "kind: all of that kind")
    parser.add_argument("--list", action="store_true", help="the scenarios and peers, and what is built")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement; default 2")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds ahead of each measurement; default 0.5")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also writes every sample and median there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="also writes an SVG for each scenario there")
    parser.add_argument("--spin", action="store_true",
                        help="keeps each core awake by a process of the lowest priority: for ping-pong on virtual machines, "
                             "where waking up from halt hides the software")
    parser.add_argument("--syscalls", action="store_true",
                        help="also counts the server's system calls per call, by strace, in the scenarios unary-64 and ping-pong")
    parser.add_argument("--smoke", action="store_true",
                        help=f"only whether everything that is built works: {smoke.CALLS} calls each, in seconds")
    parser.add_argument("--build", action="store_true", help="only installs and builds")
    parser.add_argument("--no-build", action="store_true", help="measures what is built, as it is")
    arguments = parser.parse_args()
    known = {*scenario_table.BY_NAME, *scenario_table.GROUPS, *peer_table.BY_NAME, *(other.name for other in peer_table.OTHERS)}
    unknown = [name for name in arguments.only if name not in known]
    if unknown:
        parser.error(f"no such scenario or peer: {', '.join(unknown)}; see --list")
    if arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    return arguments


def choose(only):
    """The scenarios, the peers, and the edges and codecs that were asked for."""
    selection = [scenario for scenario in scenario_table.ALL if scenario.name in only or scenario.group in only]
    chosen = [peer for peer in peer_table.ALL if peer.name in only]
    others = [other for other in peer_table.OTHERS if other.name in only]
    if not chosen and not others:
        chosen, others = ([one for one in some if not getattr(one, "is_extra", False)]
                          for some in (peer_table.ALL, peer_table.OTHERS))
    if not selection:
        selection = [scenario for scenario in scenario_table.ALL
                     if scenario.is_default and measure.participants(scenario, chosen, others)]
    return selection, chosen, others


def builds_of(selection, chosen, others):
    needed = [one.build for scenario in selection for one in measure.participants(scenario, chosen, others)]
    needed += [peer_table.BY_NAME[one.upstream].build for scenario in selection if scenario.how == "edge"
               for one in measure.participants(scenario, chosen, others)]
    return list(dict.fromkeys(needed))


def show_list():
    print("scenarios:")
    for scenario in scenario_table.ALL:
        print(f"  {scenario.name:20} {scenario.title}{'' if scenario.is_default else ' (only when named)'}")
    print("peers:")
    for peer in (*peer_table.ALL, *peer_table.OTHERS):
        extra = " (only when named)" if getattr(peer, "is_extra", False) else ""
        print(f"  {peer.name:20} {peer.title}{extra}{'' if peer.is_built else ' (not built)'}")


def prepare(selection, chosen, others):
    """Installs and builds; leaves out what cannot be built, and says so."""
    builds = builds_of(selection, chosen, others)
    build.install(builds, say)
    failed = build.build_all(builds, say)
    for name, text in failed.items():
        say(f"{name} does not build: {text}")
    return not failed


def count_syscalls(chosen):
    for name in ("unary-64", "ping-pong"):
        scenario = scenario_table.BY_NAME[name]
        print(f"\nsystem calls of the server per call, {scenario.title}")
        for peer in chosen:
            try:
                print(f"  {peer.name:20} {syscalls.count(peer, scenario):8.3f}")
            except Failure as failure:
                print(f"  {peer.name:20} -  ({failure})")


def main():
    arguments = parse()
    if arguments.list:
        return show_list()
    selection, chosen, others = choose(arguments.only)
    if arguments.smoke:
        chosen, others = ([one for one in some if one.is_built] for some in (chosen, others))
        if not chosen and not others:
            say("nothing is built; begin with Benchmarks/run --build")
            return 1
        return smoke.run(chosen, others, say)
    if not arguments.no_build:
        try:
            complete = prepare(selection, chosen, others)
        except build.BuildFailure as failure:
            say(str(failure))
            return 1
        if arguments.build:
            return 0 if complete else 1
    missing = [one.name for one in (*chosen, *others) if not one.is_built]
    if missing:
        say(f"not built, and so left out: {', '.join(missing)}")
    chosen, others = ([one for one in some if one.is_built] for some in (chosen, others))
    load_before = os.getloadavg()[0]
    settings = measure.Settings(arguments.seconds, arguments.warm_up, arguments.rounds)
    with Spinners(arguments.spin):
        results = measure.run(selection, chosen, others, settings, say)
    print(report.table(selection, chosen, others, results))
    if arguments.syscalls:
        count_syscalls(chosen)
    found = report.warnings(selection, chosen, others, results, load_before)
    for warning in found:
        say(f"warning: {warning}")
    if arguments.json:
        report.as_json(arguments.json, selection, chosen, others, results, settings, found)
    if arguments.plots:
        plot.write_all(arguments.plots, selection, chosen, others, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
