# SPDX-License-Identifier: Apache-2.0
"""Scripts/budgets: what one call costs, in counts that depend on no clock, beside what is committed."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "harness"))

import allocations  # noqa: E402
import budgets  # noqa: E402
import build  # noqa: E402
import instruments  # noqa: E402
import scenarios_counted as scenarios  # noqa: E402
import selftest  # noqa: E402
from paths import BUDGETS_SCRATCH  # noqa: E402
from processes import Failure, Server, run_client  # noqa: E402

EPILOG = """
A budget is committed for each toolchain in Benchmarks/Budgets, with what was measured and the most that is allowed. A call's
cost is what 2N calls count more than N, divided by N. Exit codes: 1 when something is over its budget, 2 when it could not be
measured, 0 otherwise, also when nothing is committed for this toolchain, which is said.
"""


def say(text):
    print(f"Scripts/budgets: {text}", file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser(prog="Scripts/budgets", description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="budgets whose names match, as 'allocations.*'; repeatable")
    parser.add_argument("--update", action="store_true", help="commits what is measured, instead of comparing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also writes what was measured there")
    subjects = sorted(scenarios.RECORDED | scenarios.HELD)
    parser.add_argument("--stacks", choices=subjects, metavar="SCENARIO",
                        help=f"instead shows who allocates in a scenario, or holds memory: {', '.join(subjects)}")
    parser.add_argument("--check", type=Path, metavar="FILE",
                        help="measures nothing: compares what --json wrote before")
    parser.add_argument("--self-test", action="store_true", help="only whether the instruments count right")
    parser.add_argument("--budgets", type=Path, metavar="FILE", help="the committed file; default: the toolchain's")
    parser.add_argument("--no-build", action="store_true", help="measures what is built, as it is")
    return parser.parse_args()


def measure(patterns):
    """All figures of the chosen budgets by name, and the groups that cannot be measured here."""
    measured, excused = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        library = instruments.build_library(folder)
        for group, named in scenarios.MEASUREMENTS.items():
            for scenario, run in named.items():
                names = [f"{group}.{scenario}.{side}" for side in instruments.SIDES]
                if group in excused or not any(budgets.is_chosen(name, patterns) for name in names):
                    continue
                say(f"counting {group} of {scenario}")
                try:
                    figures = run(library)
                except instruments.Unavailable as reason:
                    say(f"{group} are not counted: {reason}")
                    excused.add(group)
                    continue
                chosen = zip(names, (figures[side] for side in instruments.SIDES))
                measured.update((name, figure) for name, figure in chosen if budgets.is_chosen(name, patterns))
    return measured, excused


def show_stacks(name):
    """Prints who allocates, on each side: for a call or a message, or for what is held."""
    is_held = name in scenarios.HELD
    count = 500 if is_held else 5_000
    unit = name if is_held else "call"
    with tempfile.TemporaryDirectory() as folder:
        counter = instruments.Allocations(folder, instruments.build_library(folder))
        scenario = None if is_held else scenarios.RECORDED[name]
        arguments = scenarios.HELD[name](count) if is_held else [*scenario.arguments, *scenario.calls(count)]
        with Server([*counter.command("server"), *(scenario.server if scenario else ())], timeout=60) as server:
            arguments = [*arguments, "--connect", server.address]
            run_client([instruments.program("client"), *arguments], instruments.TIMEOUT)
            for side in instruments.SIDES:
                counter.counts[side].record()
            with instruments.held([*counter.command("client"), *arguments]) as client:
                for side, pid in (("server", server.process.pid), ("client", client.pid)):
                    print(f"== {side}\n{allocations.report(counter.counts[side], pid, count, unit, is_held)}")


def compare(measured, path, patterns, excused):
    try:
        text, is_fine = budgets.verdict(measured, budgets.read(path), patterns, excused)
    except budgets.NoBudgets as reason:
        print("\n".join([budgets.table(budgets.compare(measured, {})), *budgets.asked(measured)]))
        say(f"nothing to compare with: {reason}; --update commits what was measured")
        return 0
    print(text)
    return 0 if is_fine else 1


def main():
    arguments = parse()
    if arguments.self_test:
        selftest.run()
        return 0
    path = arguments.budgets or budgets.committed_file()
    if arguments.check:
        return compare(json.loads(arguments.check.read_text(encoding="utf-8")), path, arguments.only, ())
    if not arguments.no_build:
        say("building for release (the first time takes 5 to 10 minutes on two cores)")
        build.plan_anew(BUDGETS_SCRATCH)
        programs = [f"ravioli-load-{side}" for side in instruments.SIDES]
        complaint = build.run(build.swift_build(BUDGETS_SCRATCH, ["--static-swift-stdlib"], programs))
        if complaint:
            say(f"the build failed: {complaint}")
            return 2
    try:
        if arguments.stacks:
            show_stacks(arguments.stacks)
            return 0
        measured, excused = measure(arguments.only)
    except Failure as failure:
        say(f"not measured: {failure}")
        return 2
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    if arguments.update:
        budgets.write(path, measured)
        say(f"written to {path}")
    return compare(measured, path, arguments.only, excused)


if __name__ == "__main__":
    sys.exit(main())
