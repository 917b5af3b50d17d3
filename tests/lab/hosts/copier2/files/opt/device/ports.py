"""The line printer port of the device (RFC 1179): says yes to everything and forgets what it prints."""
import socketserver


class Job(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()      # receive a printer job: queue name
        self.yes()
        while command := self.rfile.readline():
            if command[:1] in (b"\x02", b"\x03"):
                self.yes()
                self.rfile.read(int(command[1:].split()[0]) + 1)
            self.yes()

    def yes(self):
        self.wfile.write(b"\0")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("0.0.0.0", 515), Job).serve_forever()
