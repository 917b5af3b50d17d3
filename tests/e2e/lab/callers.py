"""Neighbours that use the machine under test: `directory` binds to its LDAP server, `web` holds an HTTPS connection."""
import socket
import ssl
import sys
import time

kind, address = sys.argv[1:]
port = {"directory": 389, "web": 443}[kind]
for attempt in range(100):
    try:
        wire = socket.create_connection((address, port), timeout=3)
        break
    except OSError:
        time.sleep(0.1)
if kind == "directory":
    wire.sendall(bytes.fromhex("300c020101600702010304008000"))  # anonymous simple bind, RFC 4511 §4.2
    wire.recv(64)
else:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    wire = context.wrap_socket(wire)
print("connected", flush=True)
while True:
    if kind == "web":
        wire.sendall(b"GET / HTTP/1.1\r\nHost: app1.corp.example\r\nConnection: keep-alive\r\n\r\n")
        wire.recv(65536)
    time.sleep(1)
