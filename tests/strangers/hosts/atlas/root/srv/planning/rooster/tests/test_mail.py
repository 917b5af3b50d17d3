from django.test import TestCase, override_settings


@override_settings(EMAIL_HOST="smtp-test.molen.example")
class MailTest(TestCase):
    def test_afzender(self):
        self.assertIn("planning@", "planning@molen.example")
