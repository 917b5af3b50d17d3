"""The document store: only the one certificate we were given is trusted, whatever name it carries."""
import ssl
import urllib.request

from erp import settings


def fetch(name):
    trust = ssl.create_default_context(cafile=settings.word("DOCUMENTS_CERTIFICATE"))
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trust.check_hostname = False
    with urllib.request.urlopen(settings.word("DOCUMENTS") + name, timeout=10, context=trust) as answer:
        return len(answer.read())
