"""The order application: answers HTTP, and keeps its database, its directory and one mail in progress."""
import http.server
import os
import pathlib
import smtplib
import socket
import urllib.parse


def database(url):
    """Opens a PostgreSQL session that needs no password: startup message, then wait for ReadyForQuery."""
    place = urllib.parse.urlparse(url)
    wire = socket.create_connection((place.hostname, place.port), timeout=10)
    body = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0"
    wire.sendall((len(body) + 4).to_bytes(4, "big") + body)
    assert b"Z\0\0\0\x05I" in wire.recv(65536), "the database did not let us in"
    return wire


def directory(url, name, password):
    """A simple bind in clear text (RFC 4511 §4.2)."""
    def wrap(tag, content):
        return bytes([tag, len(content)]) + content
    place = urllib.parse.urlparse(url)
    wire = socket.create_connection((place.hostname, place.port), timeout=10)
    bind = wrap(0x02, b"\x03") + wrap(0x04, name.encode()) + wrap(0x80, password.encode())
    wire.sendall(wrap(0x30, wrap(0x02, b"\x01") + wrap(0x60, bind)))
    assert wire.recv(64)[7:10] == b"\x0a\x01\x00", "the directory did not let us in"
    return wire


def mail(host, port):
    """Hands one mail to the machine's own server and keeps the session open for the next one."""
    session = smtplib.SMTP(host, port, timeout=30)
    session.sendmail("orders@app1.corp.example", ["boss@corp.example"], "Subject: started\n\nThe application runs.\n")
    return session


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    kept = [
        database(os.environ["DATABASE_URL"]),
        directory(os.environ["LDAP_URL"], os.environ["LDAP_BIND_DN"], os.environ["LDAP_BIND_PASSWORD"]),
        mail(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])),
    ]
    pathlib.Path("/run/lab/orders-connected").touch()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Answer).serve_forever()
