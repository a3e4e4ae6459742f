#!/usr/bin/python3
"""Writes dirrelay.ldif, dirrelay.schema, dirrelay-ad-base.ldif, dirrelay-ad-base.schema, ad/*.ldif and README.md from schema.tsv.

    ./generate.py           write the files
    ./generate.py --check   exit 1 and name the files that are not what the table says
"""

import os
import sys

import active_directory

FOLDER = os.path.dirname(os.path.abspath(__file__))
ARC = active_directory.ARC_2_25
FILES = {"base": "dirrelay-ad-base", "dirrelay": "dirrelay"}
SYNTAX = {
    "string": "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15",
    "integer": "EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27",
    "boolean": "EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7",
    "dn": "EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12",
    "octets": "EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40",
}
README_HEAD = """# LDAP schema

Made by `./generate.py` from `schema.tsv`; change the table, not the files.

| file | for |
| --- | --- |
| `dirrelay.ldif` | slapd with cn=config: `ldapadd -Y EXTERNAL -H ldapi:/// -f dirrelay.ldif`, or `include:` in slapadd |
| `dirrelay.schema` | slapd.conf: `include …/dirrelay.schema` |
| `ad/` | Samba AD, or an Active Directory that never had Exchange; its `README.md` says how. Where Exchange was installed there is nothing to load |
| `dirrelay-ad-base.ldif`, `dirrelay-ad-base.schema` | Active Directory's own names that the above uses. Load it first; leave it out where Debian's `msuser.ldif` is loaded, which defines the same names |

Those for slapd need the schemas core, cosine and inetorgperson. Names are Active Directory's, letter for letter. Levels of the
tree without a class of their own are `container`. `dirrelayAce` is a MAY of every class here; the AUXILIARY class
`dirrelaySecured` puts it on any other entry, `dirrelayPerson` serves senders.
With `msuser.ldif`, whose networkAddress takes no underscore, a server object cannot hold `ncacn_ip_tcp:…`; leave that
attribute out and the host's name is the server's.
The class `controlAccessRight` stands in `dirrelay`, because `msuser.ldif` has only its attributes.

## OID register

Microsoft's OID where it is published; everything else lies below one arc, made of one random UUID
(db783ea3-a362-4ee3-b286-69d268be5992):

    %s
      .1.N  attributes
      .2.N  classes

A number once given is never given again. Active Directory keeps no OID with numbers above 32 bits (Samba answers "Invalid
syntax"), so there `.1.N` and `.2.N` stand below the same UUID as Microsoft's arc for everybody spells it:

    %s

The column ad: `base` = Active Directory's own schema has it, `new` = `ad/*.ldif` adds it, – = it has no use there.

""" % (ARC, active_directory.ARC)


def read_table():
    """The rows as two lists of dictionaries, OIDs in full."""
    attributes, classes = [], []
    with open(os.path.join(FOLDER, "schema.tsv")) as table:
        for number, line in enumerate(table, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            fields[3] = fields[3].replace("own.", ARC + ".")
            if fields[0] == "attribute":
                attributes.append(dict(zip(("file", "name", "oid", "syntax", "values", "ad"), fields[1:], strict=True)))
            elif fields[0] == "class":
                classes.append(dict(zip(("file", "name", "oid", "kind", "sup", "must", "may", "ad", "ad_sup",
                                         "ad_parents"), fields[1:], strict=True)))
            else:
                sys.exit("schema.tsv:%d: neither attribute nor class" % number)
    for rows in (attributes, classes):
        for key in ("name", "oid"):
            seen = [row[key].lower() for row in rows]
            double = {value for value in seen if seen.count(value) > 1}
            if double:
                sys.exit("schema.tsv: twice: %s" % ", ".join(sorted(double)))
    return attributes, classes


def describe_attribute(row):
    single = " SINGLE-VALUE" if row["values"] == "single" else ""
    return "( %s NAME '%s' %s%s )" % (row["oid"], row["name"], SYNTAX[row["syntax"]], single)


def describe_class(row):
    def clause(word, names):
        names = names.split()
        if not names:
            return ""
        return " %s %s" % (word, names[0] if len(names) == 1 else "( %s )" % " $ ".join(names))

    return "( %s NAME '%s' SUP %s %s%s%s )" % (row["oid"], row["name"], row["sup"], row["kind"].upper(),
                                               clause("MUST", row["must"]), clause("MAY", row["may"]))


def fold(text, width=110):
    """Breaks at blanks; continuation lines begin with two (LDIF takes one off, the other separates the words)."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = " " + word
        else:
            line = line + " " + word if line else word
    return "\n ".join(lines + [line])


def make_ldif(name, attributes, classes):
    out = ["# Generated by generate.py from schema.tsv.", "dn: cn=%s,cn=schema,cn=config" % name,
           "objectClass: olcSchemaConfig", "cn: %s" % name]
    out += [fold("olcAttributeTypes: " + describe_attribute(row)) for row in attributes]
    out += [fold("olcObjectClasses: " + describe_class(row)) for row in classes]
    return "\n".join(out) + "\n"


def make_schema(attributes, classes):
    out = ["# Generated by generate.py from schema.tsv."]
    out += [fold("attributetype " + describe_attribute(row)) for row in attributes]
    out += [fold("objectclass " + describe_class(row)) for row in classes]
    return "\n".join(out) + "\n"


def describe_ad(row):
    return {"base": "base", "-": "–"}.get(row["ad"], "new")


def make_readme(attributes, classes):
    out = ["| OID | name | kind | syntax | file | ad |", "| --- | --- | --- | --- | --- | --- |"]
    for row in attributes:
        out.append("| %s | %s | attribute | %s, %s | %s | %s |" % (
            row["oid"], row["name"], row["syntax"], row["values"], FILES[row["file"]], describe_ad(row)))
    for row in classes:
        out.append("| %s | %s | class, %s | | %s | %s |" % (row["oid"], row["name"], row["kind"], FILES[row["file"]],
                                                           describe_ad(row)))
    return README_HEAD + "\n".join(out) + "\n"


def make_all():
    """{file name: text}"""
    attributes, classes = read_table()
    made = {"README.md": make_readme(attributes, classes), **active_directory.make_all(attributes, classes)}
    for key, name in FILES.items():
        mine = ([row for row in attributes if row["file"] == key], [row for row in classes if row["file"] == key])
        made[name + ".ldif"] = make_ldif(name, *mine)
        made[name + ".schema"] = make_schema(*mine)
    return made


def main():
    made = make_all()
    if sys.argv[1:] == ["--check"]:
        stale = []
        for name, text in made.items():
            with open(os.path.join(FOLDER, name)) as file:
                if file.read() != text:
                    stale.append(name)
        if stale:
            sys.exit("not what schema.tsv says: " + ", ".join(stale))
        return
    for name, text in made.items():
        with open(os.path.join(FOLDER, name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
