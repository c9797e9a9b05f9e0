# SPDX-License-Identifier: Apache-2.0
"""The fixed scenarios: what the load client is told, and which budgets come of it."""

from dataclasses import dataclass

import instruments

ON_LOOP = ("--callers", "loop")


@dataclass(frozen=True)
class Scenario:
    """Calls, or messages of a stream, of which some thousands more cost proportionally more."""

    name: str
    arguments: tuple
    # The argument that says how many calls, or messages, to make.
    counted_by: str = "--calls"
    server: tuple = ()

    def calls(self, count):
        """A stream is opened once, and carries the messages that count."""
        return [self.counted_by, str(count)] if self.counted_by == "--calls" else ["--calls", "1", self.counted_by, str(count)]


def _unary(name, *arguments, callers=ON_LOOP, server=()):
    return Scenario(name, ("--scenario", "unary", "--payload", "64", "--in-flight", "64", *callers, *arguments), server=server)


def _stream(name):
    return Scenario(name, ("--scenario", name, "--payload", "64", "--in-flight", "1", *ON_LOOP), counted_by="--messages")


# 64 calls in flight on one connection, 64 bytes each: with a deadline, a pair of metadata and metrics.
UNARY = _unary("unary")
# As most callers are: on Swift's ordinary pool.
UNARY_FROM_POOL = _unary("unary-from-pool", callers=("--callers", "pool"))
UNARY_PLAIN = _unary("unary-plain", "--stack", "plain", server=("--stack", "plain"))
SERVER_STREAM, CLIENT_STREAM, BIDI = _stream("server-stream"), _stream("client-stream"), _stream("bidi")

# How a number of something is opened that then is idle. A client connects with its first call; some calls more make sure that
# each has made one.
HELD = {
    "connection": lambda count: ["--connections", str(count), "--calls", str(4 * count)],
    "stream": lambda count: ["--idle-streams", str(count)],
}

# By prefix of the budgets' names: how it is measured, and on what.
MEASUREMENTS = {
    "allocations": {
        scenario.name: lambda library, scenario=scenario: instruments.per_call(
            instruments.Allocations, library, scenario, 20_000)
        for scenario in (UNARY, UNARY_FROM_POOL, SERVER_STREAM, CLIENT_STREAM, BIDI)
    },
    "instructions": {
        scenario.name: lambda library, scenario=scenario: instruments.per_call(
            instruments.Instructions, library, scenario, 2_000)
        for scenario in (UNARY, SERVER_STREAM, CLIENT_STREAM)
    },
    "wire": {
        scenario.name: lambda _, scenario=scenario: instruments.wire_per_call(scenario, 20_000)
        for scenario in (UNARY, UNARY_PLAIN, SERVER_STREAM, CLIENT_STREAM)
    },
    "syscalls": {
        UNARY.name: lambda library: instruments.per_call(instruments.SystemCalls, library, UNARY, 20_000),
    },
    "memory": {
        name: lambda library, opening=opening: instruments.memory_each(library, opening, 900)
        for name, opening in HELD.items()
    },
}
# What `--stacks` records.
RECORDED = {scenario.name: scenario for scenario in (UNARY, UNARY_FROM_POOL, SERVER_STREAM, CLIENT_STREAM, BIDI)}


def names():
    """All budgets."""
    return [f"{group}.{scenario}.{side}"
            for group, scenarios in MEASUREMENTS.items() for scenario in scenarios for side in instruments.SIDES]
