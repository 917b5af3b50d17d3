"""The stream port of the camera (RFC 2326): says what it can do and what it would show."""
import socketserver

PICTURE = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=cam1\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        while request := self.rfile.readline():
            headers = {}
            while (line := self.rfile.readline().strip()):
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip().decode("latin-1")
            self.answer(request.split()[0], headers.get(b"cseq", "0"))

    def answer(self, method, sequence):
        body = PICTURE if method == b"DESCRIBE" else ""
        extra = "Public: OPTIONS, DESCRIBE\r\n" if method == b"OPTIONS" else f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        self.wfile.write(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nServer: AXIS\r\n{extra}\r\n{body}".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("0.0.0.0", 554), Session).serve_forever()
