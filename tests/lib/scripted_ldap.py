"""An LDAP server that does what a test tells it, and a TCP forwarder that can be cut. Standard library and openssl only.

    def answer(connection, request):
        connection.send_entry(request, "cn=a", {"cn": ["a"]})
        connection.send_half_entry(request, "cn=b", {"cn": ["b"]})
        connection.stall()

    with ScriptedLdap(on_search=answer) as server:
        ... server.uri ...
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

PAGED = "1.2.840.113556.1.4.319"
SYNC_REQUEST = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_INFO = "1.3.6.1.4.1.4203.1.9.1.4"
START_TLS = "1.3.6.1.4.1.1466.20037"
DISCONNECTION = "1.3.6.1.4.1.1466.20036"
BIND, SEARCH, UNBIND, ABANDON, EXTENDED, MODIFY = 0x60, 0x63, 0x42, 0x50, 0x77, 0x66


# -- BER ------------------------------------------------------------------------------------------------------


def tlv(tag, content):
    if len(content) < 0x80:
        length = bytes([len(content)])
    else:
        digits = (len(content).bit_length() + 7) // 8
        length = bytes([0x80 | digits]) + len(content).to_bytes(digits, "big")
    return bytes([tag]) + length + content


def octets(value, tag=0x04):
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def number(value, tag=0x02):
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value):
    return tlv(0x01, b"\xff" if value else b"\x00")


def read_tlv(data):
    """(tag, content, rest), or None when data is not whole."""
    if len(data) < 2:
        return None
    length, start = data[1], 2
    if length & 0x80:
        digits = length & 0x7F
        if len(data) < 2 + digits:
            return None
        length, start = int.from_bytes(data[2:2 + digits], "big"), 2 + digits
    if len(data) < start + length:
        return None
    return data[0], data[start:start + length], data[start + length:]


def read_all(data):
    parts = []
    while data:
        tag, content, data = read_tlv(data)
        parts.append((tag, content))
    return parts


class Request:
    """One request: id, tag, and for a search base, scope, filter, attributes; for a modification dn and changes as
    [(operation, attribute, [value])]; controls as {oid: value}."""

    def __init__(self, content):
        parts = read_all(content)
        self.id = int.from_bytes(parts[0][1], "big")
        self.tag, body = parts[1]
        self.controls = {}
        if len(parts) > 2:
            for _, control in read_all(parts[2][1]):
                fields = read_all(control)
                self.controls[fields[0][1].decode()] = fields[-1][1] if fields[-1][0] == 0x04 else b""
            # A control without a value ends with its own OID.
            self.controls = {oid: b"" if value == oid.encode() else value for oid, value in self.controls.items()}
        if self.tag == SEARCH:
            fields = read_all(body)
            self.base = fields[0][1].decode()
            self.scope = fields[1][1][0]
            self.filter = fields[6]  # (tag, content)
            self.attributes = [name.decode() for _, name in read_all(fields[7][1])]
        elif self.tag == BIND:
            fields = read_all(body)
            self.dn, self.method, self.credentials = fields[1][1].decode(), fields[2][0], fields[2][1]
        elif self.tag == EXTENDED:
            self.oid = read_all(body)[0][1].decode()
        elif self.tag == MODIFY:
            (_, dn), (_, changes) = read_all(body)
            self.dn, self.changes = dn.decode(), [self.read_change(change) for _, change in read_all(changes)]

    @staticmethod
    def read_change(content):
        (_, operation), (_, partial) = read_all(content)
        (_, name), (_, values) = read_all(partial)
        return operation[0], name.decode(), [value for _, value in read_all(values)]


# -- the server -----------------------------------------------------------------------------------------------


class Connection:
    """One client. Bytes go through TLS when it is on; ciphertext is ours to cut."""

    def __init__(self, server, raw):
        self.server, self.raw, self.tls = server, raw, None
        self.incoming, self.outgoing, self.unread = None, None, b""
        self.requests = []

    def start_tls(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.server.tls_context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                self.raw.sendall(self.outgoing.read())
                self.tls = tls
                return
            except ssl.SSLWantReadError:
                self.raw.sendall(self.outgoing.read())
                data = self.raw.recv(65536)
                if not data:
                    raise ConnectionError("closed in the handshake") from None
                self.incoming.write(data)

    def receive(self):
        """Bytes of the client, b"" at the end. The last flight of the handshake may have brought the first ones."""
        if not self.tls:
            return self.raw.recv(65536)
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                data = self.raw.recv(65536)
                if not data:
                    return data
                self.incoming.write(data)

    def encrypt(self, data):
        if not self.tls:
            return data
        self.tls.write(data)
        return self.outgoing.read()

    def send(self, data):
        self.raw.sendall(self.encrypt(data))

    def next_request(self):
        while True:
            whole = read_tlv(self.unread)
            if whole:
                _, content, self.unread = whole
                request = Request(content)
                self.requests.append(request)
                self.server.requests.append(request)
                return request
            data = self.receive()
            if not data:
                return None
            self.unread += data

    # messages

    @staticmethod
    def message(request, operation, controls=()):
        packed = b"".join(tlv(0x30, octets(oid) + (octets(value) if value is not None else b""))
                          for oid, value in controls)
        return tlv(0x30, number(request.id if request else 0) + operation + (tlv(0xA0, packed) if packed else b""))

    @staticmethod
    def entry(dn, attributes):
        packed = b"".join(tlv(0x30, octets(name) + tlv(0x31, b"".join(octets(value) for value in values)))
                          for name, values in attributes.items())
        return tlv(0x64, octets(dn) + tlv(0x30, packed))

    @staticmethod
    def result(tag, code, text="", extra=b""):
        return tlv(tag, number(code, 0x0A) + octets("") + octets(text) + extra)

    def send_entry(self, request, dn, attributes, controls=()):
        self.send(self.message(request, self.entry(dn, attributes), controls))

    def send_half_entry(self, request, dn, attributes, controls=()):
        """Stops inside the PDU; over TLS in a whole record."""
        whole = self.message(request, self.entry(dn, attributes), controls)
        self.send(whole[:len(whole) // 2])

    def send_half_record(self, request, dn, attributes):
        """Stops inside the TLS record."""
        cipher = self.encrypt(self.message(request, self.entry(dn, attributes)))
        self.raw.sendall(cipher[:len(cipher) // 2])

    def send_reference(self, request, *uris):
        self.send(self.message(request, tlv(0x73, b"".join(octets(uri) for uri in uris))))

    def send_done(self, request, code=0, text="", controls=(), referral=()):
        extra = tlv(0xA3, b"".join(octets(uri) for uri in referral)) if referral else b""
        self.send(self.message(request, self.result(0x65, code, text, extra), controls))

    def send_modified(self, request, code=0, text=""):
        self.send(self.message(request, self.result(0x67, code, text)))

    def send_intermediate(self, request, oid, value):
        self.send(self.message(request, tlv(0x79, octets(oid, 0x80) + octets(value, 0x81))))

    def stall(self):
        """Reads and answers nothing until the client goes."""
        while self.raw.recv(65536):
            pass


class ScriptedLdap:
    """Listens on 127.0.0.1.

    on_search(connection, request)  answers searches, but for the rootDSE; default: no such object
    on_bind(connection, request)    default: success
    on_root(connection, request)    default: an entry with root's attributes
    on_modify(connection, request)  default: unwilling to perform
    root        attributes of the rootDSE, as {name: [values]}
    tls         "ldaps", "start" (StartTLS is understood) or None
    certificate what make_certificates gave; needed for tls
    """

    def __init__(self, on_search=None, on_bind=None, on_root=None, root=None, tls=None, certificate=None,
                 on_modify=None):
        self.on_search, self.on_bind, self.on_root, self.on_modify = on_search, on_bind, on_root, on_modify
        self.root = {"namingContexts": ["dc=x"], "supportedControl": []} if root is None else root
        self.tls = tls
        self.requests = []
        self.connection_count = 0
        self.errors = []
        self.tls_context = None
        if certificate:
            self.tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls_context.load_cert_chain(*certificate[1:])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.uri = "%s://127.0.0.1:%d" % ("ldaps" if tls == "ldaps" else "ldap", self.port)
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        # Closing alone would not wake the thread in accept.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_all()

    def drop_all(self):
        """Cuts every connection."""
        for raw in self._sockets:
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._sockets = []

    def count(self, tag):
        return sum(request.tag == tag for request in self.requests)

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self.connection_count += 1
            self._sockets.append(raw)
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        connection = Connection(self, raw)
        try:
            if self.tls == "ldaps":
                connection.start_tls()
            while (request := connection.next_request()) is not None:
                self._answer(connection, request)
        except (OSError, ssl.SSLError):
            pass
        except Exception as error:  # shown by the test
            self.errors.append(error)
            raise
        finally:
            raw.close()

    def _answer(self, connection, request):
        if request.tag == BIND:
            if self.on_bind:
                self.on_bind(connection, request)
            else:
                connection.send(connection.message(request, connection.result(0x61, 0)))
        elif request.tag == SEARCH and request.base == "" and request.scope == 0:
            if self.on_root and request.attributes != ["1.1"]:
                self.on_root(connection, request)
            else:
                connection.send_entry(request, "", self.root)
                connection.send_done(request)
        elif request.tag == SEARCH:
            if self.on_search:
                self.on_search(connection, request)
            else:
                connection.send_done(request, 32)
        elif request.tag == MODIFY:
            if self.on_modify:
                self.on_modify(connection, request)
            else:
                connection.send_modified(request, 53)
        elif request.tag == EXTENDED and request.oid == START_TLS and self.tls == "start":
            connection.send(connection.message(request, connection.result(0x78, 0)))
            connection.start_tls()
        elif request.tag == EXTENDED:
            connection.send(connection.message(request, connection.result(0x78, 2, "unsupported")))
        elif request.tag == UNBIND:
            raise ConnectionError("unbind")


def make_certificates(folder=None, name="localhost", alternatives="DNS:localhost,IP:127.0.0.1"):
    """(CA file, chain, key) of a new CA, in folder or a temporary one."""
    folder = folder or tempfile.mkdtemp(prefix="dr-tls-")
    path = lambda file: os.path.join(folder, file)  # noqa: E731
    with open(path("extensions"), "w") as file:
        file.write("subjectAltName=%s\n" % alternatives)
    for command in (
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA", "-keyout", path("ca.key"),
         "-out", path("ca.pem")],
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", path("key.pem"), "-out", path("csr")],
        ["x509", "-req", "-in", path("csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial",
         "-days", "2", "-extfile", path("extensions"), "-out", path("cert.pem")],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return path("ca.pem"), path("cert.pem"), path("key.pem")


def remove_certificates(certificate):
    shutil.rmtree(os.path.dirname(certificate[0]), ignore_errors=True)


class Forwarder:
    """127.0.0.1:port -> 127.0.0.1:target. cut() ends all connections and refuses new ones; restore() undoes that. delay_s: how
    long whatever the target says stays on the way. hold() keeps it back until flow(); holds is set once something waits."""

    def __init__(self, target, delay_s=0):
        self.target, self.delay_s, self._pairs, self._is_cut = target, delay_s, [], False
        self.holds, self._flows = threading.Event(), threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.cut()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def cut(self):
        self._is_cut = True
        self.flow()
        pairs, self._pairs = self._pairs, []
        for end in (end for pair in pairs for end in pair):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def restore(self):
        self._is_cut = False

    def hold(self):
        """Answers wait from now on, until flow()."""
        self.holds.clear()
        self._flows.clear()

    def flow(self):
        self._flows.set()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            threading.Thread(target=self._join, args=(near, far), daemon=True).start()

    def _join(self, near, far):
        back = threading.Thread(target=self._copy, args=(far, near, self._wait), daemon=True)
        back.start()
        self._copy(near, far)
        back.join()
        near.close()
        far.close()

    def _wait(self):
        time.sleep(self.delay_s)  # the distance that the test asks for
        if not self._flows.is_set():
            self.holds.set()
            self._flows.wait()

    @staticmethod
    def _copy(source, sink, wait=lambda: None):
        try:
            while data := source.recv(65536):
                wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
