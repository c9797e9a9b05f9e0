# SPDX-License-Identifier: Apache-2.0
"""The other end of allocations.c: reads a running process' counts, and names the call stacks of its allocations."""

import bisect
import mmap
import struct
import subprocess

STACKS, FRAMES = 1 << 14, 30
HEADER = struct.Struct("<QqQQ")
STACK = struct.Struct(f"<QQQqQ{FRAMES}Q")
# What allocates for somebody else: a stack begins below it.
ALLOCATORS = ("malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc", "swift_slowAlloc",
              "swift_allocObject", "_Znwm", "_Znam")


class Counts:
    """A file that a process keeps its counts in."""

    def __init__(self, path, library):
        size = HEADER.size + STACKS * STACK.size
        path.write_bytes(b"")
        with open(path, "r+b") as file:
            file.truncate(size)
            self._memory = mmap.mmap(file.fileno(), size)
        # How a command begins whose allocations are to be counted here.
        self.prefix = ["env", f"LD_PRELOAD={library}", f"RAVIOLI_ALLOCATIONS={path}"]

    @property
    def allocations(self):
        return HEADER.unpack_from(self._memory)[0]

    @property
    def live_bytes(self):
        return HEADER.unpack_from(self._memory)[1]

    def record(self, on=True):
        """Begins, or ends, to keep call stacks."""
        struct.pack_into("<Q", self._memory, 16, int(on))

    def stacks(self):
        """(count, bytes, bytes that are left, addresses) of each recorded stack."""
        for index in range(STACKS):
            fields = STACK.unpack_from(self._memory, HEADER.size + index * STACK.size)
            if fields[0]:
                yield fields[1], fields[2], fields[3], fields[5:5 + fields[4]]


class Symbols:
    """Names for the addresses of a running process."""

    def __init__(self, pid):
        self._mappings = []
        self._tables = {}
        with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if len(words) == 6 and words[5].startswith("/"):
                    first, last = (int(text, 16) for text in words[0].split("-"))
                    self._mappings.append((first, last, int(words[2], 16), words[5]))

    def name(self, address):
        for first, last, offset, path in self._mappings:
            if first <= address < last:
                return self._lookup(path, address - first + offset)
        return hex(address)

    def _lookup(self, path, offset):
        addresses, names, segments = self._table(path)
        for start, size, virtual in segments:
            if start <= offset < start + size:
                index = bisect.bisect_right(addresses, offset - start + virtual) - 1
                return names[index] if index >= 0 else path
        return path

    def _table(self, path):
        if path not in self._tables:
            self._tables[path] = (*_symbols(path), _segments(path))
        return self._tables[path]


def _symbols(path):
    lines = []
    for options in ([], ["--dynamic"]):
        answer = subprocess.run(["nm", "--defined-only", *options, path], capture_output=True, text=True, check=False)
        lines += [line.split(maxsplit=2) for line in answer.stdout.splitlines()]
    found = sorted((int(words[0], 16), words[2]) for words in lines if len(words) == 3 and words[1] in "TtWwVvi")
    return [address for address, _ in found], [name for _, name in found]


def _segments(path):
    answer = subprocess.run(["readelf", "--program-headers", "--wide", path], capture_output=True, text=True, check=False)
    loads = [line.split() for line in answer.stdout.splitlines() if line.strip().startswith("LOAD")]
    return [(int(words[1], 16), int(words[4], 16), int(words[2], 16)) for words in loads]


def demangled(names):
    """Swift's and C++'s names as people write them."""
    names = list(names)
    text = "\n".join(names)
    for command in (["swift", "demangle", "--simplified"], ["c++filt"]):
        try:
            text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.rstrip("\n")
        except (OSError, subprocess.CalledProcessError):
            continue
    return dict(zip(names, text.split("\n")))


def report(counts, pid, units, unit, is_about_memory=False, depth=7, rows=25):
    """The stacks that allocate most often, or that hold most memory, innermost frame first; what allocates for others is left
    out."""
    symbols = Symbols(pid)
    merged = {}
    for count, size, live, addresses in counts.stacks():
        frames = [symbols.name(address - 1) for address in addresses]
        while len(frames) > 1 and any(name in frames[0] for name in ALLOCATORS):
            frames.pop(0)
        before = merged.get(key := tuple(frames[:depth]), (0, 0, 0))
        merged[key] = (before[0] + count, before[1] + size, before[2] + live)
    names = demangled({name for key in merged for name in key})
    lines = []
    for key, (count, size, live) in sorted(merged.items(), key=lambda item: -item[1][2 if is_about_memory else 0])[:rows]:
        lines.append(f"{count / units:8.2f} per {unit}, {size / count:6.0f} bytes each, {live / units:8.1f} bytes left of them")
        lines += [f"             {names[name][:150]}" for name in key]
    return "\n".join(lines)
