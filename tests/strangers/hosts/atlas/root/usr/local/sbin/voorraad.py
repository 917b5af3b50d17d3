#!/usr/bin/python3
"""Voorraad ophalen bij de filialen en naar het ERP sturen."""
import ftplib
import json
import socket
import xmlrpc.client

with open("/usr/local/etc/voorraad.json") as f:
    CFG = json.load(f)

BASIS = "filiaal{:02d}.winkel.molen.example"


def ophalen():
    for nr in CFG["filialen"]:
        host = BASIS.format(nr)
        with ftplib.FTP(host, CFG["ftp"]["user"], CFG["ftp"]["pass"]) as ftp:
            ftp.retrbinary("RETR voorraad.csv", open(f"/tmp/{nr}.csv", "wb").write)


def melden(tekst):
    # vroeger: s.connect(("sms-oud", 4000))
    s = socket.create_connection((CFG["pieper"], 4711), timeout=5)
    s.sendall(tekst.encode())


if __name__ == "__main__":
    ophalen()
    erp = xmlrpc.client.ServerProxy("http://%(host)s:%(port)d/xmlrpc/2/common" % CFG["erp"])
    print(erp.version())
    melden("voorraad klaar")
