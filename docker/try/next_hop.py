"""The next hop of the try-out: takes every message and prints it as one JSON line."""

import json
import signal
import sys

from lib.sink import Sink


def main():
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(0))
    seen = 0
    with Sink("0.0.0.0", 25) as sink:
        print(json.dumps({"event": "listening"}), flush=True)
        while True:
            for message in sink.wait(seen + 1, timeout=10**6)[seen:]:
                seen += 1
                print(json.dumps({
                    "event": "message", "sender": message.sender, "recipients": message.recipients,
                    "subject": " ".join(message.fields("Subject")), "id": " ".join(message.fields("Message-Id")),
                    "received": message.fields("Received"),
                    "body": message.body.decode("utf-8", "replace")[:200]}), flush=True)


if __name__ == "__main__":
    main()
