"""Neighbours that use the machine under test: `directory` binds to its LDAP server, `web` holds an HTTPS connection."""
import socket
import ssl
import sys
import time

BIND = bytes.fromhex("300c020101600702010304008000")  # anonymous simple bind, RFC 4511 §4.2
GET = b"GET / HTTP/1.1\r\nHost: app1.corp.example\r\nConnection: keep-alive\r\n\r\n"


def directory(address):
    wire = socket.create_connection((address, 389), timeout=3)
    wire.sendall(BIND)
    assert wire.recv(64), "the directory hung up"
    print("connected", flush=True)
    while True:
        time.sleep(60)


def web(address):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    wire = context.wrap_socket(socket.create_connection((address, 443), timeout=3))
    print("connected", flush=True)
    while True:
        wire.sendall(GET)
        assert wire.recv(65536), "the web server hung up"
        time.sleep(0.5)


call = {"directory": directory, "web": web}[sys.argv[1]]
while True:
    try:
        call(sys.argv[2])
    except (OSError, AssertionError):
        time.sleep(0.1)
