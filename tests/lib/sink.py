"""The next hop: an SMTP server that stores what it gets and misbehaves as the test asks.

    with Sink() as sink:
        …
        message = sink.wait(1)[0]
        message.sender, message.recipients, message.content

Behaviour is set at any time and counts from the next command on:

    sink.replies["MAIL"] = "451 4.3.0 later"            what to answer instead of 250, by verb; "." is the end of data (or of the last chunk)
    sink.once["MAIL"] = "451 4.3.0 later"               the same for the next one alone
    sink.rcpt_replies["bob@fabrikam.com"] = "550 5.1.1 No such user"
    sink.hooks["."] = lambda session: None               called before the verb is answered; may raise Drop
    sink.keywords = ["PIPELINING", "CHUNKING", "DSN"]    what EHLO shows; BDAT is taken with CHUNKING alone
    sink.certificate = "/path/of.pem"                    STARTTLS is offered, with this certificate, key and chain
    sink.internal = "/path/of.pem"                       the same for X-ANONYMOUSTLS
    sink.client_ca = "/path/of.pem"                      inside TLS the client is asked for a certificate of these
    sink.injected = b"250-AUTH PLAIN\r\n"                what follows the 220 of STARTTLS in the same segment
    sink.logins = {"relay": "secret"}                    AUTH is offered, by sink.mechanisms; for XOAUTH2 the token
    sink.stop(), sink.start()                            connections are refused, and taken again on the same port
"""

import base64
import socket
import ssl
import threading
import time

KEYWORDS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES")


class Drop(Exception):
    """Raised by a hook: the connection is closed without a reply."""


def _without_dots(wire):
    return (wire[1:] if wire.startswith(b".") else wire).replace(b"\r\n.", b"\r\n")


class Message:
    """What arrived: sender, recipients (accepted ones), content (dots undone), wire (as it came, without the final
    dot), chunks (their sizes; none: by DATA), parameters of MAIL, recipient_parameters (by address), helo, session (number of the connection), tls (version, or None), user (logged in)."""

    def __init__(self, session):
        self.session = session.number
        self.helo = session.helo
        self.tls, self.user = session.tls, session.user
        self.sender = session.sender
        self.parameters = session.parameters
        self.recipients = list(session.recipients)
        self.wire = session.wire
        self.chunks = list(session.chunks)
        self.recipient_parameters = dict(session.recipient_parameters)
        self.content = session.wire if self.chunks else _without_dots(session.wire)

    @property
    def header(self):
        return self.content.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def body(self):
        return self.content.partition(b"\r\n\r\n")[2]

    def fields(self, name):
        """The bodies of all header fields of this name, unfolded."""
        lines = self.header.decode("utf-8", "surrogateescape").replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
        return [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].lower() == name.lower()]


