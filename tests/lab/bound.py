#!/usr/bin/python3
"""On which addresses of the bastion a forward really listens: its sshd's GatewayPorts decides, not the request."""
from __future__ import annotations

import json
from typing import Any

from lab import UserTest, main, until

PORT = 2227
NAME = str(PORT)
BACKEND = ("--backend", "nohup")


class Bound(UserTest):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.bastion.configure)
        self.addCleanup(self.holdfast.run, "remove", NAME, check=False)

    def bound(self) -> tuple[str, str]:
        forward = self.holdfast.status(NAME)["forwards"][0]
        return forward["listen"], forward["bound"]

    def json_setup(self, listen: str) -> tuple[dict[str, Any], str]:
        done = self.holdfast.setup("-p", listen, "-b", "gate@bastion", "-n", NAME, *BACKEND, "--json")
        return json.loads(done.stdout), done.stderr

    def dials(self) -> int:
        """SYN packets from the workstation to the forwarded port, by a counter in the bastion's firewall."""
        rules = json.loads(self.bastion.run(["nft", "-j", "list", "counter", "inet", "bound", "dials"]).stdout)
        return next(entry["counter"]["packets"] for entry in rules["nftables"] if "counter" in entry)

    def count_dials(self, verdict: str = "accept") -> None:
        self.bastion.run(["nft", "-f", "-"], stdin=f"""
            table inet bound {{
              counter dials {{ }}
              chain input {{
                type filter hook input priority 0; policy accept;
                iif != "lo" tcp dport {PORT} tcp flags & (syn | ack) == syn counter name "dials" {verdict}
              }}
            }}""")
        self.addCleanup(self.bastion.run, ["nft", "delete", "table", "inet", "bound"])

    def test_an_exposed_port_is_a_warning(self) -> None:
        self.bastion.configure(GatewayPorts="yes")
        said = self.holdfast.setup("-p", NAME, "-b", "gate@bastion", *BACKEND)
        for text in (said.stderr, self.holdfast.run("status", NAME).stdout, self.holdfast.run("status").stdout):
            self.assertIn("listens on all its addresses, not only on 127.0.0.1:2227", text)
            self.assertIn("GatewayPorts", text)
        status = self.holdfast.status(NAME)
        self.assertEqual((status["state"], status["verified"], self.bound()), ("up", True, ("127.0.0.1:2227", "all")))
        self.assertIn("warning: ", self.holdfast.run("logs", NAME).stdout)
        again = self.holdfast.setup("-p", NAME, "-b", "gate@bastion", *BACKEND)
        self.assertIn("listens on all its addresses", again.stderr)

    def test_a_loopback_port_is_known_as_such(self) -> None:
        self.count_dials()
        status, said = self.json_setup(NAME)
        self.assertEqual(status["forwards"][0]["bound"], "loopback")
        self.assertNotIn("GatewayPorts", said)
        self.assertEqual(self.dials(), 1)
        before = status["ssh_pid"]
        self.holdfast.run("restart", NAME)
        until("the port's addresses after the next login", lambda: self.bound()[1] == "loopback")
        self.assertNotEqual(self.holdfast.status(NAME)["ssh_pid"], before)
        self.assertEqual(self.dials(), 2)

    def test_a_silent_firewall_leaves_it_unknown(self) -> None:
        self.count_dials("drop")
        status, _ = self.json_setup(NAME)
        self.assertEqual((status["verified"], status["forwards"][0]["bound"]), (True, "unknown"))
        status, _ = self.json_setup(f"0.0.0.0:{PORT}")
        self.assertEqual((status["verified"], status["forwards"][0]["bound"]), (True, "unknown"))

    def test_all_addresses_that_were_not_granted_are_not_verified(self) -> None:
        status, said = self.json_setup(f"0.0.0.0:{PORT}")
        self.assertEqual((status["state"], status["verified"]), ("up", False))
        self.assertEqual((status["forwards"][0]["listen"], status["forwards"][0]["bound"]),
                         (f"0.0.0.0:{PORT}", "loopback"))
        self.assertIn("GatewayPorts clientspecified", status["last_error"]["hint"])
        self.assertIn("loopback", self.holdfast.run("status", NAME).stdout)
        self.assertIn("not verified end to end", said)

    def test_all_addresses_that_were_granted_are_verified(self) -> None:
        self.bastion.configure(GatewayPorts="clientspecified")
        status, said = self.json_setup(f"0.0.0.0:{PORT}")
        self.assertEqual((status["verified"], status["forwards"][0]["bound"]), (True, "all"))
        self.assertNotIn("warning: the bastion listens", said)

    def test_a_stranger_on_the_public_address_proves_nothing(self) -> None:
        address = self.bastion.place.address
        with self.bastion.holder(PORT, b"SSH-2.0-stranger\r\n", address=address):
            status, said = self.json_setup(NAME)
        self.assertEqual((status["verified"], status["forwards"][0]["bound"]), (True, "unknown"))
        self.assertNotIn("listens on all", said)


if __name__ == "__main__":
    main()
