"""`lab check` finds what does not fit together, and nothing else."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import estate
import truth

GOOD = {
    "why": "the nightly dump", "consumer": "backup", "provider": "db", "port": 5433, "kind": "sql", "known_by": ["written"],
    "hidden": ["scheduled"], "where": "backup:/etc/cron.d/dump:3", "file": "expected.toml",
}
DECOY = {"why": "commented out", "consumer": "backup", "provider": "10.61.1.99", "where": "backup:/etc/cron.d/dump", "file": "expected.toml"}


class Truth(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        for number, name in enumerate(("backup", "db"), 10):
            place = self.folder / "hosts" / name
            (place / "files/etc/cron.d").mkdir(parents=True)
            (place / "host.toml").write_text(
                f'why = "a host of the test of the truth"\nsite = "hq"\naddress = "10.61.1.{number}"\nrole = "dns"\n')
            (place / "start").write_text("#!/bin/sh\nsed -i s/a/b/ /etc/made.conf\necho > /var/log/job.log\n")
            (place / "start").chmod(0o755)
        (self.folder / "hosts/backup/files/etc/cron.d/dump").write_text("1 2 * * * root dump\n")

    def hosts(self):
        return estate.read(self.folder / "hosts")

    def test_what_follows_through_a_relay_needs_both_its_parts(self):
        onward = {"why": "behind the relay", "consumer": "backup", "through": "backup", "provider": "db", "port": 22, "kind": "ssh",
                  "where": "backup:/etc/cron.d/dump", "file": "expected.toml"}
        said = lambda **change: truth.onward_problems(self.hosts(), [{**onward, **change}], [GOOD])
        self.assertEqual(said(), [])
        self.assertEqual(said(through="db", where="db:/etc/made.conf", provider="backup"), [])
        for change in ({"through": "db"}, {"through": "nobody"}, {"port": 0}, {"kind": "nonsense"}, {"hidden": []}):
            self.assertTrue(said(**change), change)
        self.assertTrue(truth.onward_problems(self.hosts(), [{**onward, "through": "db", "where": "db:/etc/made.conf"}], []))

    def problems(self, *dependencies, decoys=()):
        return truth.truth_problems(self.hosts(), [{**GOOD, **one} for one in dependencies], list(decoys))

    def one(self, **change):
        found = self.problems(change)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_a_good_entry_and_good_hosts_give_no_problem(self):
        self.assertEqual(self.problems({}, decoys=[DECOY]), [])
        self.assertEqual(truth.host_problems(self.hosts()), [])

    def test_words_the_registry_does_not_have(self):
        self.assertIn("no kind sqll", self.one(kind="sqll"))
        self.assertIn("no reason secret", self.one(hidden=["secret"]))
        self.assertIn("guess is no witness", self.one(known_by=["guess"]))
        self.assertIn("reached_by dns", self.one(reached_by="dns"))

    def test_a_consumer_is_a_host(self):
        self.assertIn("consumer is no host", self.one(consumer="printer"))

    def test_a_provider_is_a_host_by_its_name_or_something_outside(self):
        self.assertEqual(self.problems({"provider": "deb.debian.org"}, {"provider": "10.61.1.77"}, {"provider": "gone.kontor.example"}), [])
        self.assertIn("no host", self.one(provider="dv"))
        self.assertIn("write its name", self.one(provider="10.61.1.11"))
        self.assertIn("short name", self.one(provider="db.kontor.example"))
        self.assertIn("of itself", self.one(provider="backup"))

    def test_the_same_need_twice(self):
        self.assertIn("stands 2 times", self.problems({}, {"why": "again"})[0])
        self.assertEqual(self.problems({}, {"component": "unit:report.service"}), [])

    def test_several_consumers_are_several_needs(self):
        entry = {**GOOD, "consumers": ["backup", "db"], "consumer": None}
        self.assertEqual([one["consumer"] for one in truth.spread(entry, "f")], ["backup", "db"])

    def test_the_place_of_the_witness_exists(self):
        for good in ("wire", "db:/etc/made.conf", "db:/var/log/job.log.2.gz", "db:/var/log/job.log-20260101"):
            self.assertEqual(self.problems({"where": good}), [], good)
        self.assertIn("no such file", self.one(where="db:/etc/absent.conf"))
        self.assertIn("no host", self.one(where="dv:/etc/made.conf"))
        self.assertIn("not host:/path", self.one(where="db:made.conf"))

    def test_a_decoy_is_nobodys_need(self):
        real = {**DECOY, "provider": "10.61.1.11"}
        self.assertIn("says it is needed", self.problems({}, decoys=[real])[0])
        self.assertEqual(self.problems({}, decoys=[{**real, "port": 5432}]), [])

    def test_two_hosts_with_one_address(self):
        place = self.folder / "hosts/db/host.toml"
        place.write_text(place.read_text().replace("10.61.1.11", "10.61.1.10"))
        self.assertTrue(any("address 10.61.1.10 belongs to backup and db" in text for text in truth.host_problems(self.hosts())))

    def test_scripts_that_cannot_run_and_folders_that_are_links(self):
        (self.folder / "hosts/db/start").chmod(0o644)
        (self.folder / "hosts/db/files/bin").mkdir()
        found = " ".join(truth.host_problems(self.hosts()))
        self.assertIn("db/start is not executable", found)
        self.assertIn("use files/usr/bin", found)

    def test_a_product_that_knows_the_lab(self):
        rule = self.folder / "crates/knowledge/rule.toml"
        rule.parent.mkdir(parents=True)
        rule.write_text("name = 'Kontor.example'")
        self.assertEqual(truth.product_problems(self.folder), ["crates/knowledge/rule.toml names the lab's estate"])

    def test_too_little_truth_is_said(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(truth.check(self.folder), 1)
        self.assertIn("0 decoys, at least 30 are wanted", out.getvalue())


if __name__ == "__main__":
    unittest.main()
