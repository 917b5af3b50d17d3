"""The access file of the one machine that asks a directory and devices, written as its administrator would: from what lies on
that machine, and with the communities its devices were delivered with."""
import os
import re

import rig

DIRECTORY = "dc1"
URL = "ldaps://dc1.ad.kontor.example:636"
READER = "svc-report@ad.kontor.example"      # an account that may read and nothing more; its password lies on the machine already
PASSWORD = "/root/.svc-report"
KEPT = "/etc/ssl/dc1-pinned.pem"             # the controller's certificate, copied by hand when the machine was set up
FILE = f"{rig.INSIDE}/access.toml"
# Where devices are, and the community each answers to (`hosts/*/files/etc/snmp/snmpd.conf`).
SNMP = (("10.61.1.200/29", "public"), ("10.61.2.200/29", "public"), ("10.61.1.1", "lab-community"))


def options(vantage, hosts, agent):
    """The options that let the agent of `vantage` ask the directory, and why there are none."""
    if "--access" not in rig.run([agent, "look", "--help"], 20).out:
        return [], "not asked: the agent has no --access"
    if DIRECTORY not in hosts:
        return [], f"not asked: {DIRECTORY} is not up"
    printed = rig.inside(vantage, ["openssl", "x509", "-in", KEPT, "-noout", "-fingerprint", "-sha256"], 20)
    pin = fingerprint(printed.out)
    if pin is None:
        return [], f"not asked: {KEPT} of {vantage.name} holds no certificate ({printed.last_words()})"
    leave(vantage.root, text(pin))
    return ["--access", FILE], f"{vantage.name} asks {URL} as {READER}"


def fingerprint(printed):
    """What openssl prints as `sha256 Fingerprint=AB:CD…`, as an access file wants it."""
    hit = re.search(r"(?i)sha256 fingerprint=((?:[0-9a-f]{2}:){31}[0-9a-f]{2})\s*$", printed)
    return hit and hit[1].replace(":", "").lower()


def text(pin):
    tables = [f'[[directory]]\nurl = "{URL}"\nuser = "{READER}"\npassword_file = "{PASSWORD}"\npin = "sha256:{pin}"\n']
    tables += [f'[[snmp]]\n{"range" if "/" in where else "address"} = "{where}"\ncommunity = "{community}"\n' for where, community in SNMP]
    return "\n".join(tables)


def leave(root, words):
    """On the host's tmpfs, for its root alone: anything more open is refused."""
    place = root / FILE.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(words)
