#!/usr/bin/python3
"""Writes tree.ldif, rights.ldif and sample.ldif; without options exactly the committed ones.

    ./make_sample.py --suffix dc=example,dc=org --server mx1 --relay-hosts 10.0.0.7 --smart-host '[10.0.0.9]' --output DIR

tree.ldif    CN=Configuration below the suffix down to Servers, Connections and Accepted Domains: the levels every
             organization has. The suffix entry itself is expected to exist.
rights.ldif  the extended rights, from rights.tsv.
sample.ldif  a server with the connectors Exchange's setup makes, the relay document's "Anonymous Relay" connector, an
             accepted domain, a send connector to a smart host, the two well-known groups and a person.
Add them in this order.
"""

import argparse
import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
ADMIN_GROUP = "CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups"
ROUTING_GROUP = "CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups"
EXCHANGE_SERVERS_GUID = "6C01D2A7F08345038132789EEB127B84"
EXCHANGE_LEGACY_INTEROP_GUID = "3F965B9CF1674B4A936CB8EFB19C4784"
# What an extended right applies to: the classes' schemaIDGUIDs.
CONNECTOR_CLASSES = ("44601346-776a-46e7-b4a4-2472e1c66806", "89baf7be-b09e-11d2-aa06-00c04f8eedd8")
USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
FRONTEND, HUB = 16384, 32
ALL_IPV4, ALL_IPV6 = "0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
# Facts 5.3, 2013 and later: name, role, which port option, AuthMechanism, permission groups.
DEFAULT_CONNECTORS = (
    ("Default Frontend", FRONTEND, "port", 31, "AnonymousUsers ExchangeServers ExchangeLegacyServers"),
    ("Client Frontend", FRONTEND, "client_port", 15, "ExchangeUsers"),
    ("Outbound Proxy Frontend", FRONTEND, "outbound_proxy_port", 31, "ExchangeServers"),
    ("Default", HUB, "hub_port", 23, "ExchangeUsers ExchangeServers ExchangeLegacyServers"),
    ("Client Proxy", HUB, "client_proxy_port", 31, "ExchangeUsers ExchangeServers"),
)


def record(dn, *classes, **attributes):
    """One LDIF record; cn comes from the DN, a value may be a list."""
    kind, _, value = dn.split(",")[0].partition("=")
    lines = ["dn: " + dn] + ["objectClass: " + name for name in classes] + ["%s: %s" % (kind.lower(), value)]
    for name, values in attributes.items():
        for item in values if isinstance(values, (list, tuple)) else [values]:
            lines.append(("%s: %s" % (name, item)).rstrip())
    return "\n".join(lines) + "\n"


def make_tree(options):
    configuration = "CN=Configuration," + options.suffix
    exchange = "CN=Microsoft Exchange,CN=Services," + configuration
    organization = options.organization_dn
    records = [record(configuration, "container"), record("CN=Extended-Rights," + configuration, "container"),
               record("CN=Services," + configuration, "container"),
               record(exchange, "msExchConfigurationContainer", otherWellKnownObjects=[
                   "B:32:%s:CN=Exchange Servers,%s" % (EXCHANGE_SERVERS_GUID, options.groups_dn),
                   "B:32:%s:CN=ExchangeLegacyInterop,%s" % (EXCHANGE_LEGACY_INTEROP_GUID, options.groups_dn)]),
               record(organization, "msExchOrganizationContainer")]
    for path in (("Administrative Groups",), (ADMIN_GROUP,), ("Servers", ADMIN_GROUP), ("Routing Groups", ADMIN_GROUP),
                 (ROUTING_GROUP, ADMIN_GROUP)):
        dn = ",".join(part if part.startswith("CN=") else "CN=" + part for part in path) + "," + organization
        records.append(record(dn, "container"))
    records += [record("CN=Connections,%s,%s,%s" % (ROUTING_GROUP, ADMIN_GROUP, organization), "msExchConnectors"),
                record("CN=Transport Settings," + organization, "msExchTransportSettings"),
                record("CN=Accepted Domains,CN=Transport Settings," + organization, "container")]
    return records


def make_rights(options):
    records = []
    with open(os.path.join(FOLDER, "rights.tsv")) as table:
        for line in table:
            name, guid, display_name = line.rstrip("\n").split("\t")
            records.append(record("CN=%s,CN=Extended-Rights,CN=Configuration,%s" % (name, options.suffix),
                                  "controlAccessRight", displayName=display_name, rightsGuid=guid,
                                  appliesTo=[USER_CLASS] if name == "Send-As" else CONNECTOR_CLASSES,
                                  validAccesses=256))
    return records


def make_receive_connector(options, name, **attributes):
    # The limits that New-ReceiveConnector writes when it makes a connector.
    return record("CN=%s,%s" % (name, options.receive_dn), "msExchSmtpReceiveConnector", **attributes,
                  msExchSmtpReceiveMaxInboundConnections=5000, msExchSmtpReceiveMaxInboundConnectionsPerSource=20,
                  msExchSMTPReceiveMaxInboundConnectionsPercPerSource=2, msExchSmtpReceiveMaxProtocolErrors=5)


