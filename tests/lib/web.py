"""A web server of the tests: what it answers at each path is set at any time.

    with Web() as web:                                        http, on a free port of 127.0.0.1
        web.pages["/ca.crl"] = b"…"                           200; or Answer(302, {"Location": "…"}), or a function
        web.url("/ca.crl"), web.asked                         the paths that were asked for, in order
    Web("203.0.113.11", 443, certificate="/path/of.pem")      https; pages and asked are by host name and path there
"""

import http.server
import ssl
import threading


class Answer:
    """status, head (a dict of fields), content: bytes, or an iterator over runs of them."""

    def __init__(self, status=200, head=None, content=b""):
        self.status, self.head, self.content = status, head or {}, content


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *unused):
        """Clients that hang up are what some tests want."""


class Web:
    def __init__(self, host="127.0.0.1", port=0, certificate=None):
        web, self.pages, self.asked, self.cut = self, {}, [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = self.headers["Host"] * bool(certificate) + self.path
                web.asked.append(page)
                answer = web.pages.get(page, Answer(404))
                answer = answer() if callable(answer) else answer
                web.give(self, answer if isinstance(answer, Answer) else Answer(content=answer))

            def log_message(self, *unused):
                pass

        self.server = _Server((host, port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.root = "%s://%s:%d" % ("https" if certificate else "http", host, self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def give(self, handler, answer):
        runs = [answer.content] if isinstance(answer.content, bytes) else answer.content
        handler.send_response(answer.status)
        for name, value in answer.head.items():
            handler.send_header(name, value)
        if isinstance(answer.content, bytes):
            handler.send_header("Content-Length", str(len(answer.content)))
        handler.end_headers()
        try:
            for run in runs:
                handler.wfile.write(run)
        except OSError:
            self.cut.set()  # the client would take no more

    def url(self, path):
        return self.root + path

    def close(self):
        self.server.shutdown()
        self.server.server_close()
