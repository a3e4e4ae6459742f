"""A raw SMTP client: says exactly what the test says, from the loopback address the test names.

    with Client(port, source="127.0.0.2") as client:
        client.greeting
        client.say("EHLO").code
        client.send_message("chris@contoso.com", ["kate@fabrikam.com"], b"Subject: Test\\r\\n\\r\\nbody\\r\\n")

Linux lets a socket be bound to any 127.0.0.0/8 address, so that addresses stand in for hosts.
"""

import errno
import socket
import ssl
import time
import warnings

TIMEOUT = 20.0


class Closed(Exception):
    """The server closed the connection where a reply was expected."""


class Reply:
    """One reply: code, lines (without code), and text, the lines as they came, joined with \\n."""

    def __init__(self, lines):
        self.raw = lines
        self.code = int(lines[-1][:3])
        self.lines = [line[4:] for line in lines]
        self.text = "\n".join(lines)

    def __str__(self):
        return self.text

    __repr__ = __str__


def unverified(version=None):
    """A client that takes any certificate (opportunistic TLS); version: ssl.TLSVersion, that one alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = context.maximum_version = version
    return context


class Client:
    """Connects at once and, unless greet is False, reads the greeting."""

    def __init__(self, port, host="127.0.0.1", source="127.0.0.2", timeout=TIMEOUT, greet=True):
        self.dialogue = []
        self._input = b""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if source:
                self.socket.bind((source, 0))
            self.socket.connect((host, port))
            self.greeting = self.reply() if greet else None
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def secure(self, context=None, session=None, server_hostname=None):
        """The TLS handshake, on the connection as it stands; nothing is verified unless context does."""
        if self._input:
            raise AssertionError("plaintext before the handshake: %r" % self._input)
        self.socket = (context or unverified()).wrap_socket(self.socket, session=session, server_hostname=server_hostname)
        return self

    def starttls(self, **options):
        """STARTTLS and the handshake; the reply of STARTTLS."""
        reply = self.say("STARTTLS")
        if reply.code == 220:
            self.secure(**options)
        return reply

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    @property
    def address(self):
        """As the log writes it: "127.0.0.2:40000"."""
        host, port = self.socket.getsockname()[:2]
        return "%s:%d" % (host, port)

    # -- bytes --------------------------------------------------------------------------------------------

    def send(self, data):
        self.socket.sendall(data)

    def _line(self):
        while b"\n" not in self._input:
            received = self.socket.recv(65536)
            if not received:
                raise Closed("connection closed after %r" % (self.dialogue[-3:] + [self._input],))
            self._input += received
        line, _, self._input = self._input.partition(b"\n")
        if not line.endswith(b"\r"):
            raise AssertionError("reply line without CR: %r" % line)
        return line[:-1].decode("utf-8", "replace")

    def reply(self):
        lines = [self._line()]
        while lines[-1][3:4] == "-":
            lines.append(self._line())
        self.dialogue.append("\n".join(lines))
        return Reply(lines)

    def is_read(self):
        """The server has taken all that was sent out of its socket: what comes next reaches it apart. IPv4 alone."""
        ends = ["%08X:%04X" % (int.from_bytes(socket.inet_aton(host), "little"), port)
                for host, port in (self.socket.getpeername(), self.socket.getsockname())]
        with open("/proc/net/tcp") as file:
            queues = {tuple(row[1:3]): row[4].split(":") for row in (line.split() for line in file)}
        theirs, ours = queues.get((ends[0], ends[1])), queues.get((ends[1], ends[0]))
        return theirs is not None and ours is not None and int(theirs[1], 16) == 0 and int(ours[0], 16) == 0

    def at_end(self):
        """True when the server closes, or has closed, without another byte."""
        try:
            return self._input == b"" and self.socket.recv(65536) == b""
        except ConnectionResetError:
            return True

    # -- commands -----------------------------------------------------------------------------------------

    def say(self, line):
        """One line, then its reply."""
        data = line if isinstance(line, bytes) else line.encode()
        self.dialogue.append(data.decode("utf-8", "replace"))
        self.send(data + b"\r\n")
        return self.reply()

    def ehlo(self, name="client.example"):
        return self.say("EHLO " + name)

    def mail(self, sender, parameters=""):
        return self.say("MAIL FROM:<%s>%s" % (sender, " " + parameters if parameters else ""))

    def rcpt(self, recipient):
        return self.say("RCPT TO:<%s>" % recipient)

    def content(self, message):
        """The message with its dots doubled and the end of data; the reply behind it. After 354."""
        self.send(stuff(message) + b".\r\n")
        return self.reply()

    def data(self, message=b"Subject: Test\r\n\r\nThis is a test message\r\n"):
        """DATA and content: the last reply; that of DATA when it is not 354."""
        reply = self.say("DATA")
        return self.content(message) if reply.code == 354 else reply

    def envelope(self, sender, recipients):
        """EHLO, MAIL and RCPTs: their replies."""
        return [self.ehlo(), self.mail(sender)] + [self.rcpt(recipient) for recipient in recipients]

    def send_message(self, sender, recipients, message=b"Subject: Test\r\n\r\nThis is a test message\r\n"):
        """A whole transaction that is expected to go well: the reply of its final dot."""
        for reply in self.envelope(sender, recipients):
            if reply.code != 250:
                raise AssertionError("\n".join(self.dialogue))
        reply = self.data(message)
        if reply.code != 250:
            raise AssertionError("\n".join(self.dialogue))
        return reply

    def quit(self):
        reply = self.say("QUIT")
        self.close()
        return reply


def stuff(message):
    """Doubles leading dots and sees to the last line end (RFC 5321 4.5.2)."""
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    return (b"." if message.startswith(b".") else b"") + message.replace(b"\r\n.", b"\r\n..")


def can_connect(port, host="127.0.0.1", source="127.0.0.1"):
    """Does anybody listen there? The connection is closed at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(TIMEOUT)
        if source and family == socket.AF_INET:
            probe.bind((source, 0))
        code = probe.connect_ex((host, port))
        if code not in (0, errno.ECONNREFUSED, errno.ECONNRESET):
            raise OSError(code, "connect")
        return code == 0


def eventually(check, within=10.0, every=0.02):
    """Calls check until it neither raises AssertionError, Closed or OSError nor returns False, for at most so
    many seconds; returns what it returned. The last failure is raised."""
    deadline = time.monotonic() + within
    while True:
        try:
            result = check()
            if result is not False:
                return result
            failure = AssertionError("%s stayed false for %.1f s" % (getattr(check, "__name__", "check"), within))
        except (AssertionError, OSError, Closed) as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(every)
