#!/usr/bin/python3
"""The directory of the benchmark: a private slapd with the bench's organization, until SIGTERM.

    directory.py slapd SMTP_PORT SINK_PORT FOLDER     writes FOLDER/directory.json when it serves
    directory.py ldif  SMTP_PORT SINK_PORT FOLDER     the same organization as FOLDER/organization.ldif, and ends

Clients from 127.0.0.1 may relay, others may only submit and so are refused every recipient; no limits, no tarpit.
directory.json: {"uri", "admin", "password", "relay"}: where, who may write, and the DN of the relay connector.
"""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from lib.organization import EVERYBODY, Organization  # noqa: E402
from lib.slapd import Slapd  # noqa: E402

RELAY = "Bench Relay"
TLS, BASIC = 1, 4
USERS = 200
UNLIMITED = {
    "msExchSmtpReceiveMaxMessageSize": 64 * 1024 * 1024,
    "msExchSmtpReceiveConnectionTimeout": 86400,
    "msExchSmtpReceiveConnectionInactivityTimeout": 3600,
    "msExchSmtpReceiveMaxRecipientsPerMessage": 512000,
    "msExchSMTPReceiveConnectorFQDN": "relay.bench.test",
}


def make_organization(smtp_port, sink_port):
    organization = Organization(server="bench", domains=(), settings=None)
    organization.receive("Bench Default", smtp_port, EVERYBODY, groups=["AnonymousUsers", "ExchangeUsers"], auth=TLS + BASIC, **UNLIMITED)
    organization.relay(RELAY, smtp_port, "127.0.0.1", **UNLIMITED)
    organization.send("Bench Smart Host", sink_port)
    return organization


def people(suffix):
    """user1 … with the passwords pass1 …"""
    records = ["dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n" % suffix]
    for number in range(1, USERS + 1):
        records.append("dn: uid=user%d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: user%d\ncn: user%d\nsn: user%d\nuserPassword: pass%d\n"
                       % (number, suffix, number, number, number, number))
    return "\n".join(records)


def write(folder, name, text):
    temporary = os.path.join(folder, name + ".new")
    with open(temporary, "w") as file:
        file.write(text)
    os.rename(temporary, os.path.join(folder, name))


def serve(organization, folder):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Slapd() as slapd:
        slapd.add(organization.ldif())
        slapd.add(people(slapd.suffix))
        write(folder, "directory.json", json.dumps({
            "uri": slapd.uri, "admin": slapd.root_dn, "password": slapd.root_password,
            "relay": organization.receive_dn(RELAY),
            "people": "ou=people," + slapd.suffix}))
        while True:
            signal.pause()


def main():
    kind, smtp_port, sink_port, folder = sys.argv[1:]
    organization = make_organization(int(smtp_port), int(sink_port))
    if kind == "ldif":
        organization.write(folder)
    else:
        serve(organization, folder)


main()
