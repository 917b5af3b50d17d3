"""Files of a host are found as the host sees them."""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import live


class Places(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        (self.root / "etc/sub").mkdir(parents=True)
        (self.root / "usr/lib").mkdir(parents=True)
        (self.root / "usr/lib/unit").write_text("one\ntwo\n")
        (self.root / "lib").symlink_to("usr/lib")
        (self.root / "etc/link").symlink_to("/lib/unit")
        (self.root / "etc/sub/up").symlink_to("../link")
        (self.root / "etc/circle").symlink_to("circle")
        (self.root / "etc/outside").symlink_to("/proc/self/stat-of-nobody")
        patch = mock.patch.object(live, "Path", lambda text: self.root if str(text).startswith("/proc/7/root") else Path(text))
        patch.start()
        self.addCleanup(patch.stop)

    def test_links_stay_inside(self):
        for path in ("/usr/lib/unit", "/lib/unit", "/etc/link"):
            self.assertEqual(live.inside(7, path), self.root / "usr/lib/unit")
        self.assertEqual(live.inside(7, "/etc/sub/up").read_text(), "one\ntwo\n")

    def test_what_is_not_there(self):
        for path in ("/etc/absent", "/etc/circle", "/etc/outside"):
            self.assertIsNone(live.inside(7, path))

    def test_a_line_beyond_the_end(self):
        running = {"a": {"pid": 7}}
        self.assertEqual(list(live.place_problems({"where": "a:/etc/link:2"}, running)), [])
        self.assertEqual(list(live.place_problems({"where": "a:/etc/link:3"}, running)), ["a:/etc/link has no line 3"])
        self.assertEqual(list(live.place_problems({"where": "a:/etc/absent"}, running)), ["a has no /etc/absent"])
        self.assertEqual(list(live.place_problems({"where": "wire"}, running)), [])


if __name__ == "__main__":
    unittest.main()
