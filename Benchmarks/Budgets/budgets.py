# SPDX-License-Identifier: Apache-2.0
"""What is counted, how far each count may grow, and the comparison with what is committed. No clock is read for any of it."""

import fnmatch
import json
import math
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# Below this share of what is committed, a budget is worth lowering.
FAR_BELOW = 0.8


@dataclass(frozen=True)
class Kind:
    """A sort of count: its unit, and what `--update` allows above what it has measured, as a share and flat."""

    unit: str
    share: float
    flat: float = 0
    # Of the table's figures.
    decimals: int = 2

    def allowed(self, measured):
        factor = 10 ** self.decimals
        return math.ceil((measured * (1 + self.share) + self.flat) * factor - 1e-6) / factor


KINDS = {
    # How replies are gathered into writes differs a little from run to run.
    "allocations": Kind("allocations", 0.02, 0.15),
    "instructions": Kind("instructions", 0.05, decimals=0),
    # Frames are exact; credit comes back in steps that are not.
    "wire": Kind("bytes", 0, 0.02),
    # How many calls share a write depends on who waits for whom, and varies by half; without any sharing it is one and more.
    "syscalls": Kind("system calls", 0.5, 0.1, decimals=3),
    "memory": Kind("bytes", 0.05, 128, decimals=0),
}

# What was asked for; sums of measured budgets.
ASKED = (
    ("allocations of a unary call, client and server", ("allocations.unary.client", "allocations.unary.server"), 10),
    ("bytes of a server's idle connection", ("memory.connection.server",), 8192),
)


def kind(name):
    return KINDS[name.split(".")[0]]


class NoBudgets(Exception):
    """Nothing is committed for this toolchain; the text names it."""


def toolchain():
    """As 6.3-x86_64: what instructions and allocations depend on."""
    answer = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"Swift version (\d+\.\d+)", answer.stdout + answer.stderr)
    if not version:
        raise NoBudgets("`swift --version` names no version")
    return f"{version[1]}-{platform.machine()}"


def committed_file():
    return FOLDER / f"{toolchain()}.json"


def read(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))["budgets"]
    except FileNotFoundError:
        raise NoBudgets(f"{path} does not exist") from None


def write(path, measured):
    """Commits what was measured; budgets that were not measured stay."""
    path = Path(path)
    budgets = read(path) if path.exists() else {}
    for name, figure in measured.items():
        budgets[name] = {"measured": round(figure, 4), "allowed": kind(name).allowed(figure)}
    lines = [f'    "{name}": {json.dumps(budgets[name])}' for name in sorted(budgets)]
    path.write_text('{\n  "budgets": {\n' + ",\n".join(lines) + "\n  }\n}\n", encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """One budget beside what was measured."""

    name: str
    measured: float
    before: float | None
    allowed: float | None

    @property
    def is_over(self):
        return self.allowed is None or self.measured > self.allowed

    @property
    def is_far_below(self):
        return self.before is not None and self.measured < self.before * FAR_BELOW

    @property
    def verdict(self):
        if self.allowed is None:
            return "NOT COMMITTED"
        return "OVER" if self.is_over else "far below" if self.is_far_below else ""


def compare(measured, committed):
    """A row for each figure. One that is committed and was not measured is nobody's excuse: see `missing`."""
    rows = []
    for name in sorted(measured):
        entry = committed.get(name, {})
        rows.append(Row(name, measured[name], entry.get("measured"), entry.get("allowed")))
    return rows


def missing(measured, committed, patterns=(), excused=()):
    """Budgets that should have been measured and were not."""
    return [name for name in sorted(committed)
            if name not in measured and is_chosen(name, patterns) and name.split(".")[0] not in excused]


def is_chosen(name, patterns):
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def table(rows):
    cells = [("budget", "measured", "committed", "allowed", "")]
    for row in rows:
        decimals = kind(row.name).decimals
        figures = ["–" if figure is None else f"{figure:,.{decimals}f}" for figure in (row.measured, row.before, row.allowed)]
        cells.append((f"{row.name} ({kind(row.name).unit})", *figures, row.verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = []
    for line in cells:
        numbers = "  ".join(line[column].rjust(widths[column]) for column in (1, 2, 3))
        lines.append(f"{line[0].ljust(widths[0])}  {numbers}  {line[4]}".rstrip())
    return "\n".join(lines)


def asked(measured):
    for title, names, most in ASKED:
        if all(name in measured for name in names):
            yield f"{title}: {sum(measured[name] for name in names):,.1f}; asked for: at most {most:,}"


def verdict(measured, committed, patterns=(), excused=()):
    """The table and what follows from it, and whether nothing is over its budget."""
    rows = compare(measured, committed)
    lines = [table(rows), *asked(measured)]
    absent = missing(measured, committed, patterns, excused)
    over = [row for row in rows if row.is_over]
    for row in over:
        most = "nothing is committed" if row.allowed is None else f"at most {row.allowed:,} allowed"
        lines.append(f"OVER BUDGET: {row.name}: {row.measured:,.2f} {kind(row.name).unit}, {most}")
    lines += [f"NOT MEASURED: {name}" for name in absent]
    if any(row.is_far_below for row in rows):
        lines.append("Some are far below their budgets: `Scripts/budgets --update` keeps what was won.")
    return "\n".join(lines), not over and not absent
