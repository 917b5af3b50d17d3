"""The state of everything as one page: what Nagios wrote last, without the rest of Nagios. usage: status.py [--from http://monitor.customer.example/]"""
import http.server
import pathlib
import re
import socket

PLACE = pathlib.Path("/var/lib/nagios4/status.dat")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = PLACE.read_text(errors="replace") if PLACE.exists() else ""
        outputs = re.findall(r"^\tplugin_output=(.*)$", text, re.M)
        body = "\n".join(outputs).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


Server(("::", 9080), Page).serve_forever()
