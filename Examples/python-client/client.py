#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls methods of a Ravioli server; a reader of the wire protocol, written from its specification alone.

Requests are JSON. Of a method that takes one request, each is a call of its own, and all are under way at the same
time; of a method that takes a stream, they are the requests of one call. What the server answers goes to standard
output, one line for each thing.
"""
import argparse
import os
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from connection import Connection
from wire import EXECUTED, STATUSES, ConnectionLost, Refused

PROTOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Protos")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 all calls ended OK, 1 one did not, 2 wrong usage, 3 the connection failed.")
    parser.add_argument("address", help="HOST:PORT of the server")
    parser.add_argument("method", help="package.Service/Method")
    parser.add_argument("requests", nargs="*", metavar="REQUEST", help="a request as JSON; default for a method that "
                        "takes one: {}; a single - reads them from standard input, one a line")
    parser.add_argument("--proto", action="append", metavar="FILE", help="a schema, below --protos; may be repeated")
    parser.add_argument("--protos", default=PROTOS, metavar="DIR", help="the schemas' folder; default: this project's")
    parser.add_argument("--timeout", type=float, default=15, metavar="SECONDS", help="the deadline; default 15, 0: none")
    parser.add_argument("--metadata", action="append", default=[], metavar="NAME=VALUE",
                        help="goes with each call; the value of a -bin name is hexadecimal")
    parser.add_argument("--cancel-after", type=int, metavar="N", help="cancels each call after so many answers")
    parser.add_argument("--trace", action="store_true", help="shows each frame on standard error")
    return parser.parse_args()


class Schemas:
    """What protoc read out of .proto files: message classes and methods, by their full names."""

    def __init__(self, folder, files):
        command = ["protoc", "-I", folder, "--include_imports", "--descriptor_set_out=/dev/stdout"] + files
        found = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        self.pool = descriptor_pool.DescriptorPool()
        self.streams = {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(found).file:
            self.pool.AddSerializedFile(file.SerializeToString())
            for service in file.service:
                for method in service.method:
                    self.streams[f"{file.package}.{service.name}/{method.name}"] = (
                        method.client_streaming, method.server_streaming)

    def __getitem__(self, name):
        """The class of a message."""
        descriptor = self.pool.FindMessageTypeByName(name)
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(self.pool).GetPrototype(descriptor)

    def method(self, name):
        """Classes of request and answer, and whether each is a stream."""
        service, _, method = name.partition("/")
        found = self.pool.FindServiceByName(service).methods_by_name[method]
        return self[found.input_type.full_name], self[found.output_type.full_name], *self.streams[name]

    def json(self, name, data):
        """A message as JSON, or its bytes when its schema is not at hand."""
        try:
            return as_json(self[name].FromString(data))
        except (KeyError, ValueError):
            return data.hex()


def as_json(message):
    return json_format.MessageToJson(message, indent=None)


def show(kind, *words):
    print(kind, *words, flush=True)


def show_metadata(kind, pairs):
    for pair in pairs:
        is_text = not pair.name.endswith("-bin")
        show(kind, f"{pair.name}={pair.value.decode('ascii', 'replace') if is_text else pair.value.hex()}")


def finish(call, answer_type, schemas, cancel_after):
    """Shows what a call brings, and returns whether it ended well."""
    for count, data in enumerate(call, start=1):
        if count == 1:
            show_metadata("initial-metadata", call.initial_metadata or [])
        show("answer", as_json(answer_type.FromString(data)))
        if count == cancel_after:
            call.cancel()
    ending = call.ending
    show_metadata("metadata", ending.metadata)
    name = STATUSES[ending.code] if ending.code < len(STATUSES) else str(ending.code)
    show("end", name, f"executed={EXECUTED[ending.executed]}" + (f": {ending.text}" if ending.text else ""))
    for detail in ending.details:
        name = detail.type_url.rpartition("/")[2]
        show("detail", name, schemas.json(name, detail.value))
    return ending.code == 0


def run(options):
    schemas = Schemas(options.protos, ["ravioli/rpc/v1/rpc.proto"] + (options.proto or []))
    try:
        request_type, answer_type, streams_requests, streams_answers = schemas.method(options.method)
    except KeyError:
        sys.exit(f"client.py: {options.method} is in none of the schemas; name its file with --proto")
    if options.requests == ["-"]:
        options.requests = sys.stdin.read().splitlines()
    texts = options.requests or ([] if streams_requests else ["{}"])
    requests = [json_format.Parse(text, request_type()).SerializeToString() for text in texts]
    pairs = [metadata_pair(text) for text in options.metadata]
    connection = Connection(options.address, schemas, trace=options.trace)

    def open_call(request):
        return connection.open(options.method, request, streams_answers, options.timeout or None, pairs)

    if streams_requests:
        calls = [open_call(None)]
        for request in requests:
            calls[0].send(request)
        if options.cancel_after != 0:
            calls[0].close_requests()
    else:
        calls = [open_call(request) for request in requests]
    if options.cancel_after == 0:
        for call in calls:
            call.cancel()
    results = [finish(call, answer_type, schemas, options.cancel_after) for call in calls]
    connection.settle()
    connection.close()
    return 0 if all(results) else 1


def metadata_pair(text):
    name, _, value = text.partition("=")
    return name, bytes.fromhex(value) if name.endswith("-bin") else value.encode("ascii")


if __name__ == "__main__":
    try:
        sys.exit(run(arguments()))
    except (Refused, ConnectionLost, OSError) as error:
        print(f"client.py: {error}", file=sys.stderr)
        sys.exit(3)
