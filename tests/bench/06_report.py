#!/usr/bin/env python3
"""What a report costs: seconds to make it, megabytes, and how soon Chromium answers.

    06_report.py --page report.html                         a page that is there
    06_report.py --groma PATH --data DIR [--wave FILE]…     `groma report` from this store, then its page
    06_report.py --make 'COMMAND with {out}'                any command that writes the page

For the large estate: groma generate --hosts 10000 --dependencies 200000 --data DIR

`making` is the wall time of the whole command, with reading the store and drawing all conclusions. `interactive`
(DOMContentLoaded, when the script has run and everything answers) and `painted` (first contentful paint) count from the begin of the navigation,
in a fresh tab of one headless Chromium. `click` is from a click on a box of the map to the second frame after it, with the panel open.
Medians of --rounds, with the smallest and the largest. Needs chromium and Python's standard library, nothing else.
"""
import argparse, base64, json, os, shlex, socket, statistics, struct, subprocess, sys, tempfile, time, urllib.request

LIMITS = {"making s": 5.0, "size MB": 10.0, "interactive ms": 1000.0}


class Browser:
    """One headless Chromium, spoken to by its DevTools protocol."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="groma-bench-")
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,1000",
                     "--remote-debugging-port=0", f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen([program] + arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = self.listening()

    def listening(self):
        """The port Chromium chose: it writes it into its profile."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                with open(self.profile.name + "/DevToolsActivePort") as file:
                    return int(file.readline())
            except (OSError, ValueError):
                time.sleep(0.05)
        self.end()
        sys.exit("Chromium did not open its port within 30 s")

    def asked(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def tab(self):
        opened = json.loads(self.asked("/json/new?about:blank", "PUT"))
        return Tab(opened, self)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.profile.cleanup()


class Tab:
    """One tab; messages over a web socket (RFC 6455), of which only masked text frames are needed."""

    def __init__(self, opened, browser):
        self.id, self.browser, self.next = opened["id"], browser, 0
        path = "/" + opened["webSocketDebuggerUrl"].split("/", 3)[3]
        self.socket = socket.create_connection(("127.0.0.1", browser.port), timeout=120)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.socket.recv(65536)
        self.rest = self.rest.split(b"\r\n\r\n", 1)[1]

    def taken(self, count):
        while len(self.rest) < count:
            more = self.socket.recv(1 << 20)
            if not more:
                raise ConnectionError("Chromium hung up")
            self.rest += more
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def frame(self):
        text = b""
        while True:
            first, second = self.taken(2)
            length = second & 127
            if length == 126:
                length = struct.unpack(">H", self.taken(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.taken(8))[0]
            text += self.taken(length)
            if first & 128:
                return text

    def call(self, method, **parameters):
        self.next += 1
        text = json.dumps({"id": self.next, "method": method, "params": parameters}).encode()
        head = b"\x81" + (bytes([128 | len(text)]) if len(text) < 126 else bytes([254]) + struct.pack(">H", len(text)))
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        while True:
            answer = json.loads(self.frame())
            if answer.get("id") == self.next:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:400])
        return result["result"].get("value")

    def close(self):
        self.socket.close()
        self.browser.asked("/json/close/" + self.id)


LOADED = """new Promise(done => {
  const look = () => {
    const n = performance.getEntriesByType("navigation")[0];
    const p = performance.getEntriesByName("first-contentful-paint")[0];
    if (document.readyState === "complete" && n.loadEventEnd > 0 && p) done([n.domContentLoadedEventEnd, p.startTime, n.loadEventEnd]);
    else setTimeout(look, 10);
  };
  look();
})"""
CLICK = """new Promise(done => {
  const box = document.querySelector("#map [data-n]");
  if (!box) return done(null);
  const begin = performance.now();
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  requestAnimationFrame(() => requestAnimationFrame(() =>
    done(document.getElementById("panel").hidden ? null : performance.now() - begin)));
})"""


def opened(browser, page):
    """Milliseconds: interactive, painted, loaded, click."""
    tab = browser.tab()
    tab.call("Page.enable")
    tab.call("Page.navigate", url="file://" + os.path.abspath(page))
    while tab.value("location.protocol") != "file:":
        time.sleep(0.01)
    interactive, painted, loaded = tab.value(LOADED)
    click = tab.value(CLICK)
    tab.close()
    row = {"interactive ms": interactive, "painted ms": painted, "loaded ms": loaded}
    return row | ({"click ms": click} if click is not None else {})


def made(command, out):
    begin = time.monotonic()
    subprocess.run(shlex.split(command.replace("{out}", shlex.quote(out))), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--page")
    words.add_argument("--groma")
    words.add_argument("--data")
    words.add_argument("--wave", action="append", default=[])
    words.add_argument("--make")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--chromium", default="chromium")
    given = words.parse_args()
    command = given.make
    if given.groma:
        waves = "".join(f" --wave {shlex.quote(wave)}" for wave in given.wave)
        command = f"{shlex.quote(given.groma)} report --data {shlex.quote(given.data)}{waves} --out {{out}}"
    if not (command or given.page):
        words.error("give --page, --groma with --data, or --make")
    rows, folder = {}, tempfile.TemporaryDirectory(prefix="groma-bench-")
    page = given.page or folder.name + "/report.html"
    if command:
        rows["making s"] = [made(command, page) for _ in range(given.rounds)]
    rows["size MB"] = [os.path.getsize(page) / 1e6]
    browser = Browser(given.chromium)
    try:
        opened(browser, page)  # the first one also starts what all of them share
        for _ in range(given.rounds):
            for what, value in opened(browser, page).items():
                rows.setdefault(what, []).append(value)
    finally:
        browser.end()
    print(f"{'':16}{'median':>10}{'least':>10}{'most':>10}   limit")
    broken = 0
    for what, values in rows.items():
        median, limit = statistics.median(values), LIMITS.get(what)
        said = "" if limit is None else f"{limit:g} " + ("held" if median <= limit else "BROKEN")
        broken += said.endswith("BROKEN")
        print(f"{what:16}{median:>10.2f}{min(values):>10.2f}{max(values):>10.2f}   {said}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
