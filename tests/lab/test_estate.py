"""What is written in host.toml, and what is made of it."""
import tempfile
import unittest
from pathlib import Path

import estate
import network
from trouble import Trouble

PLAIN = {"why": "a host for a test", "site": "hq", "address": "10.61.1.7", "role": "dns"}


def host(name="a", **more):
    return estate.host_of(name, {**PLAIN, **more}, Path("/nowhere"))


class HostFiles(unittest.TestCase):
    def test_a_plain_host_has_one_leg_and_a_card_number_of_its_own(self):
        one = host()
        self.assertEqual([leg.address for leg in one.legs], ["10.61.1.7"])
        self.assertEqual(one.legs[0].mac, "52:54:00:3d:01:07")
        self.assertTrue(one.agent)

    def test_a_router_has_a_leg_in_every_site(self):
        legs = [{"site": "hq", "address": "10.61.1.1"}, {"site": "branch", "address": "10.61.2.1"}]
        router = estate.host_of("r", {"why": "joins two sites", "role": "gateway", "legs": legs, "forward": True}, Path("/nowhere"))
        self.assertEqual([leg.site for leg in router.legs], ["hq", "branch"])
        self.assertNotIn("default", " ".join(network.cards(router)))

    def test_an_address_outside_its_site_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not in branch"):
            host(site="branch")

    def test_a_word_nobody_knows_is_refused(self):
        with self.assertRaisesRegex(ValueError, "unknown: adress"):
            host(adress="10.61.1.8")

    def test_readiness_is_a_port_or_a_file(self):
        self.assertEqual(host(ready=["tcp 25", "udp 53", "file /run/x"]).ready, (("tcp", 25), ("udp", 53), ("file", "/run/x")))
        for wrong in ("25", "tcp", "http 80", "tcp smtp"):
            with self.assertRaises(ValueError):
                host(ready=[wrong])

    def test_trouble_with_a_file_names_the_host(self):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "web9")
            place.mkdir()
            for text, said in (("why = ", "web9"), ("why = 'x'", "web9.*(role|site) is missing"), ("port = 1", "web9.*unknown: port")):
                (place / "host.toml").write_text(text)
                with self.assertRaisesRegex(Trouble, said):
                    estate.read(Path(folder))


class Order(unittest.TestCase):
    def test_hosts_that_wait_for_each_other_are_found(self):
        ring = {"a": host("a", after=["b"]), "b": host("b", after=["c"]), "c": host("c", after=["a"])}
        self.assertEqual(estate.circle(ring), ["a", "b", "c", "a"])

    def test_a_line_of_hosts_is_no_circle(self):
        line = {"a": host("a", after=["b", "c"]), "b": host("b", after=["c"]), "c": host("c", after=["absent"])}
        self.assertEqual(estate.circle(line), [])

    def test_whoever_most_others_wait_for_begins(self):
        line = {"a": host("a", after=["b"]), "b": host("b", after=["c"]), "c": host("c", after=["absent"]), "d": host("d")}
        self.assertEqual(estate.most_awaited_first(line), ["c", "b", "a", "d"])

    def test_only_keeps_the_named_and_refuses_the_unknown(self):
        both = {"a": host("a"), "b": host("b")}
        self.assertEqual(list(estate.only(both, ["b"])), ["b"])
        with self.assertRaisesRegex(Trouble, "no such host: c"):
            estate.only(both, ["a", "c"])


class Cards(unittest.TestCase):
    def test_a_host_gets_its_addresses_and_the_way_out_of_its_site(self):
        lines = network.cards(host(address6="fd61:1::7", mac="00:26:73:01:02:03"))
        self.assertIn("link set eth0 address 00:26:73:01:02:03", lines)
        self.assertIn("addr add 10.61.1.7/24 brd + dev eth0", lines)
        self.assertIn("addr add fd61:1::7/64 dev eth0 nodad", lines)
        self.assertIn("route add default via 10.61.1.1", lines)
        self.assertIn("route add ::/0 via fd61:1::1", lines)

    def test_a_cable_joins_only_the_switch_of_its_site(self):
        lines = network.cables("branch", {"a": host("a"), "b": host("b", site="branch", address="10.61.2.9")})
        self.assertEqual([line for line in lines if "veth" in line and "a.0" in line], [])
        self.assertEqual(len([line for line in lines if "veth" in line]), 1)


if __name__ == "__main__":
    unittest.main()
