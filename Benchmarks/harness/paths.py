# SPDX-License-Identifier: Apache-2.0
"""Where things lie."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "Benchmarks"
SOURCES = BENCHMARKS / "Peers"
SCRATCH = ROOT / ".build-release"
# The budgets' programs take the C library from the system, since their malloc is replaced: a build of its own.
BUDGETS_SCRATCH = ROOT / ".build-budgets"
# The programs of SwiftPM's release build, and those of the peers.
PROGRAMS = SCRATCH / "release"
BUDGETS_PROGRAMS = BUDGETS_SCRATCH / "release"
PEERS = SCRATCH / "peers"
