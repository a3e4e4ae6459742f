#!/usr/bin/python3
"""`dirrelay sd` against Samba's own conversion: random descriptors, text and binary, both ways.

SAMBA_SDDL_CASES is the number of descriptors (3000), SAMBA_SDDL_SEED makes a run repeatable; both stand in a failure.
"""

import base64
import os
import random
import sys
import unittest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests"))
from lib import dirrelay  # noqa: E402

try:
    from samba.dcerpc import misc, security
    from samba.ndr import ndr_pack, ndr_unpack
except ImportError:
    raise unittest.SkipTest("python3-samba is not installed: SDDL is not compared with Samba's") from None

CASES = int(os.environ.get("SAMBA_SDDL_CASES", "3000"))
SEED = int(os.environ.get("SAMBA_SDDL_SEED", str(random.randrange(1 << 32))))
DOMAIN = "S-1-5-21-2631572062-4059305005-557527561"
WELL_KNOWN = ("S-1-1-0", "S-1-3-0", "S-1-3-1", "S-1-5-7", "S-1-5-9", "S-1-5-10", "S-1-5-11", "S-1-5-18", "S-1-5-19",
              "S-1-5-20", "S-1-5-2", "S-1-5-4", "S-1-5-6", "S-1-5-12", "S-1-5-32-544", "S-1-5-32-545", "S-1-5-32-546",
              "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-550", "S-1-5-32-551", "S-1-5-32-554")
RIDS = (500, 501, 512, 513, 514, 515, 516, 517, 518, 519, 520, 553, 1104, 4294967295)
EXCHANGE = "S-1-9-1419165041-1139599005-3936102811-1022490595-%d"
GUIDS = ("ab721a54-1e2f-11d0-9819-00aa0040529b", "5c82f031-4e4c-4326-88e1-8c4f0cad9de5",
         "44601346-776a-46e7-b4a4-2472e1c66806", "00000000-0000-0000-0000-000000000000")
CONTROL = (security.SEC_DESC_DACL_PROTECTED, security.SEC_DESC_DACL_AUTO_INHERITED,
           security.SEC_DESC_DACL_AUTO_INHERIT_REQ)
SACL_CONTROL = (security.SEC_DESC_SACL_PROTECTED, security.SEC_DESC_SACL_AUTO_INHERITED,
                security.SEC_DESC_SACL_AUTO_INHERIT_REQ)
DACL_TYPES = (security.SEC_ACE_TYPE_ACCESS_ALLOWED, security.SEC_ACE_TYPE_ACCESS_DENIED,
              security.SEC_ACE_TYPE_ACCESS_ALLOWED_OBJECT, security.SEC_ACE_TYPE_ACCESS_DENIED_OBJECT)
SACL_TYPES = (security.SEC_ACE_TYPE_SYSTEM_AUDIT, security.SEC_ACE_TYPE_SYSTEM_AUDIT_OBJECT)
OBJECT_TYPES = DACL_TYPES[2:] + SACL_TYPES[1:]


