"""A milter that does what a test tells it: the filter's side of the protocol, version 6."""

import os
import socket
import struct
import threading


class Milter:
    """script: {letter of a step: what to answer}, an answer being bytes (whole packets) or a function of the step's data.
    Steps that are not named are answered with CONTINUE. heard: the steps of each conversation, (letter, data)."""

    def __init__(self, script=None, protocol=0, actions=0x7f, path=None):
        self.script = script or {}
        self.protocol, self.actions = protocol, actions
        self.heard = []
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            os.chmod(path, 0o777)
            self.name = "unix:" + path
        else:
            self.socket = socket.socket()
            self.socket.bind(("127.0.0.1", 0))
            self.name = "inet:127.0.0.1:%d" % self.socket.getsockname()[1]
        self.socket.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        steps = []
        self.heard.append(steps)
        with connection, connection.makefile("rb") as stream:
            while True:
                try:
                    head = stream.read(4)
                except ConnectionResetError:
                    return
                if len(head) < 4:
                    return
                body = stream.read(struct.unpack(">I", head)[0])
                letter, data = body[:1], body[1:]
                steps.append((letter, data))
                if letter == b"Q":
                    return
                try:
                    connection.sendall(self._answer(letter, data))
                except OSError:
                    return

    def _answer(self, letter, data):
        if letter == b"O":
            return packet(b"O", struct.pack(">III", 6, self.actions, self.protocol))
        if letter in (b"D", b"A"):
            return b""
        answer = self.script.get(letter, CONTINUE)
        return answer(data) if callable(answer) else answer

    def steps(self, letter, conversation=-1):
        """The data of each such step."""
        return [data for name, data in self.heard[conversation] if name == letter]


def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter + data


CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD = (packet(letter) for letter in (b"c", b"a", b"r", b"t", b"d"))


def reply(text):
    return packet(b"y", text.encode() + b"\0")


def add_header(name, value):
    return packet(b"h", b"%s\0%s\0" % (name.encode(), value.encode()))


def insert_header(index, name, value):
    return packet(b"i", struct.pack(">I", index) + b"%s\0%s\0" % (name.encode(), value.encode()))


def change_header(index, name, value):
    return packet(b"m", struct.pack(">I", index) + b"%s\0%s\0" % (name.encode(), value.encode()))


def replace_body(body):
    return packet(b"b", body)


def add_recipient(address):
    return packet(b"+", b"<%s>\0" % address.encode())


def delete_recipient(address):
    return packet(b"-", b"<%s>\0" % address.encode())


def quarantine(reason):
    return packet(b"q", reason.encode() + b"\0")
