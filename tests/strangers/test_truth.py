"""The judge of the strangers' hosts, judged."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import room  # noqa: E402
import truth  # noqa: E402


def need(provider="db.corp.example", port=5432, kind="sql", difficulty="plain"):
    return truth.Need(provider, port, kind, "/etc/app.conf:1", "app", difficulty)


def answer(*names, port=5432, kind="sql"):
    return truth.Said(frozenset(names), port, kind)


class Judging(unittest.TestCase):
    def judged(self, needs, answers, decoys=()):
        return truth.judge(needs, decoys, answers)

    def test_a_provider_with_its_port_and_kind_is_found(self):
        self.assertEqual(len(self.judged([need()], [answer("db.corp.example")]).found), 1)

    def test_another_port_or_kind_is_nearly_right_and_not_invented(self):
        for wrong in (answer("db.corp.example", port=5433), answer("db.corp.example", kind="http")):
            judged = self.judged([need()], [wrong])
            self.assertEqual((len(judged.near), len(judged.invented)), (1, 0))

    def test_a_need_without_a_port_asks_for_none(self):
        self.assertEqual(len(self.judged([need(port=None)], [answer("db.corp.example", port=1)]).found), 1)

    def test_a_short_name_stands_for_the_completed_one_but_part_of_an_address_for_nothing(self):
        self.assertTrue(truth.is_called("db", {"db.corp.example"}))
        self.assertTrue(truth.is_called("db.corp.example", {"db"}))
        self.assertFalse(truth.is_called("10.0.0.1", {"10"}))
        self.assertFalse(truth.is_called("db.corp.example", {"db.else.example"}))

    def test_kinds_overlap_only_as_the_table_says(self):
        said = lambda kind: answer("db.corp.example", kind=kind)
        self.assertTrue(truth.answers_key(truth.key_of(need(kind="syslog")), said("nosql")))
        self.assertFalse(truth.answers_key(truth.key_of(need(kind="nosql")), said("syslog")))

    def test_one_answer_stands_for_one_key_and_the_same_key_twice_needs_no_second(self):
        keys = [need(kind="syslog"), need(kind="nosql")]
        judged = self.judged(keys, [answer("db.corp.example", kind="nosql")])
        self.assertEqual((len(judged.found), len(judged.missed)), (1, 1))
        both = self.judged(keys, [answer("db.corp.example", kind="nosql"), answer("db.corp.example", kind="nosql")])
        self.assertEqual(len(both.found), 2)
        twice = self.judged([need(), need()], [answer("db.corp.example")])
        self.assertEqual((len(twice.found), len(twice.invented)), (2, 0))

    def test_what_is_said_of_a_right_provider_beyond_its_keys_is_invented(self):
        wrong = [answer("db.corp.example"), answer("db.corp.example", port=1), answer("db.corp.example", kind="http")]
        judged = self.judged([need()], wrong)
        self.assertEqual((len(judged.found), len(judged.invented)), (1, 2))
        doubled = self.judged([need()], [answer("db.corp.example"), answer("db.corp.example")])
        self.assertEqual((len(doubled.found), len(doubled.invented)), (1, 0))

    def test_what_no_need_knows_is_invented_and_a_decoy_is_said_by_name(self):
        decoys = [truth.Decoy("old.corp.example", "/etc/app.conf:2", "commented")]
        judged = self.judged([need()], [answer("old.corp.example")], decoys)
        self.assertEqual((len(judged.missed), len(judged.invented), len(judged.decoys)), (1, 1, 1))

    def test_scripts_are_counted_apart(self):
        needs = [need(), need(provider="other.corp.example", difficulty="script")]
        figures = truth.totals(self.judged(needs, [answer("db.corp.example")]), needs, 0)
        self.assertEqual(truth.without_scripts(figures), (1, 1))

    def test_fewer_found_or_more_invented_is_worse(self):
        before = {"least": {"found": 2}, "most": {"invented": 0}}
        self.assertEqual(len(truth.fallen_below("A", {"found": 1, "invented": 1}, before)), 2)
        self.assertEqual(truth.fallen_below("A", {"found": 2, "invented": 0}, before), [])


class Leaks(unittest.TestCase):
    def test_a_secret_is_found_in_any_file_below(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "deep").mkdir()
            (Path(folder) / "deep/store").write_bytes(b"\x00\x01S3cret-word\x02")
            self.assertEqual(room.leaked(["S3cret-word", "other-one"], [Path(folder)]), [("S3cret-word", "store")])


class TheEstate(unittest.TestCase):
    def test_every_host_belongs_to_one_company_and_has_a_truth(self):
        import tomllib
        here = Path(__file__).resolve().parent
        companies = tomllib.loads((here / "estate.toml").read_text())["company"]
        hosts = [host for company in companies for host in company["hosts"]]
        self.assertEqual(sorted(hosts), sorted(one.name for one in (here / "hosts").iterdir()))
        for host in hosts:
            needs, decoys = truth.read((here / "hosts" / host / "truth.toml").read_text())
            self.assertTrue(needs and decoys)


if __name__ == "__main__":
    unittest.main()
