#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""USV-Abfrage per SNMP und HTTP, meldet ins BDE (wendt, 2021).

Beispiel:
    usv_check.py --host usv-test.nordwald.example
"""
import configparser
import subprocess
import sys
import urllib.request

cfg = configparser.ConfigParser()
cfg.read("/usr/local/etc/usv_check.ini")

DOMAIN = "nordwald.example"
USVEN = ["usv-rz1", "usv-rz2"]
BDE_URL = "http://%s:%d/api/usv" % (cfg["bde"]["server"], cfg["bde"].getint("port", 8099))


def akku(name):
    out = subprocess.check_output(
        ["snmpget", "-v1", "-c", cfg["snmp"]["community"], "-Oqv",
         f"{name}.{DOMAIN}", "1.3.6.1.4.1.318.1.1.1.2.2.1.0"])
    return int(out)


def main():
    for u in USVEN:
        try:
            wert = akku(u)
        except subprocess.CalledProcessError as e:
            print("FEHLER", u, e, file=sys.stderr)
            continue
        req = urllib.request.Request(BDE_URL, data=f"{u}={wert}".encode())
        urllib.request.urlopen(req, timeout=5)


if __name__ == "__main__":
    main()
