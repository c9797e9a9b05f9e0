# SPDX-License-Identifier: Apache-2.0
"""The protocol's numbers and names, and what ends calls and connections."""
import collections

HELLO, CALL, DATA, END, CANCEL, CREDIT, PING, GOAWAY = range(1, 9)
LAST, MESSAGE, CHUNKED, COMPRESSED, METADATA, NAME, STATUS, COUNTED = (1 << bit for bit in range(8))
WAITED = NAME  # in a data frame
# Which flags a frame may carry, and whether it belongs to the connection (True), to a call (False) or to either.
FLAGS = {HELLO: 0, DATA: LAST | MESSAGE | CHUNKED | METADATA | WAITED | COUNTED, END: MESSAGE | METADATA | STATUS,
         CREDIT: 0, PING: LAST, GOAWAY: 0}
OF_CONNECTION = {HELLO: True, PING: True, GOAWAY: True, DATA: False, END: False}
EXECUTED = ["no", "maybe", "yes"]
ERRORS = ["none", "malformed_frame", "frame_too_large", "unknown_kind", "out_of_order", "hello_refused",
          "wrong_protocol", "flood", "timeout", "internal_fault", "credit_exceeded"]
STATUSES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"]
CREDIT_MAX, CREDIT_MIN, METHODS_MAX, IDS_MAX = 2**31 - 1, 4096, 512, 2**32 * 3 // 4

Limits = collections.namedtuple("Limits", "frame message calls metadata stream_credit connection_credit")
LIMITS = Limits(65536, 4 << 20, 100, 8192, 262144, 1 << 20)


class Refused(Exception):
    """The server broke the protocol: the connection ends, and a goaway says why."""

    def __init__(self, error, text):
        super().__init__(f"{error}: {text}")
        self.code, self.text = ERRORS.index(error), text


class ConnectionLost(Exception):
    """No call can be made on this connection any more."""


Ending = collections.namedtuple("Ending", "code executed text details metadata", defaults=["", (), ()])


def remaining_time(seconds):
    """Microseconds below 2^31, else milliseconds with bit 31 set; all ones for ever. Rounded up."""
    if seconds is None:
        return 0xFFFFFFFF
    micros = int(-(-seconds * 1_000_000 // 1))
    return micros if micros < 1 << 31 else 1 << 31 | min(-(-micros // 1000), 0x7FFFFFFE)


def split_block(payload):
    """A block with two bytes of length in front, and what follows it."""
    size = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 + size:
        raise Refused("malformed_frame", "a block is longer than its frame")
    return payload[2:2 + size], payload[2 + size:]
