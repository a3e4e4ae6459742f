"""A mail loop ends, also where no Received line survives a round."""

import unittest

from lib.organization import ANY_RECIPIENT
from lib.world import World


class Loop(unittest.TestCase):
    """The daemon is its own next hop, by way of a forwarder it knows nothing of."""

    def ends(self, inbound, outbound):
        def organize(org, port, sink):
            org.receive("Relay", port, aces=inbound, msExchSmtpReceiveMaxHopCount=5)
            org.send("Round", port, hosts="localhost", aces=outbound)

        with World(organize, internet=False) as world:
            with world.client() as client:
                client.send_message("", ["kate@fabrikam.com"])
            # It goes round until the hop count refuses it; the null sender gets no bounce.
            world.daemon.wait("data.refused", reply="554 5.4.6", timeout=15)
            accepted = len(world.daemon.seen("message.accepted"))
            self.assertLessEqual(accepted, 6)
            self.assertGreaterEqual(accepted, 5)

    # proves: R15
    def test_received_lines_stay(self):
        self.ends(["allow * to anonymous"], ["allow * to anonymous"])

    # proves: R15
    def test_received_lines_are_taken_away_on_the_way_out(self):
        self.ends(["allow * to anonymous"], [])

    # proves: R15
    def test_received_lines_are_taken_away_on_the_way_in(self):
        self.ends([ANY_RECIPIENT, "allow ms-Exch-SMTP-Submit to anonymous"], ["allow * to anonymous"])

    # proves: R15
    def test_received_lines_are_taken_away_both_ways(self):
        self.ends([ANY_RECIPIENT, "allow ms-Exch-SMTP-Submit to anonymous"], [])


if __name__ == "__main__":
    unittest.main()