class Session:
    """One connection: commands (lines), tls, server_name (SNI), peer (the client's certificate, DER), user, ended (how: "quit",
    "lost")."""

    def __init__(self, sink, connection, number):
        self.sink, self.connection, self.number = sink, connection, number
        self.reader = connection.makefile("rb")
        self.helo, self.commands = None, []
        self.tls = self.server_name = self.peer = self.user = None
        self.ended = "lost"
        self._forget()

    def _forget(self):
        self.sender, self.parameters, self.recipients, self.wire = None, "", [], b""
        self.recipient_parameters, self.chunks = {}, []

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def run(self):
        try:
            self.say(self.sink.banner)
            line = self.reader.readline()
            while line and self._command(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")):
                line = self.reader.readline()
        except (Drop, OSError, ValueError):
            pass
        finally:
            self.reader.close()
            self.close()

    def close(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()

    def _command(self, line):
        verb = line.split(" ")[0].split(":")[0].upper()
        self.commands.append(line)
        hook = self.sink.hooks.get(verb)
        if hook:
            hook(self)
        refusal = self.sink.once.pop(verb, None) or self.sink.replies.get(verb)
        if verb in ("EHLO", "HELO") and not refusal:
            self._forget()
            self.helo = line.partition(" ")[2]
            lines = ["sink"] + (list(self.sink.keywords) + self._security_keywords() if verb == "EHLO" else [])
            self.say("\r\n".join("250%s%s" % (" " if i == len(lines) - 1 else "-", text) for i, text in enumerate(lines)))
        elif verb == "RCPT" and not refusal:
            self._rcpt(line)
        elif refusal:
            self.say(refusal)
            return not refusal.startswith("421")
        elif verb == "MAIL":
            path, _, self.parameters = line.partition(":")[2].partition(">")
            self.sender, self.recipients = path.strip().lstrip("<"), []
            self.say("250 2.1.0 ok")
        elif verb == "DATA":
            self._data()
        elif verb == "BDAT" and "CHUNKING" in self.sink.keywords:
            self._bdat(line)
        elif verb == "STARTTLS" and self.sink.certificate:
            self._starttls(self.sink.certificate)
        elif verb == "X-ANONYMOUSTLS" and self.sink.internal:
            self._starttls(self.sink.internal)
        elif verb == "AUTH" and self.sink.logins:
            self._auth(line)
        elif verb == "QUIT":
            self.ended = "quit"
            self.say("221 2.0.0 bye")
            return False
        else:
            self._forget()
            self.say("250 2.0.0 ok")
        return True

    def _security_keywords(self):
        words = [] if self.tls else ["STARTTLS"] * bool(self.sink.certificate) + ["X-ANONYMOUSTLS"] * bool(self.sink.internal)
        return words + (["AUTH " + " ".join(self.sink.mechanisms)] if self.sink.logins else [])

    def _starttls(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.sink.highest:
            context.maximum_version = self.sink.highest
        context.load_cert_chain(certificate)
        if self.sink.client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(self.sink.client_ca)
        context.sni_callback = lambda _, name, __: setattr(self, "server_name", name)
        self.connection.sendall(b"220 2.0.0 go\r\n" + self.sink.injected)
        self.reader.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.reader = self.connection.makefile("rb")
        self.tls, self.peer = self.connection.version(), self.connection.getpeercert(binary_form=True)
        self.helo = None
        self._forget()

    def _ask(self, prompt):
        self.say("334 " + base64.b64encode(prompt).decode())
        return base64.b64decode(self.reader.readline())

    def _auth(self, line):
        _, mechanism, *initial = line.split(" ")
        if mechanism == "XOAUTH2":
            user, bearer = base64.b64decode(initial[0]).split(b"\1")[:2]
            user, password = user.removeprefix(b"user="), bearer.removeprefix(b"auth=Bearer ")
            if self.sink.logins.get(user.decode()) != password.decode() and self._ask(b'{"status":"401"}') != b"":
                raise Drop()
        elif mechanism == "LOGIN":
            user, password = self._ask(b"Username:"), self._ask(b"Password:")
        else:
            _, user, password = base64.b64decode(initial[0]).split(b"\0")
        if self.sink.logins.get(user.decode()) == password.decode():
            self.user = user.decode()
            self.say("235 2.7.0 Authentication successful")
        else:
            self.say("535 5.7.3 Authentication unsuccessful")

    def _rcpt(self, line):
        address, _, parameters = line.partition("<")[2].rpartition(">")
        reply = self.sink.rcpt_replies.get(address)
        if not reply:
            self.recipients.append(address)
            self.recipient_parameters[address] = parameters.strip()
        self.say(reply or "250 2.1.5 ok")

    def _data(self):
        if not self.recipients:
            self.say("503 5.5.1 no recipients")
            return
        self.say("354 go on")
        parts = []
        while True:
            line = self.reader.readline()
            if not line:
                raise Drop()
            if line == b".\r\n":
                break
            parts.append(line)
        self.wire = b"".join(parts)
        self._end()

    def _bdat(self, line):
        _, size, *last = line.split(" ")
        chunk = self.reader.read(int(size))
        if len(chunk) < int(size):
            raise Drop()
        if not self.recipients:
            self.say("503 5.5.1 no recipients")
            return
        self.wire += chunk
        self.chunks.append(len(chunk))
        if last == ["LAST"]:
            self._end()
        else:
            self.say("250 2.0.0 taken")

    def _end(self):
        """The content is whole."""
        message = Message(self)
        self.sink._offer(message)
        hook = self.sink.hooks.get(".")
        if hook:
            hook(self)
        reply = self.sink.once.pop(".", None) or self.sink.replies.get(".")
        if not reply:
            self.sink._store(message)
        self._forget()
        self.say(reply or "250 2.0.0 stored")


class Sink:
    def __init__(self, host="127.0.0.1", port=0):
        self.host, self.port = host, port
        self.banner = "220 sink ESMTP"
        self.keywords = list(KEYWORDS)
        self.replies, self.once, self.rcpt_replies, self.hooks = {}, {}, {}, {}
        self.certificate = self.internal = self.client_ca = self.highest = None  # highest: ssl.TLSVersion
        self.injected = b""
        self.logins, self.mechanisms = {}, ["LOGIN", "PLAIN"]
        self.messages = []  # answered 250
        self.offered = []   # whose final dot came, whatever was answered
        self.sessions = []
        self._open = set()
        self._changed = threading.Condition()
        self._listener = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def start(self):
        self._listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, self.port))
        self._listener.listen(256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self):
        """Refuses connections and cuts those that are open."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.cut()

    def cut(self):
        """Closes every open connection."""
        with self._changed:
            connections = list(self._open)
        for session in connections:
            session.close()

    def reset(self):
        """Forgets messages and behaviour."""
        with self._changed:
            self.messages, self.offered = [], []
            self.replies, self.once, self.rcpt_replies, self.hooks = {}, {}, {}, {}
            self.keywords = list(KEYWORDS)

    def wait(self, count=1, timeout=20.0, matching=None):
        """At least so many stored messages (that match), or AssertionError."""
        def found():
            return [m for m in self.messages if matching is None or matching(m)]
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(found()) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError("%d of %d messages at the sink after %.0f s" % (len(found()), count, timeout))
            return found()

    def wait_offered(self, count=1, timeout=20.0):
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self.offered) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError("%d of %d messages offered" % (len(self.offered), count))
            return list(self.offered)

    def to(self, recipient):
        """The stored messages that have this recipient."""
        with self._changed:
            return [message for message in self.messages if recipient in message.recipients]

    # -- inside -------------------------------------------------------------------------------------------

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                session = Session(self, connection, len(self.sessions))
                self.sessions.append(session)
                self._open.add(session)
            threading.Thread(target=self._run, args=(session,), daemon=True).start()

    def _run(self, session):
        session.run()
        with self._changed:
            self._open.discard(session)
            self._changed.notify_all()

    def _offer(self, message):
        with self._changed:
            self.offered.append(message)
            self._changed.notify_all()

    def _store(self, message):
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
