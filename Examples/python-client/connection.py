# SPDX-License-Identifier: Apache-2.0
"""A connection on the client: frames in and out, and the calls they belong to."""
import select
import socket
import struct
import sys
import time

from call import Account, Call
from wire import *


class Connection:
    """A connection with one thread: whoever waits for a call reads frames for all."""

    def __init__(self, address, messages, trace=False):
        host, _, port = address.rpartition(":")
        self.messages, self.trace = messages, trace
        self.inbox, self.calls, self.methods = bytearray(), {}, {}
        self.last_id, self.limits, self.credit, self.leaving = 0, None, 0, None
        self.account = Account(self, 0, LIMITS.connection_credit)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.setblocking(False)
        details = messages["ravioli.rpc.v1.HelloDetails"](software="ravioli-python").SerializeToString()
        self.send(0, HELLO, 0, struct.pack(">4sBBBB7IQ", b"RAVI", 1, 0, 2, 0, 0, *LIMITS, 0) + details)
        while self.limits is None:
            self.pump()

    def open(self, name, request=None, streams_answers=False, seconds=15.0, metadata=(), criticality=2):
        """Begins a call. Without a request, the caller sends a stream of them; without seconds, for ever."""
        while self.limits and len(self.calls) >= self.limits.calls and not self.leaving:
            self.pump()
        if self.leaving or self.last_id >= IDS_MAX:
            raise ConnectionLost("the connection takes no more calls")
        number, binds = self.methods.get(name), False
        if number is None:
            number, binds = (len(self.methods) if len(self.methods) < METHODS_MAX else 0xFFFF), True
            if number != 0xFFFF:
                self.methods[name] = number
        if self.level < 2 and (request is None or streams_answers):
            return Call(self, 0, streams_answers, None, Ending(12, 0, f"the server's level is {self.level}"))
        deadline = None if seconds is None else time.monotonic() + seconds
        flags = (NAME if binds else 0) | (METADATA if metadata else 0)
        head = struct.pack(">IHBB", remaining_time(seconds), number, criticality, 0)
        if binds:
            head += bytes([len(name)]) + name.encode()
        if metadata:
            pair = self.messages["ravioli.rpc.v1.Metadata.Pair"]
            block = self.messages["ravioli.rpc.v1.Metadata"](
                pairs=[pair(name=name, value=value) for name, value in metadata]).SerializeToString()
            head += struct.pack(">H", len(block)) + block
        self.last_id += 1
        call = self.calls[self.last_id] = Call(self, self.last_id, streams_answers, deadline)
        if request is None:
            self.send(call.stream, CALL, flags, head)
        else:
            self.send_request(call, flags | LAST | MESSAGE, head, request)
        return call

    def send_request(self, call, flags, head, request):
        """The only request of a call: in its call frame, or in chunks when it does not fit."""
        frame = self.limits.frame
        if len(head) + len(request) > frame:
            flags, head = flags | CHUNKED, head + struct.pack(">I", len(request))
        first = frame - len(head)
        self.send(call.stream, CALL, flags, head + request[:first])
        for offset in range(first, len(request), frame):
            if call.ending:
                return
            self.send(call.stream, DATA, 0, request[offset:offset + frame])
        call.sent_all = True

    def settle(self):
        """Waits until the server has ended the calls that were given up."""
        while self.calls:
            self.pump()

    def close(self):
        try:
            self.goaway("none", "")
        except (OSError, ConnectionLost):
            pass  # The server closed first.
        self.socket.close()

    def goaway(self, error, text):
        self.send(0, GOAWAY, 0, struct.pack(">IB", 0, ERRORS.index(error)) + text.encode()[:256])

    def send(self, stream, kind, flags, payload=b""):
        """Sends a frame, and receives what arrives meanwhile: the server may wait for us to read."""
        self.traced("->", stream, kind, flags, payload)
        left = memoryview(struct.pack(">IIBB", len(payload), stream, kind, flags) + payload)
        while left:
            readable, writable, _ = select.select([self.socket], [self.socket], [])
            if writable:
                left = left[self.socket.send(left):]
            elif readable:
                self.receive()

    def receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError as error:
            self.lost(str(error))
        if not data:
            self.lost("the server closed the connection")
        self.inbox += data

    def pump(self, call=None):
        """Acts on one frame. Returns without one when the call's deadline has passed."""
        try:
            while not self.act():
                left = None
                if call and call.deadline and not call.ending:
                    left = max(call.deadline - time.monotonic(), 0)
                    if not left:
                        return call.cancel(4, "the deadline passed")
                if select.select([self.socket], [], [], left)[0]:
                    self.receive()
        except ConnectionLost:
            if not call:
                raise
        except Refused as refusal:
            self.goaway(ERRORS[refusal.code], refusal.text)
            self.socket.close()
            raise

    def act(self):
        """Reads one frame out of what was received, and acts on it; False if none is complete."""
        if len(self.inbox) < 10:
            return False
        length, stream, kind, flags = struct.unpack_from(">IIBB", self.inbox)
        if length > (LIMITS.frame if self.limits else 2048):
            raise Refused("frame_too_large", f"a payload of {length} bytes")
        if kind not in FLAGS and kind not in (CALL, CANCEL) and kind < 128:
            raise Refused("unknown_kind", f"kind {kind}")
        if len(self.inbox) < 10 + length:
            return False
        payload = bytes(self.inbox[10:10 + length])
        del self.inbox[:10 + length]
        self.traced("<-", stream, kind, flags, payload)
        if kind < 128:
            self.frame_received(stream, kind, flags, payload)
        return True

    def frame_received(self, stream, kind, flags, payload):
        if kind in (CALL, CANCEL) or (self.limits is None) != (kind == HELLO) and (self.limits or kind != GOAWAY):
            raise Refused("out_of_order", f"kind {kind} is not legal here")
        if flags & ~FLAGS[kind] or OF_CONNECTION.get(kind, stream == 0) != (stream == 0):
            raise Refused("malformed_frame", f"kind {kind} with flags {flags:#x} on stream {stream}")
        if stream > self.last_id:
            raise Refused("out_of_order", f"stream {stream} was never opened")
        {HELLO: self.hello_received, DATA: self.data_received, END: self.end_received, PING: self.ping_received,
         CREDIT: self.credit_received, GOAWAY: self.goaway_received}[kind](stream, flags, payload)

    def hello_received(self, stream, flags, payload):
        if len(payload) < 44 or payload[:4] != b"RAVI":
            raise Refused("wrong_protocol", "this is no hello")
        major, _minor, self.level, _zero, _features, *limits = struct.unpack_from(">4xBBBB7I", payload)
        if major != 1 or limits[0] < 1024:
            raise Refused("hello_refused", f"version {major}, frames of {limits[0]} bytes")
        self.limits = Limits(*limits)
        self.credit = self.limits.connection_credit

    def data_received(self, stream, flags, payload):
        if not payload and not flags & (LAST | MESSAGE):
            raise Refused("malformed_frame", "an empty data frame")
        call, cost = self.calls.get(stream), 0
        if flags & COUNTED:
            head = 4 if flags & CHUNKED else 0
            cost = max(len(payload) - head, 0) + (16 if flags & MESSAGE else 0)
            self.account.spend(cost)
        if not call or call.ending:
            self.account.give_back(cost)  # Its sender could not know that nobody wants it any more.
        elif payload or flags & MESSAGE:
            call.data_received(flags, payload, cost)

    def end_received(self, stream, flags, payload):
        if len(payload) < 2 or payload[1] > 2:
            raise Refused("malformed_frame", "an end without code and mark")
        code, executed, rest = payload[0], payload[1], payload[2:]
        metadata, status = (), self.messages["ravioli.rpc.v1.Status"]()
        if flags & METADATA:
            block, rest = split_block(rest)
            metadata = self.read_metadata(block)
        if flags & STATUS:
            block, rest = split_block(rest)
            try:
                status.ParseFromString(block)
            except ValueError:
                pass  # An unreadable status is dropped; its code remains.
        if rest and not flags & MESSAGE:
            raise Refused("malformed_frame", "bytes after the end's last block")
        call = self.calls.pop(stream, None)
        if call and not call.ending:
            if flags & MESSAGE:
                call.answers.append((rest, 0, 0))
                call.answered = True
            if code == 0 and not call.streams_answers and not call.answered:
                code = 13
            call.ending = Ending(code, executed, status.message[:1024], status.details, metadata)

    def credit_received(self, stream, flags, payload):
        amount = int.from_bytes(payload, "big")
        if len(payload) != 4 or not amount:
            raise Refused("malformed_frame", "a credit of nothing")
        account = self.calls.get(stream) if stream else self
        if account:
            account.credit += amount
            if account.credit > CREDIT_MAX:
                raise Refused("credit_exceeded", f"credit of {account.credit} bytes")

    def ping_received(self, stream, flags, payload):
        if len(payload) != 8:
            raise Refused("malformed_frame", "a ping has eight bytes")
        if not flags:
            self.send(0, PING, LAST, payload)

    def goaway_received(self, stream, flags, payload):
        if len(payload) < 5:
            raise Refused("malformed_frame", "a goaway without id and code")
        last, code, text = int.from_bytes(payload[:4], "big"), payload[4], payload[5:].decode(errors="replace")
        self.leaving = (ERRORS[code] if code < len(ERRORS) else str(code), last, text[:256])
        if code:
            self.lost(f"the server ended the connection: {self.leaving[0]}: {text[:256]}")
        for call in [call for call in self.calls.values() if call.stream > last]:
            del self.calls[call.stream]
            call.ending = call.ending or Ending(14, 0, "the server is leaving and did not run it")

    def lost(self, reason):
        """Ends every call, and the connection."""
        for call in self.calls.values():
            call.ending = call.ending or Ending(14, 1 if call.sent_all else 0, reason)
        self.calls, self.leaving = {}, self.leaving or ("none", 0, reason)
        raise ConnectionLost(reason)

    def read_metadata(self, block):
        """The pairs of a block, or none of those that break its rules."""
        if len(block) > LIMITS.metadata:
            raise Refused("malformed_frame", f"metadata of {len(block)} bytes")
        try:
            return list(self.messages["ravioli.rpc.v1.Metadata"].FromString(block).pairs)[:64]
        except ValueError:
            raise Refused("malformed_frame", "metadata that is no metadata") from None

    def traced(self, arrow, stream, kind, flags, payload):
        if self.trace:
            print(f"{arrow} kind={kind} stream={stream} flags={flags:#04x} {payload[:32].hex()}"
                  f"{'…' if len(payload) > 32 else ''} ({len(payload)} bytes)", file=sys.stderr)
