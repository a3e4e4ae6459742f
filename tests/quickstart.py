"""What quickstart.sh shows: a private slapd with the sample organization, dirrelayd, a sink as the next hop, and the
relay document's test message from a host that may relay and from one that may not."""

import json
import os
import signal
import socket
import sys

from lib.dirrelay import BUILD, Daemon
from lib.organization import make_sample
from lib.sink import Sink
from lib.slapd import Slapd, free_port
from lib.smtp import Client, can_connect, eventually

ALLOWED, SECOND, OTHER = "127.0.0.10", "127.0.0.11", "127.0.0.12"
SUFFIX = "dc=contoso,dc=com"
TEST_MESSAGE = b"Subject: Test\r\n\r\nThis is a test message\r\n.\r\n"


def port_or_free(wanted):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            return wanted
        except OSError:
            return free_port()


def wanted_port(name, default):
    return port_or_free(int(os.environ.get("DIRRELAY_QUICKSTART_" + name, default)))


def load_sample(slapd, smtp_port, sink_port):
    """The sample organization with loopback addresses in the place of 192.168.5.x and unprivileged ports."""
    options = make_sample.parse_options([
        "--suffix", SUFFIX, "--address", "127.0.0.1", "--port", str(smtp_port), "--relay-hosts", ALLOWED + "," + SECOND,
        "--relay-binding", "127.0.0.1:%d" % smtp_port, "--smart-host", "[127.0.0.1]", "--smart-host-port", str(sink_port),
        "--client-port", str(port_or_free(2587)), "--outbound-proxy-port", str(port_or_free(2717)),
        "--hub-port", str(port_or_free(2526)), "--client-proxy-port", str(port_or_free(2465))])
    for text in make_sample.make_all(options).values():
        slapd.add(text)
    return options


def ask(port, source, promised):
    """The document's dialogue; promised: (what to say, how the reply must begin). True when all were kept."""
    with Client(port, source=source) as client:
        print("S: " + client.greeting.text)
        for said, expected in promised:
            print("C: " + (said if isinstance(said, str) else said.decode().replace("\r\n", "\n   ").rstrip()))
            if isinstance(said, str):
                reply = client.say(said)
            else:
                client.send(said)
                reply = client.reply()
            print("S: " + reply.text.replace("\n", "\nS: "))
            if not reply.text.startswith(expected):
                print("   expected: " + expected)
                return False
    return True


def check(port, sink, daemon):
    """Prints both dialogues and where the message went; True when all was as promised."""
    head = [("EHLO", "250"), ("MAIL FROM:chris@contoso.com", "250 2.1.0 Sender OK")]
    print('\n--- From %s, which the connector "Anonymous Relay" allows:' % ALLOWED)
    is_good = ask(port, ALLOWED, head + [
        ("RCPT TO:kate@fabrikam.com", "250 2.1.5 Recipient OK"), ("DATA", "354 Start mail input; end with <CRLF>.<CRLF>"),
        (TEST_MESSAGE, "250 2.6.0 <"), ("QUIT", "221 2.0.0 Service closing transmission channel")])
    if is_good:
        message = sink.wait(1)[0]
        print('\n--- Where it went: the smart host of the send connector "Internet" got, for %s:' % ", ".join(message.recipients))
        print("   " + message.content.decode().rstrip().replace("\r\n", "\n   "))
    print("\n--- From %s, which it does not (the refusal waits for the connector's TarpitInterval of 5 s):" % OTHER)
    mark = daemon.mark()
    is_good &= ask(port, OTHER, head + [("RCPT TO:kate@fabrikam.com", "550 5.7.1 Unable to relay"),
                                        ("QUIT", "221 2.0.0 Service closing transmission channel")])
    print("\n--- What the log says about it:\n" + json.dumps(daemon.wait("rcpt.refused", since=mark)))
    return is_good


def print_next(options, slapd, daemon, port, sink):
    print("""
--- Everything runs; Ctrl-C ends it and removes %(folder)s. In another terminal, from this directory:

export LDAP="-x -H %(uri)s -D %(root_dn)s -w %(password)s"
export CONF=%(conf)s
export SMTP=127.0.0.1:%(port)d
export CONNECTORS="%(receive)s"

ldapsearch $LDAP -LLL -o ldif-wrap=no -b "$CONNECTORS" "(objectClass=msExchSmtpReceiveConnector)"
%(build)s/dirrelay -c $CONF status
%(build)s/dirrelay -c $CONF explain --client %(allowed)s --local $SMTP --from chris@contoso.com --to kate@fabrikam.com
swaks --server $SMTP --local-interface %(allowed)s --from chris@contoso.com --to kate@fabrikam.com

take the right away from the relay hosts, and look again; "add:" gives it back:

ldapmodify $LDAP <<END
dn: CN=Anonymous Relay,$CONNECTORS
changetype: modify
delete: dirrelayAce
dirrelayAce: allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\\ANONYMOUS LOGON
END

README.md goes on from here. The next hop is a sink on 127.0.0.1:%(sink)d, metrics are at http://127.0.0.1:%(metrics)d/metrics.
The log of dirrelayd follows.
""" % {"folder": daemon.folder, "uri": slapd.uri, "root_dn": slapd.root_dn, "password": slapd.root_password,
       "conf": daemon.config_path, "receive": options.receive_dn, "build": os.path.relpath(BUILD), "allowed": ALLOWED,
       "port": port, "sink": sink.port, "metrics": daemon.metrics_port}, flush=True)


def follow(daemon):
    """The daemon's log, until Ctrl-C or SIGTERM."""
    daemon.on_event = lambda event: print(json.dumps(event), flush=True)
    try:
        daemon.process.wait()
    except KeyboardInterrupt:
        print("\nending", flush=True)


def main():
    once = sys.argv[1:] == ["--once"]
    if sys.argv[1:] and not once:
        print("usage: ./quickstart.sh [--once]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = wanted_port("PORT", 2525)
    try:
        with Slapd(suffix=SUFFIX, port=wanted_port("LDAP_PORT", 3890)) as slapd, Sink() as sink:
            options = load_sample(slapd, port, sink.port)
            print("directory %s with the sample organization, dirrelayd on 127.0.0.1:%d, next hop 127.0.0.1:%d" % (
                slapd.uri, port, sink.port))
            with Daemon(slapd.uri, {"server.name": options.server, "queue.reserve": "64M"}, as_root=True) as daemon:
                eventually(lambda: can_connect(port))
                is_good = check(port, sink, daemon)
                print("\n" + ("All replies are those the document promises." if is_good else "FAILED"), flush=True)
                if not once and is_good:
                    print_next(options, slapd, daemon, port, sink)
                    follow(daemon)
                return 0 if is_good else 1
    except KeyboardInterrupt:
        return 1


if __name__ == "__main__":
    sys.exit(main())
