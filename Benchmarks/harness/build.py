# SPDX-License-Identifier: Apache-2.0
"""What a machine needs, and the release builds of everything."""

import os
import shutil
import subprocess

from paths import BENCHMARKS, PEERS, ROOT, SCRATCH, SOURCES

GOCODE = "/usr/share/gocode/src"
# Programs with all they need inside, as Ravioli's page on deployment advises: they start in three fifths of the time and are
# smaller in memory.
RAVIOLI_OPTIONS = (
    "--disable-local-rpath", "-Xswiftc", "-static-executable", "-Xswiftc", "-use-ld=lld",
    "-Xswiftc", "-Xclang-linker", "-Xswiftc", "-static-pie", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs")
RAVIOLI_PROGRAMS = ("ravioli-load-server", "ravioli-load-client", "ravioli-load-edge", "CodecBenchmark")

# Debian packages by build, each with what shows that it is there: a program, or a file.
REQUIREMENTS = {
    "go": {
        "golang-go": "go",
        "golang-google-grpc-dev": f"{GOCODE}/google.golang.org/grpc/version.go",
        "golang-github-containerd-ttrpc-dev": f"{GOCODE}/github.com/containerd/ttrpc/client.go",
        "golang-github-grpc-ecosystem-grpc-gateway-dev": f"{GOCODE}/github.com/grpc-ecosystem/grpc-gateway/runtime/mux.go",
        "golang-grpc-gateway": "protoc-gen-grpc-gateway",
        "gogoprotobuf": "protoc-gen-gogofaster",
        "protoc-gen-go-1-3": "protoc-gen-go",
        "protobuf-compiler": "protoc",
        "wrk": "wrk",
    },
    "c": {
        "gcc": "gcc",
        "g++": "g++",
        "protobuf-compiler": "protoc",
        "protobuf-compiler-grpc": "grpc_cpp_plugin",
        "libgrpc++-dev": "/usr/include/grpcpp/grpcpp.h",
        "capnproto": "capnp",
        "libcapnp-dev": "/usr/include/capnp/rpc-twoparty.h",
        "thrift-compiler": "thrift",
        "libthrift-dev": "/usr/include/thrift/server/TNonblockingServer.h",
        "libboost-dev": "/usr/include/boost/numeric/conversion/cast.hpp",
        "libevent-dev": "/usr/include/event2/event.h",
        "libprotobuf-dev": "/usr/include/google/protobuf/util/json_util.h",
        "libprotobuf-c-dev": "/usr/include/protobuf-c/protobuf-c.h",
        "protobuf-c-compiler": "protoc-c",
    },
    "grpc-swift": {"protobuf-compiler": "protoc"},
    "ravioli": {
        "libprotobuf-c-dev": "/usr/include/protobuf-c/protobuf-c.h",
        "libsqlite3-dev": "/usr/include/sqlite3.h",
        "protobuf-compiler": "protoc",
        "zlib1g-dev": "/usr/include/zlib.h",
    },
}


class BuildFailure(Exception):
    """The text says what did not build."""


def _is_met(evidence):
    return os.path.exists(evidence) if evidence.startswith("/") else shutil.which(evidence) is not None


def install(builds, say):
    """Installs the Debian packages that are missing."""
    wanted = {name: evidence for build in builds for name, evidence in REQUIREMENTS[build].items()}
    missing = sorted(name for name, evidence in wanted.items() if not _is_met(evidence))
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise BuildFailure(f"missing, and there is no apt-get to install them: {' '.join(missing)}")
    say(f"installing system packages: {' '.join(missing)}")
    root = [] if os.geteuid() == 0 else ["sudo"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run([*root, "apt-get", "update", "--quiet=2"], env=environment, check=False)
    done = subprocess.run(
        [*root, "apt-get", "install", "--yes", "--no-install-recommends", "--quiet=2", *missing],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    still = [name for name in missing if not _is_met(wanted[name])]
    if done.returncode or still:
        raise BuildFailure(f"apt-get could not install {' '.join(still or missing)}")


def swift_build(scratch, options, programs):
    """The commands that build programs of the benchmarks' package."""
    base = ["swift", "build", "-c", "release", "--package-path", str(BENCHMARKS), "--scratch-path", str(scratch),
            "-j", str(os.cpu_count()), "--quiet", *options]
    return [[*base, "--product", program] for program in programs]


def _commands(build):
    if build == "ravioli":
        return swift_build(SCRATCH, RAVIOLI_OPTIONS, RAVIOLI_PROGRAMS)
    return [[str(SOURCES / f"build-{build}.sh"), str(PEERS)]]


def plan_anew(scratch):
    """SwiftPM does not notice new files of a package that is not the root unless it plans anew."""
    (scratch / "release.yaml").unlink(missing_ok=True)
    for description in scratch.glob("*/release/description.json"):
        description.unlink()


def run(commands):
    """Runs commands one after another; returns the last words of the first that failed, or None."""
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if "error" in line.lower()] or done.stdout.splitlines()
            return lines[0][:200] if lines else f"exit code {done.returncode}"
    return None


def build_all(builds, say):
    """Builds for release what the chosen peers need. Returns the builds that failed, with their last words."""
    PEERS.mkdir(parents=True, exist_ok=True)
    failed = {}
    for build in builds:
        say(f"building {build}")
        if build == "ravioli":
            plan_anew(SCRATCH)
        words = run(_commands(build))
        if words:
            failed[build] = words
    return failed
