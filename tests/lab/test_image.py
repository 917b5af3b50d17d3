"""When an image is built again, and what is said when it cannot be."""
import unittest

import image
from trouble import Trouble

IMAGES = {"base": {"packages": ["cron"]}, "role": {"dns": {"packages": ["bind9"]}, "mail": {"packages": ["postfix"]}}}


def changed(**roles):
    return {**IMAGES, "role": {**IMAGES["role"], **roles}}


class Keys(unittest.TestCase):
    def test_a_role_changes_with_its_own_entry_only(self):
        other = changed(mail={"packages": ["exim4"]})
        self.assertEqual(image.role_key(IMAGES, "bookworm", "dns"), image.role_key(other, "bookworm", "dns"))
        self.assertNotEqual(image.role_key(IMAGES, "bookworm", "mail"), image.role_key(other, "bookworm", "mail"))

    def test_the_order_of_packages_does_not_matter_and_answers_to_questions_do(self):
        two = changed(dns={"packages": ["a", "b"]})
        swapped = changed(dns={"packages": ["b", "a"]})
        asked = changed(dns={"packages": ["a", "b"], "preseed": ["a a/b string"]})
        self.assertEqual(image.role_key(two, "x", "dns"), image.role_key(swapped, "x", "dns"))
        self.assertNotEqual(image.role_key(two, "x", "dns"), image.role_key(asked, "x", "dns"))

    def test_base_and_release_change_every_role(self):
        other = {**IMAGES, "base": {"packages": ["cron", "vim"]}}
        self.assertNotEqual(image.role_key(IMAGES, "bookworm", "dns"), image.role_key(other, "bookworm", "dns"))
        self.assertNotEqual(image.role_key(IMAGES, "bookworm", "dns"), image.role_key(IMAGES, "trixie", "dns"))

    def test_a_role_nobody_wrote(self):
        with self.assertRaisesRegex(Trouble, "no role fax .known: dns, mail"):
            image.role_key(IMAGES, "bookworm", "fax")


class Reasons(unittest.TestCase):
    def test_the_package_that_is_missing_is_named(self):
        log = "Get:1 x\nReading package lists...\nE: Unable to locate package absent\nbye\n"
        self.assertIn("Unable to locate package absent", image.reason(log))
        self.assertNotIn("Get:1", image.reason(log))

    def test_a_full_disk_is_called_a_full_disk(self):
        self.assertIn("is full", image.reason("dpkg: error: write: No space left on device\n"))

    def test_a_log_without_an_error_shows_its_end(self):
        self.assertIn("last", image.reason("first\nlast\n"))


class Written(unittest.TestCase):
    def test_images_toml_has_a_base_and_roles(self):
        images = image.written()
        self.assertIn("cron", images["base"]["packages"])
        for role in images["role"].values():
            self.assertTrue(role["packages"])


if __name__ == "__main__":
    unittest.main()