def make_server(options):
    protocols = "CN=Protocols," + options.server_dn
    addresses = [] if options.no_network_address else ["ncacn_ip_tcp:" + options.fqdn, "netbios:" + options.server]
    records = [record(options.server_dn, "msExchExchangeServer", msExchCurrentServerRoles=FRONTEND + HUB,
                      networkAddress=addresses),
               record(protocols, "protocolCfgSharedServer"), record(options.receive_dn, "container")]
    for name, role, port, mechanisms, groups in DEFAULT_CONNECTORS:
        records.append(make_receive_connector(
            options, "%s %s" % (name, options.server),
            msExchSmtpReceiveBindings=["%s:%d" % (a, getattr(options, port)) for a in options.addresses],
            msExchSmtpReceiveRemoteIPRanges=[ALL_IPV4, ALL_IPV6], msExchSmtpReceiveRole=role,
            msExchSMTPReceiveInboundSecurityFlag=mechanisms, dirrelayPermissionGroups=groups.split()))
    records.append(make_receive_connector(
        options, "Anonymous Relay", msExchSmtpReceiveBindings=options.relay_binding,
        msExchSmtpReceiveRemoteIPRanges=options.relay_hosts, msExchSmtpReceiveRole=FRONTEND,
        msExchSMTPReceiveInboundSecurityFlag=1, dirrelayPermissionGroups="AnonymousUsers",
        dirrelayAce=r"allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\ANONYMOUS LOGON"))
    return records


def make_sample(options):
    organization = options.organization_dn
    people = "ou=people," + options.suffix
    chris = "uid=chris," + people
    records = make_server(options)
    records += [
        record("CN=%s,CN=Accepted Domains,CN=Transport Settings,%s" % (options.domain, organization),
               "msExchAcceptedDomain", msExchAcceptedDomainName=options.domain, msExchAcceptedDomainFlags=4),
        record("CN=Internet,CN=Connections,%s,%s,%s" % (ROUTING_GROUP, ADMIN_GROUP, organization),
               "msExchRoutingSMTPConnector", routingList="SMTP:*;1", msExchSmtpSmartHost=options.smart_host,
               msExchSmtpSendPort=options.smart_host_port,
               dirrelayAce="allow ms-Exch-Send-Headers-Routing to anonymous"),
        record(options.groups_dn, "organizationalUnit"),
        record("CN=Exchange Servers," + options.groups_dn, "groupOfNames", member=options.server_dn),
        # A group must have a member; the empty name is nobody.
        record("CN=ExchangeLegacyInterop," + options.groups_dn, "groupOfNames", member=""),
        record(people, "organizationalUnit"),
        record(chris, "inetOrgPerson", "dirrelayPerson", cn="Chris Green", sn="Green", givenName="Chris",
               mail="chris@" + options.domain, proxyAddresses="SMTP:chris@" + options.domain),
    ]
    return records


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suffix", default="dc=contoso,dc=com")
    parser.add_argument("--organization", default="Contoso")
    parser.add_argument("--server", default="Mailbox01", help="cn of the server object")
    parser.add_argument("--fqdn", help="default: the server's name in the domain")
    parser.add_argument("--no-network-address", action="store_true",
                        help="for slapd with msuser.ldif, whose networkAddress takes no underscore")
    parser.add_argument("--domain", default="contoso.com", help="the accepted domain")
    parser.add_argument("--address", dest="addresses", action="append",
                        help="the default connectors' bindings, IPv6 in brackets; default: 0.0.0.0 and [::]")
    parser.add_argument("--port", type=int, default=25)
    parser.add_argument("--client-port", type=int, default=587)
    parser.add_argument("--outbound-proxy-port", type=int, default=717)
    parser.add_argument("--hub-port", type=int, default=2525)
    parser.add_argument("--client-proxy-port", type=int, default=465)
    parser.add_argument("--relay-binding", help="of Anonymous Relay; default: 0.0.0.0 and --port")
    parser.add_argument("--relay-hosts", default="192.168.5.10,192.168.5.11", help="comma separated")
    parser.add_argument("--smart-host", default="[192.168.5.25]", help="addresses in brackets")
    parser.add_argument("--smart-host-port", type=int, default=25)
    parser.add_argument("--output", default=FOLDER, help="where the three files go")
    options = parser.parse_args(arguments)
    options.fqdn = options.fqdn or "%s.%s" % (options.server.lower(), options.domain)
    options.addresses = options.addresses or ["0.0.0.0", "[::]"]
    options.relay_binding = options.relay_binding or "0.0.0.0:%d" % options.port
    options.relay_hosts = options.relay_hosts.split(",")
    options.organization_dn = "CN=%s,CN=Microsoft Exchange,CN=Services,CN=Configuration,%s" % (
        options.organization, options.suffix)
    options.server_dn = "CN=%s,CN=Servers,%s,%s" % (options.server, ADMIN_GROUP, options.organization_dn)
    options.receive_dn = "CN=SMTP Receive Connectors,CN=Protocols," + options.server_dn
    options.groups_dn = "ou=Microsoft Exchange Security Groups," + options.suffix
    return options


def make_all(options):
    """{file name: text}"""
    head = "# Made by make_sample.py.\n"
    return {"tree.ldif": head + "\n".join(make_tree(options)), "rights.ldif": head + "\n".join(make_rights(options)),
            "sample.ldif": head + "\n".join(make_sample(options))}


def main():
    options = parse_options()
    for name, text in make_all(options).items():
        with open(os.path.join(options.output, name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
