"""The lab's own certificate authority: a new one for every `up`."""
import subprocess

import estate
from trouble import Trouble

SUBJECT = "/O=Kontor GmbH/CN=Kontor internal CA"


def make(shared):
    """Leaves key, certificate and the name OpenSSL looks it up by in SHARED/authority, and the domain beside it."""
    folder = shared / "authority"
    folder.mkdir(mode=0o700)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "3650", "-subj", SUBJECT,
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", folder / "ca.key", "-out", folder / "ca.crt")
    (folder / "ca.hash").write_text(openssl("x509", "-noout", "-hash", "-in", folder / "ca.crt"))
    (shared / "domain").write_text(estate.DOMAIN + "\n")


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"openssl {words[0]}: {done.stderr.strip()}")
    return done.stdout
