#!/usr/bin/python3
"""A client of GSS-API, a token a line in base64: prints its own, reads the server's ("=" is an empty one). A process of its own,
since libkrb5 and gss-ntlmssp read the environment.

    gss_client.py sasl HOST [AUTHZID [LAYER]]     RFC 4752; LAYER is the bit it asks for, 1 by default
    gss_client.py spnego HOST
    gss_client.py ntlm|spnego-ntlm HOST DOMAIN\\USER PASSWORD

--channel BASE64 before all of it: what it says of the channel that it speaks through.
"""

import base64
import sys

import gssapi
import gssapi.raw

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")


def say(token):
    print(base64.b64encode(token or b"").decode() or "=", flush=True)


def hear():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return b"" if line.strip() == "=" else base64.b64decode(line)


def wrap_layer(context, authzid, layer):
    """RFC 4752, 3.1: which layers the server has, and ours."""
    offer = context.unwrap(hear()).message
    if not offer[0] & 1:
        sys.exit("the server does not do without a security layer")
    say(context.wrap(bytes([layer]) + b"\0\0\0" + authzid.encode(), False).message)


def main(kind, host, *more):
    channel = None
    if kind == "--channel":
        channel = gssapi.raw.ChannelBindings(application_data=base64.b64decode(host))
        kind, host, *more = more
    target = gssapi.Name("smtp@" + host, gssapi.NameType.hostbased_service)
    flags = [gssapi.RequirementFlag.mutual_authentication, gssapi.RequirementFlag.integrity,
             gssapi.RequirementFlag.out_of_sequence_detection]
    mechanism, credentials = {"sasl": gssapi.MechType.kerberos, "ntlm": NTLM}.get(kind, SPNEGO), None
    if "ntlm" in kind:
        user = gssapi.Name(more[0], gssapi.NameType.user)
        mechanisms = [NTLM] if kind == "ntlm" else [NTLM, SPNEGO]
        credentials = gssapi.raw.acquire_cred_with_password(user, more[1].encode(), mechs=mechanisms, usage="initiate").creds
        credentials, flags = gssapi.Credentials(credentials), [gssapi.RequirementFlag.integrity]
    context = gssapi.SecurityContext(name=target, mech=mechanism, creds=credentials, flags=flags, usage="initiate",
                                     channel_bindings=channel)
    say(context.step())
    while not context.complete:
        say(context.step(hear()))
    if kind == "sasl":
        wrap_layer(context, more[0] if more else "", int(more[1]) if len(more) > 1 else 1)
    while True:  # a last challenge is answered with nothing (RFC 4422, 5)
        hear()
        say(b"")


main(*sys.argv[1:])
