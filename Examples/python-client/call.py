# SPDX-License-Identifier: Apache-2.0
"""A call on the client: its requests, its answers, and the credit of both."""
import collections
import struct

from wire import *


class Account:
    """The credit the server has from us, for a stream or for the connection, and what of it is due back."""

    def __init__(self, connection, stream, initial):
        self.connection, self.stream, self.initial = connection, stream, initial
        self.left, self.due = initial, 0

    def spend(self, cost):
        if cost > self.left:
            raise Refused("credit_exceeded", f"{cost} bytes on stream {self.stream}, {self.left} are left")
        self.left -= cost

    def give_back(self, amount, at_once=False):
        self.due += amount
        quarter = self.initial // 4
        least = 1 if at_once else min(CREDIT_MIN, quarter) if self.left < quarter else quarter
        if self.due >= max(least, 1):
            self.connection.send(self.stream, CREDIT, 0, struct.pack(">I", self.due))
            self.left, self.due = self.left + self.due, 0


class Call:
    """One call: answers as they come, and how it ended."""

    def __init__(self, connection, stream, streams_answers, deadline, ending=None):
        self.connection, self.stream, self.deadline = connection, stream, deadline
        self.streams_answers, self.sent_all = streams_answers, False
        self.answered = False
        self.credit = connection.limits.stream_credit
        self.account = Account(connection, stream, LIMITS.stream_credit)
        self.answers, self.initial_metadata, self.ending = collections.deque(), None, ending
        # A message under assembly: its bytes so far, its length, what of its cost was given back ahead.
        self.assembly, self.total, self.ahead, self.counted = None, 0, 0, False

    def __iter__(self):
        while not self.ending or self.answers:
            if not self.answers:
                self.connection.pump(self)
                continue
            answer, stream_due, connection_due = self.answers.popleft()
            if stream_due and not self.ending:
                self.account.give_back(stream_due, at_once=self.assembly is not None)
            if connection_due:
                self.connection.account.give_back(connection_due)
            yield answer

    def send(self, message, last=False):
        """Sends the next message of a stream of requests, as far as there is credit; waits for the rest."""
        offset = 0
        while not self.ending:
            begins, left = offset == 0, len(message) - offset
            overhead = 16 if begins else 0
            room = self.connection.limits.frame - (4 if begins else 0)
            credit = min(self.credit, self.connection.credit) - overhead
            size = min(left, room, credit)
            wants = min(left, room, CREDIT_MIN if self.connection.limits.stream_credit // 2 >= CREDIT_MIN else 1)
            if size < wants or size < 0:
                self.connection.pump(self)
                continue
            flags, head = COUNTED, b""
            if begins:
                flags |= MESSAGE | (LAST if last else 0)
                if size < left:
                    flags, head = flags | CHUNKED, struct.pack(">I", len(message))
            self.credit -= size + overhead
            self.connection.credit -= size + overhead
            self.connection.send(self.stream, DATA, flags, head + message[offset:offset + size])
            offset += size
            if offset == len(message):
                self.sent_all = last
                return

    def close_requests(self):
        """Says that no request follows."""
        if not self.ending and not self.sent_all:
            self.connection.send(self.stream, DATA, LAST)
        self.sent_all = True

    def cancel(self, code=1, text="cancelled by the caller", local=None):
        """Says that nobody waits any more. The call keeps its place until the server has ended it."""
        if not self.ending:
            self.ending = Ending(local or code, 1, text)
            if self.connection.level > 0 and not (code == 4 and self.sent_all):
                self.connection.send(self.stream, CANCEL, 0, bytes([code]))

    # What the server sends.

    def data_received(self, flags, payload, cost):
        """A data frame; its cost, if it is counted, has been taken from the connection's account."""
        connection = self.connection
        if flags & METADATA:
            if self.initial_metadata is not None:
                raise Refused("out_of_order", "metadata after the first answer")
            block, rest = split_block(payload)
            if flags != METADATA or rest:
                raise Refused("malformed_frame", "metadata comes alone in a data frame")
            self.initial_metadata = connection.read_metadata(block)
            return
        counted = bool(flags & COUNTED)
        if flags & WAITED and not counted:
            raise Refused("malformed_frame", "a frame that is not counted says that it waited for credit")
        if counted and not self.streams_answers:
            self.cancel(text="the method answers with a stream, which was not asked for", local=12)
            return connection.account.give_back(cost)
        if flags & MESSAGE:
            if self.assembly is not None:
                raise Refused("out_of_order", "a message begins inside another")
            payload = self.message_begun(flags, payload)
            self.counted = counted
            if self.total > LIMITS.message:
                self.cancel(text=f"an answer of {self.total} bytes is over the limit of {LIMITS.message}", local=8)
                return connection.account.give_back(cost)
        elif self.assembly is None:
            raise Refused("out_of_order", "a chunk of no message")
        elif counted != self.counted:
            raise Refused("out_of_order", "a chunk that is counted unlike its message")
        self.account.spend(cost)
        self.assembly += payload
        if len(self.assembly) > self.total:
            raise Refused("malformed_frame", "chunks longer than their message")
        self.chunk_received(cost, begins=bool(flags & MESSAGE), whole=bool(flags & MESSAGE) and not flags & CHUNKED)

    def message_begun(self, flags, payload):
        """Reads the length of a message in chunks; returns its first bytes."""
        self.assembly, self.ahead, self.total = bytearray(), 0, len(payload)
        self.initial_metadata = self.initial_metadata or []
        if not flags & CHUNKED:
            return payload
        self.total = int.from_bytes(payload[:4], "big")
        if not 4 < len(payload) < self.total + 4:
            raise Refused("malformed_frame", "a chunked message that is not longer than its first chunk")
        return payload[4:]

    def chunk_received(self, cost, begins, whole):
        """Gives back what is due for a chunk, and hands over the message when this was its last one."""
        if self.counted and not whole:
            self.connection.account.give_back(cost)
            if begins:
                self.ahead = max(self.total + 16 - self.account.initial, 0)
                self.account.give_back(self.ahead, at_once=True)
        if len(self.assembly) == self.total:
            due = self.total + 16 - self.ahead if self.counted else 0
            self.answers.append((bytes(self.assembly), due, cost if whole else 0))
            self.assembly, self.answered = None, True
