"""People and groups below the suffix, as LDIF, for tests of logins.

    people = People()
    people.person("alice", "secret", mail="alice@contoso.com")
    people.group("relay", members=[people.dn("staff")])      groups of groups, by the names of groups or people
    slapd.add(people.ldif())
"""

from lib.organization import record

SENDER_ATTRIBUTES = {"dirrelayAce", "proxyAddresses", "publicDelegates", "mailAlternateAddress"}


class People:
    def __init__(self, suffix="dc=contoso,dc=com"):
        self.suffix = suffix
        self.base, self.groups = "ou=people," + suffix, "ou=groups," + suffix
        self.records = [record(self.base, "organizationalUnit"), record(self.groups, "organizationalUnit")]

    def dn(self, uid):
        return "uid=%s,%s" % (uid, self.base)

    def group_dn(self, name):
        return "cn=%s,%s" % (name, self.groups)

    def person_ldif(self, uid, password, **attributes):
        classes = ["inetOrgPerson"] + ["dirrelayPerson"] * bool(SENDER_ATTRIBUTES & attributes.keys())
        return record(self.dn(uid), *classes, **{"cn": uid, "sn": uid, "userPassword": password, **attributes})

    def person(self, *arguments, **attributes):
        self.records.append(self.person_ldif(*arguments, **attributes))
        return self.dn(arguments[0])

    def group(self, name, members):
        self.records.append(record(self.group_dn(name), "groupOfNames", member=list(members)))
        return self.group_dn(name)

    def ldif(self):
        return "\n".join(self.records)
