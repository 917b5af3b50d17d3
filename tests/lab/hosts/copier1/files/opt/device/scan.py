"""What the device does when somebody presses the green key: `mail`, `folder` or `lookup NAME`.

The page goes out as it is read by the scan head, so a mail takes some seconds, as it does on the real device."""
import configparser
import smtplib
import subprocess
import sys
import time

import ldap3

known = configparser.ConfigParser(interpolation=None)
known.read("/opt/device/settings.ini")


def page():
    yield b"From: kopierer-eg@kontor.example\r\nTo: anna@kontor.example\r\nSubject: Message from RNP002673A1B2C3\r\n"
    yield b"X-Mailer: RICOH MP C3004\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    for _ in range(40):
        time.sleep(0.1)
        yield b"JVBERi0xLjQK" * 6 + b"\r\n"
    yield b".\r\n"


def mail():
    place = known["scan to mail"]
    server = smtplib.SMTP(place["server"], place.getint("port"), local_hostname="RNP002673A1B2C3", timeout=30)
    server.ehlo()
    server.mail(place["sender"])
    server.rcpt("anna@kontor.example")
    server.docmd("DATA")
    for piece in page():
        server.send(piece)
    answer = server.getreply()
    server.quit()
    return answer


def folder():
    place = known["scan to folder"]
    open("/tmp/scan.pdf", "wb").write(b"%PDF-1.4\n%%EOF\n")
    return subprocess.call(["smbclient", place["path"], "-U", place["user"], "-c", "put /tmp/scan.pdf 20261120_0001.pdf"])


def lookup(name):
    place = known["address book"]
    book = ldap3.Connection(ldap3.Server(place["server"], connect_timeout=5), place["user"], place["password"], auto_bind=True, receive_timeout=5)
    book.search(place["base"], f"(cn={name}*)", attributes=["mail"])
    found = len(book.entries)
    book.unbind()
    return found


print({"mail": mail, "folder": folder, "lookup": lookup}[sys.argv[1]](*sys.argv[2:]))
