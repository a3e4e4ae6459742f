"""The LDIF of a test's organization, said in few words; for slapd and for ldif: directories.

    org = Organization()
    org.receive("Anonymous Relay", port, ["127.0.0.2"], groups="AnonymousUsers", aces=[ANY_RECIPIENT])
    org.send("Internet", sink.port)
    slapd.add(org.ldif())                          or  Daemon(org.write(folder))
    slapd.add(org.receive_ldif("Printers", …))     a connector more, later

The tree is ldif/'s. Connectors get TarpitInterval 0 unless the test says otherwise: refusals come at once.
"""

import base64
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "ldif"))
import make_sample  # noqa: E402
from make_sample import record  # noqa: E402

FRONTEND, HUB, EDGE = 16384, 32, 64
EXTERNAL = 32  # ExternalAuthoritative
AUTHORITATIVE, EXTERNAL_RELAY, INTERNAL_RELAY, DEFAULT, SUBDOMAINS = 0, 1, 2, 4, 65536
ANY_RECIPIENT = r"allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\ANONYMOUS LOGON"
SEND_ROUTING = "allow ms-Exch-Send-Headers-Routing to anonymous"
EVERYBODY = "127.0.0.0/8"


class Organization:
    def __init__(self, server="Mailbox01", domains=(("contoso.com", DEFAULT),), model=None, roles=FRONTEND + HUB,
                 suffix="dc=contoso,dc=com", settings=None, certificate=None):
        self.options = make_sample.parse_options(["--server", server, "--suffix", suffix])
        self.suffix, self.dn = suffix, self.options.organization_dn
        self.server_dn, self.receive_container = self.options.server_dn, self.options.receive_dn
        self.send_container = "CN=Connections,%s,%s,%s" % (make_sample.ROUTING_GROUP, make_sample.ADMIN_GROUP, self.dn)
        self.settings_dn = "CN=Transport Settings," + self.dn
        self.records = make_sample.make_tree(self.options)
        if settings:
            index = next(i for i, text in enumerate(self.records) if text.startswith("dn: CN=Transport Settings,"))
            self.records[index] = record(self.settings_dn, "msExchTransportSettings", **settings)
        own = {"dirrelayPermissionModel": model} if model else {}
        if certificate:
            own["msExchServerInternalTLSCert:"] = base64.b64encode(certificate).decode()
        self.records += [
            record(self.server_dn, "msExchExchangeServer", "dirrelaySecured", msExchCurrentServerRoles=roles,
                   networkAddress="ncacn_ip_tcp:" + self.options.fqdn, **own),
            record("CN=Protocols," + self.server_dn, "protocolCfgSharedServer"),
            record(self.receive_container, "container", "dirrelaySecured")]
        for name, flags in domains:
            self.domain(name, flags)

    # -- objects ------------------------------------------------------------------------------------------

    def receive_dn(self, name):
        return "CN=%s,%s" % (name, self.receive_container)

    def send_dn(self, name):
        return "CN=%s,%s" % (name, self.send_container)

    def domain_dn(self, name):
        return "CN=%s,CN=Accepted Domains,%s" % (name.replace("*", "any"), self.settings_dn)

    def receive_ldif(self, name, bindings, ranges=EVERYBODY, groups=(), aces=(), auth=0, role=FRONTEND, **attributes):
        """bindings: a port of 127.0.0.1, or values. Attributes by their LDAP names; None leaves one out."""
        values = {
            "msExchSmtpReceiveBindings": "127.0.0.1:%d" % bindings if isinstance(bindings, int) else bindings,
            "msExchSmtpReceiveRemoteIPRanges": ranges, "msExchSmtpReceiveRole": role,
            "msExchSMTPReceiveInboundSecurityFlag": auth, "msExchSmtpReceiveTarpitInterval": 0,
            "dirrelayPermissionGroups": groups.split() if isinstance(groups, str) else groups, "dirrelayAce": aces,
            **attributes}
        return record(self.receive_dn(name), "msExchSmtpReceiveConnector",
                      **{key: value for key, value in values.items() if value is not None})

    def send_ldif(self, name, port, spaces="SMTP:*;1", hosts="[127.0.0.1]", aces=SEND_ROUTING, **attributes):
        values = {"routingList": spaces, "msExchSmtpSmartHost": hosts, "msExchSmtpSendPort": port, "dirrelayAce": aces,
                  **attributes}
        return record(self.send_dn(name), "msExchRoutingSMTPConnector",
                      **{key: value for key, value in values.items() if value is not None})

    def domain_ldif(self, name, flags=AUTHORITATIVE, **attributes):
        return record(self.domain_dn(name), "msExchAcceptedDomain", msExchAcceptedDomainName=name,
                      msExchAcceptedDomainFlags=flags, **attributes)

    def receive(self, *arguments, **attributes):
        self.records.append(self.receive_ldif(*arguments, **attributes))
        return self

    def relay(self, name, bindings, ranges, **attributes):
        """The relay document's method 1."""
        return self.receive(name, bindings, ranges, groups="AnonymousUsers", aces=[ANY_RECIPIENT], **attributes)

    def send(self, *arguments, **attributes):
        self.records.append(self.send_ldif(*arguments, **attributes))
        return self

    def domain(self, *arguments, **attributes):
        self.records.append(self.domain_ldif(*arguments, **attributes))
        return self

    def server(self, name, role, certificate=None):
        """Another server, as EdgeSync would replicate it; certificate: msExchServerInternalTLSCert, DER."""
        dn = "CN=%s,%s" % (name, self.server_dn.partition(",")[2])
        values = {"msExchServerInternalTLSCert:": base64.b64encode(certificate).decode()} if certificate else {}
        self.records.append(record(dn, "msExchExchangeServer", msExchCurrentServerRoles=role, **values))
        return self

    # -- whole --------------------------------------------------------------------------------------------

    def ldif(self):
        """Without the suffix entry, which the slapd fixture makes."""
        return "\n".join(self.records)

    def write(self, folder, name="organization.ldif"):
        """A file for a directory without a server; its URI."""
        path = os.path.join(folder, name)
        suffix = record(self.suffix, "dcObject", "organization", o="Test")
        with open(path, "w") as file:
            file.write(suffix + "\n" + self.ldif())
        os.chmod(path, 0o644)
        return "ldif:" + path


def same_dn(dn):
    """For Daemon.wait: slapd writes attribute types in its schema's case."""
    return lambda other: other is not None and other.lower() == dn.lower()


def change(dn, *operations):
    """An ldapmodify record: change(dn, ("delete", "dirrelayAce", value), ("replace", "x", a, b), …)"""
    lines = ["dn: " + dn, "changetype: modify"]
    for operation, attribute, *values in operations:
        lines += ["%s: %s" % (operation, attribute)] + ["%s: %s" % (attribute, value) for value in values] + ["-"]
    return "\n".join(lines) + "\n"
