"""Drives tests/tools/account_probe.c: asks a directory for accounts."""

from lib.directory_probe import Probe

WELL_KNOWN = {"S-1-1-0", "S-1-5-11", "S-1-5-2"}
SELF, HISTORY, PRIMARY_GROUP, GROUP, TOKEN_GROUPS = range(5)


class AccountProbe(Probe):
    """One process.

        with AccountProbe(slapd.uri) as probe:
            probe.ask("alice")["sids"]
    """

    PROGRAM = "account_probe"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.wait("up")

    def ask(self, text, kind="login", how="", name="a"):
        """The answer, its lists without their first places."""
        self.say("ask", name, kind, text, how)
        answer = self.wait("answer", name=name)
        for key in ("addresses", "sids"):
            answer[key] = answer.get(key, [None])[1:]
        answer["addresses"] = [row["address"] for row in answer["addresses"]]
        return answer

    def sids(self, text, kind="login", **more):
        """The SIDs beside the well-known ones, as a set; fails when there is no account."""
        answer = self.ask(text, kind, **more)
        if answer["error"] != "ok":
            raise AssertionError("%s: %s" % (answer["error"], answer["note"]))
        found = {row["sid"] for row in answer["sids"]}
        if not WELL_KNOWN <= found:
            raise AssertionError("no well-known SIDs: %s" % found)
        return found - WELL_KNOWN

    def names(self, text, kind="login", **more):
        """The names of its groups."""
        answer = self.ask(text, kind, **more)
        if answer["error"] != "ok":
            raise AssertionError("%s: %s" % (answer["error"], answer["note"]))
        return {row["name"] for row in answer["sids"] if row["source"] in (PRIMARY_GROUP, GROUP, TOKEN_GROUPS)}

    def pass_by(self, milliseconds):
        """Returns when the probe's loop has gone on so long: every timer due before has done its work."""
        self.say("pass", milliseconds)
        self.wait("passed", timeout=60)

    def is_current(self, name="a"):
        self.say("current", name)
        return self.wait("current", name=name)["is_current"]
