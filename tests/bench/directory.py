#!/usr/bin/env python3
"""A directory of 100,000 objects in a real slapd on loopback, asked by groma-agent: seconds and peak memory.

usage: directory.py AGENT [OBJECTS]      (needs slapd, openssl; nothing leaves this machine)
7 of 10 objects are persons, 1 in 4 is a machine with an address, the rest are groups.
"""
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time

SUFFIX = "dc=corp,dc=example"


def port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def content(out, objects):
    out.write(f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: corp\ndc: corp\n\n")
    for at in range(objects):
        kind = at % 20
        if kind < 14:
            out.write(f"dn: uid=person{at},{SUFFIX}\nobjectClass: inetOrgPerson\nuid: person{at}\ncn: Person {at}\nsn: P\nmail: person{at}@corp.example\ndescription: {'x' * 200}\n\n")
        elif kind < 19:
            a, b = divmod(at, 250)
            out.write(f"dn: cn=host{at},{SUFFIX}\nobjectClass: device\nobjectClass: ipHost\ncn: host{at}.corp.example\nipHostNumber: 10.{a // 250}.{a % 250}.{b + 1}\n\n")
        else:
            members = "".join(f"member: uid=person{at - k},{SUFFIX}\n" for k in range(6, 19))
            out.write(f"dn: cn=group{at},{SUFFIX}\nobjectClass: groupOfNames\ncn: group{at}\n{members}\n")


def main():
    agent, objects = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as at:
        os.mkdir(f"{at}/data")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-keyout", f"{at}/key", "-out", f"{at}/cert",
                        "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        schema = "".join(f"include /etc/ldap/schema/{n}.schema\n" for n in ("core", "cosine", "nis", "inetorgperson"))
        with open(f"{at}/conf", "w") as out:
            out.write(f"{schema}modulepath /usr/lib/ldap\nmoduleload back_mdb\nTLSCertificateFile {at}/cert\nTLSCertificateKeyFile {at}/key\nsizelimit size.soft=500 size.hard=500 size.prtotal=unlimited\n"
                      f"database mdb\nmaxsize 4294967296\nsuffix \"{SUFFIX}\"\ndirectory {at}/data\nindex objectClass eq\ndbnosync\n")
        with open(f"{at}/ldif", "w") as out:
            content(out, objects)
        subprocess.run(["/usr/sbin/slapadd", "-q", "-f", f"{at}/conf", "-l", f"{at}/ldif"], check=True, stderr=subprocess.DEVNULL)
        tls = port()
        server = subprocess.Popen(["/usr/sbin/slapd", "-d", "0", "-f", f"{at}/conf", "-h", f"ldaps://127.0.0.1:{tls}"], stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", tls)).close()
                    break
                except OSError:
                    assert server.poll() is None, "slapd ended at once"
                    time.sleep(0.05)
            access = f"{at}/access.toml"
            with open(os.open(access, os.O_CREAT | os.O_WRONLY, 0o600), "w") as out:
                shown = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", f"{at}/cert"], check=True, capture_output=True, text=True).stdout
                pin = shown.strip().split("=", 1)[1]
                out.write(f'[[directory]]\nurl = "ldaps://127.0.0.1:{tls}"\nbind = "anonymous"\npin = "sha256:{pin}"\n')
            began = time.monotonic()
            subprocess.run([agent, "look", "--source", "directory", "--access", access, "--for", "0s", "--out", f"{at}/batch"], check=True, env={**os.environ, "GROMA_STATE_DIR": f"{at}/state"})
            seconds = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            own = peak_of(agent, access, at)
            batch = subprocess.run(["zstd", "-dc", f"{at}/batch"], check=True, capture_output=True, text=True).stdout
            lines = batch.count("\n")
            # A look that was refused is quick, and no figure.
            for what, expected in {"people": objects * 14 // 20, "computers": objects * 5 // 20, "groups": objects // 20}.items():
                assert f'"metric":"directory_{what}","subject":"corp.example","value":{expected}.0' in batch, f"not all {what} came"
            print(f"{objects} objects: {seconds:.1f} s, {own / 1024:.1f} MiB at most (all children {peak / 1024:.0f}), {lines} lines in the batch")
        finally:
            server.kill()
            server.wait()


def peak_of(agent, access, at):
    """The agent's own peak: slapadd is a child too, and larger."""
    ran = subprocess.run(["/usr/bin/time", "-f", "%M", agent, "look", "--source", "directory", "--access", access, "--for", "0s", "--out", f"{at}/batch"], check=True,
                         capture_output=True, text=True, env={**os.environ, "GROMA_STATE_DIR": f"{at}/state"})
    return int(ran.stderr.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
