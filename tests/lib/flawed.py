"""An SMTP server with the flaws that the scans of lib/scan.py look for, or without them.

    with Server(certificate, flaws={"smuggling", "injection", "early", "ciphers", "relay"}) as server:
        server.port
        server.recipients       of every message that it took

domains: whose recipients it takes; None: everybody's.
"""

import re
import select
import socket
import ssl
import threading

STRICT_END, LOOSE_END = re.compile(rb"\r\n\.\r\n"), re.compile(rb"(?:\r\n|\n|\r)\.(?:\r\n|\n|\r)")
GREET_DELAY_S = 0.05


class Server:
    def __init__(self, certificate, flaws=(), domains=None):
        self.flaws, self.domains, self.recipients = set(flaws), domains, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_ciphers("ALL:@SECLEVEL=0" if "ciphers" in self.flaws else "ECDHE+AESGCM")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=Session(self, connection).run, daemon=True).start()


class Session:
    def __init__(self, server, connection):
        self.server, self.connection, self.input, self.recipient = server, connection, b"", None

    def run(self):
        try:
            early, _, _ = select.select([self.connection], [], [], GREET_DELAY_S)
            if early and "early" not in self.server.flaws:
                self.say("554 5.5.0 wait")
            else:
                self.say("220 server")
                while self.command(self.take(re.compile(rb"\r\n"))):
                    pass
        except (OSError, EOFError):
            pass
        finally:
            self.connection.close()

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def take(self, end):
        """What comes before the end."""
        while not (match := end.search(self.input)):
            received = self.connection.recv(65536)
            if not received:
                raise EOFError()
            self.input += received
            if "smuggling" in self.server.flaws:
                self.input = self.input.replace(b"\0", b"")
        taken, self.input = self.input[:match.start()], self.input[match.end():]
        return taken

    def command(self, line):
        verb = line[:4].upper()
        if verb == b"EHLO":
            self.say("250-server\r\n250 STARTTLS")
        elif verb == b"RCPT":
            self.recipient = self.judge(line.partition(b"<")[2].rpartition(b">")[0].decode())
            self.say("250 ok" if self.recipient else "550 no")
        elif verb == b"DATA":
            self.say("354 go on")
            self.input = b"\r\n" + self.input  # an end may stand at once
            self.take(LOOSE_END if "smuggling" in self.server.flaws else STRICT_END)
            self.server.recipients.append(self.recipient)
            self.say("250 taken")
        elif verb == b"STAR":
            self.say("220 go")
            if "injection" not in self.server.flaws:
                self.input = b""
            self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        elif verb == b"QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 ok")
        return True

    def judge(self, address):
        """Where the message goes; None: refused. The flaw: the local part says where, and nobody is refused."""
        domains = self.server.domains
        if "relay" not in self.server.flaws:
            return address if domains is None or address.rpartition("@")[2] in domains else None
        inside = address.rpartition(":")[2].replace('"', "").removesuffix("@contoso.com").removesuffix("@[127.0.0.1]")
        if "!" in inside:
            domain, _, local = inside.partition("!")
            return local + "@" + domain
        return inside.replace("%", "@")