def make_sid(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return security.dom_sid("%s-%d" % (DOMAIN, chance.choice(RIDS)))
    if kind == 1:
        return security.dom_sid(EXCHANGE % chance.choice((10, 21, 22, 23, 24)))
    if kind == 2:
        numbers = [str(chance.randrange(1 << 32)) for _ in range(chance.randint(1, 15))]
        return security.dom_sid("S-1-%d-%s" % (chance.choice((1, 5, 9, 16, 22)), "-".join(numbers)))
    return security.dom_sid(chance.choice(WELL_KNOWN))


def make_mask(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randrange(1 << 32)
    if kind == 1:
        return 0x100
    if kind == 2:
        return chance.choice((0x10000000, 0x20000000, 0x40000000, 0x80000000, 0x1F01FF, 0xF01FF, 0xF003F))
    return chance.randrange(1 << 9) | chance.randrange(16) << 16


def make_guid(chance):
    return misc.GUID(chance.choice(GUIDS[:3])) if chance.random() < 0.8 else misc.GUID(
        "%08x-%04x-%04x-%04x-%012x" % tuple(chance.randrange(1 << bits) for bits in (32, 16, 16, 16, 48)))


def make_ace(chance, types, flags):
    ace = security.ace()
    ace.type = chance.choice(types)
    ace.flags = sum(bit for bit in flags if chance.random() < 0.25)
    ace.access_mask = make_mask(chance)
    ace.trustee = make_sid(chance)
    if ace.type in OBJECT_TYPES:
        present = chance.randrange(4)
        ace.object.flags = present
        if present & security.SEC_ACE_OBJECT_TYPE_PRESENT:
            ace.object.type = make_guid(chance)
        if present & security.SEC_ACE_INHERITED_OBJECT_TYPE_PRESENT:
            ace.object.inherited_type = make_guid(chance)
    return ace


def make_descriptor(chance):
    descriptor = security.descriptor()
    if chance.random() < 0.8:
        descriptor.owner_sid = make_sid(chance)
    if chance.random() < 0.8:
        descriptor.group_sid = make_sid(chance)
    inheritance = (1, 2, 4, 8, 16)
    for _ in range(chance.choice((0, 1, 2, 5, 30))):
        descriptor.dacl_add(make_ace(chance, DACL_TYPES, inheritance))
    for _ in range(chance.choice((0, 0, 1, 3))):
        descriptor.sacl_add(make_ace(chance, SACL_TYPES, inheritance + (64, 128)))
    control = security.SEC_DESC_SELF_RELATIVE
    if descriptor.dacl is not None:
        control |= security.SEC_DESC_DACL_PRESENT | sum(bit for bit in CONTROL if chance.random() < 0.3)
    if descriptor.sacl is not None:
        control |= security.SEC_DESC_SACL_PRESENT | sum(bit for bit in SACL_CONTROL if chance.random() < 0.3)
    descriptor.type = control
    # Nothing at all would be the empty text, which encode takes for a mistake.
    return descriptor if control != security.SEC_DESC_SELF_RELATIVE or descriptor.owner_sid or descriptor.group_sid \
        else make_descriptor(chance)


def normalize(packed):
    """The bytes as Samba packs them: its order of the parts, and one ACL revision, which it always writes as 4."""
    descriptor = ndr_unpack(security.descriptor, packed)
    for acl in (descriptor.dacl, descriptor.sacl):
        if acl is not None:
            acl.revision = 4
    return ndr_pack(descriptor)


def convert(lines, *arguments):
    answer = dirrelay.cli("sd", *arguments, "--batch", input="".join(line + "\n" for line in lines), timeout=300)
    out = answer.out.splitlines()
    assert answer.code in (0, 4) and len(out) == len(lines), (answer.code, answer.err, len(out), len(lines))
    return out


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chance = random.Random(SEED)
        cls.domain = security.dom_sid(DOMAIN)
        cls.descriptors = [make_descriptor(chance) for _ in range(CASES)]
        cls.binaries = [normalize(ndr_pack(descriptor)) for descriptor in cls.descriptors]

    def compare(self, got, at, text):
        if got != self.binaries[at]:
            theirs = self.descriptors[at].as_sddl()
            self.fail("seed %d case %d\nSamba: %s\nours:  %s\n%s\n%s" % (
                SEED, at, theirs, text, base64.b64encode(self.binaries[at]), base64.b64encode(got)))

    # proves: facts-9.2 facts-9.5
    def test_samba_reads_our_text(self):
        ours = convert([base64.b64encode(binary).decode() for binary in self.binaries], "decode")
        for at, text in enumerate(ours):
            try:
                read = security.descriptor.from_sddl(text, self.domain)
            except TypeError:
                self.fail("seed %d case %d: Samba cannot read %s" % (SEED, at, text))
            self.compare(normalize(ndr_pack(read)), at, text)

    # proves: facts-9.2 facts-9.5
    def test_we_read_sambas_text(self):
        for domain, arguments in ((None, ()), (self.domain, ("--domain-sid", DOMAIN))):
            texts = [descriptor.as_sddl(*([domain] if domain else [])) for descriptor in self.descriptors]
            for at, (text, line) in enumerate(zip(texts, convert(texts, "encode", *arguments))):
                self.assertFalse(line.startswith("error"), "seed %d case %d: %s: %s" % (SEED, at, text, line))
                self.compare(normalize(base64.b64decode(line)), at, text)

    def test_our_binary_is_read_back_the_same(self):
        binaries = [base64.b64encode(binary).decode() for binary in self.binaries]
        texts = convert(binaries, "decode")
        again = convert(convert(texts, "encode"), "decode")
        for at, (text, before) in enumerate(zip(again, texts)):
            self.assertEqual(text, before, "seed %d case %d" % (SEED, at))


if __name__ == "__main__":
    unittest.main()
