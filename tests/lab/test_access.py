"""Who asks the directory of the lab, and with what."""
import stat
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent / "score"))

import access  # noqa: E402
import looks  # noqa: E402
import rig  # noqa: E402

PRINTED = "sha256 Fingerprint=" + ":".join(["AB"] * 32) + "\n"


class Access(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.vantage = mock.Mock(root=self.root)
        self.vantage.name = looks.VANTAGE
        self.help, self.printed = "  --access <FILE>", PRINTED
        for name, answer in (("run", lambda *_: rig.Done(0, self.help, "", 0.0)), ("inside", lambda *_: rig.Done(0, self.printed, "", 0.0))):
            patch = mock.patch.object(rig, name, answer)
            patch.start()
            self.addCleanup(patch.stop)

    def options(self, hosts=("adm1", "dc1")):
        return access.options(self.vantage, dict.fromkeys(hosts), "groma-agent")

    def test_the_vantage_gets_a_closed_file_with_the_pin_of_the_certificate_it_keeps(self):
        options, why = self.options()
        self.assertEqual(options, ["--access", access.FILE])
        self.assertIn("dc1", why)
        file = self.root / access.FILE.lstrip("/")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        [table] = tomllib.loads(file.read_text())["directory"]
        self.assertEqual(table["pin"], "sha256:" + "ab" * 32)
        self.assertNotIn("password", table)

    def test_a_second_look_writes_it_anew(self):
        self.options()
        self.assertEqual(self.options()[0], ["--access", access.FILE])

    def test_nobody_is_asked_without_a_directory_a_certificate_or_the_option(self):
        self.assertEqual(self.options(hosts=("adm1",))[0], [])
        self.printed = "Could not open file\n"
        self.assertEqual(self.options()[0], [])
        self.help, self.printed = "  --out <FILE>", PRINTED
        self.assertEqual(self.options()[0], [])
        self.assertFalse((self.root / access.FILE.lstrip("/")).exists())

    def test_the_directory_it_asks_is_that_of_the_truth(self):
        self.assertTrue((rig.LAB / "hosts" / access.DIRECTORY).is_dir())
        start = (rig.LAB / "hosts" / looks.VANTAGE / "start").read_text()
        self.assertIn(access.PASSWORD, start)
        self.assertIn(access.KEPT, (rig.LAB / "hosts" / looks.VANTAGE / "once").read_text())


if __name__ == "__main__":
    unittest.main()
