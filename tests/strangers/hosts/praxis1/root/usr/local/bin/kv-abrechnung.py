#!/usr/bin/env python3
"""Quartalsabrechnung an die KV. Doku: https://www.kv-doku.example/handbuch"""
import configparser
import ftplib
import smtplib
import socket

import psycopg2
import requests

EINSTELLUNG = "/etc/kv-abrechnung.cfg"
VERSION = "3.2.1.0"


def lade():
    c = configparser.ConfigParser()
    c.read(EINSTELLUNG)
    return c


def main():
    cfg = lade()
    db = psycopg2.connect(host=cfg["db"]["host"], port=cfg.getint("db", "port"), dbname="abrechnung",
                          user="kv", password=cfg["db"]["passwort"])
    antwort = requests.post("https://kvbox:8443/einreichung", files={"con": open("/srv/kv/quartal.con", "rb")}, timeout=60)
    antwort.raise_for_status()
    with ftplib.FTP_TLS("archiv-ftp.praxis-linde.example") as f:
        f.login("kv", cfg["ftp"]["passwort"])
    s = socket.create_connection(("10.31.8.5", 7654), timeout=5)
    s.sendall(b"PING\n")
    mail = smtplib.SMTP(cfg.get("mail", "server"), 25)
    mail.sendmail("kv@praxis-linde.example", ["leitung@praxis-linde.example"], "ok")


if __name__ == "__main__":
    main()
