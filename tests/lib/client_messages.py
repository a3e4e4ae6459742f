"""The messages of tests/messages, as their programs put them on the wire."""

import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "messages")
BARE = ("printer",)  # lines end in LF alone, but for the last one: only CRLF.CRLF is the end


def names():
    return sorted(name[:-4] for name in os.listdir(FOLDER) if name.endswith(".eml"))


def text(name):
    """With CRLF, as every message leaves the relay."""
    with open(os.path.join(FOLDER, name + ".eml"), "rb") as file:
        return file.read().replace(b"\n", b"\r\n")


def wire(name):
    """With the line ends of the program, dots behind CRLF doubled, without the end of data."""
    if name in BARE:
        return text(name)[:-2].replace(b"\r\n", b"\n") + b"\r\n"
    return text(name).replace(b"\r\n.", b"\r\n..")
