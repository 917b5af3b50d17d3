#!/usr/bin/env python3
"""How many frames of a burst listeners lose, each in turn, in the same minutes. usage: run.py [rounds] [N …]

Needs root, cc, cargo, iproute2, tcpdump and a groma-agent (GROMA_AGENT, else target/release/groma-agent). Two namespaces and one
pair of cables of its own. burst.c sends N frames that open connections as fast as the link takes them; lost means: sent, and not
counted by the listener. groma is asked twice: what it counted, and what it says itself that the kernel had no room for.

Exit code 1 if groma loses one frame of a burst of up to 100,000, or does not say how many it lost."""
import json, os, re, signal, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TARGET = os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target")
AGENT = os.environ.get("GROMA_AGENT") or os.path.join(TARGET, "release", "groma-agent")
SECONDS, NEAR, FAR = 6, f"gl{os.getpid()}a", f"gl{os.getpid()}b"


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def there(*words, **more):
    return subprocess.Popen(["ip", "netns", "exec", FAR, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def burst(count):
    mac = json.loads(run("ip", "-n", FAR, "-j", "link", "show", "wire"))[0]["address"]
    sent, took = run("ip", "netns", "exec", NEAR, f"{scratch}/burst", "wire", mac, str(count)).split()
    return int(sent), float(took)


def groma(count):
    environment = {**os.environ, "GROMA_STATE_DIR": f"{scratch}/state"}
    words = [AGENT, "look", "--source", "network.wire", "--listen", "wire", "--for", f"{SECONDS}s", "--format", "json"]
    listener = there(*words, env=environment)
    time.sleep(2)
    sent, took = burst(count)
    said, wrong = listener.communicate()
    heard = told = 0
    for line in said.splitlines()[1:]:
        record = json.loads(line)
        text = json.dumps(record)
        if '"covered"' in text and (found := re.search(r'"(\d+) packets"', text)):
            heard = int(found[1])
        if found := re.search(r"wire: (\d+) packets the kernel had no room for", text):
            told = int(found[1])
    assert listener.returncode == 0, wrong
    return sent, took, sent - heard, told


def tcpdump(count):
    listener = there("tcpdump", "-i", "wire", "-n", "-U", "-w", "/dev/null")
    time.sleep(2)
    sent, took = burst(count)
    time.sleep(SECONDS - 3)
    listener.send_signal(signal.SIGINT)
    wrong = listener.communicate()[1]
    return sent, took, sent - int(re.search(r"(\d+) packets? captured", wrong)[1]), int(re.search(r"(\d+) packets? dropped by kernel", wrong)[1])


def pnet(count):
    listener = there(f"{scratch}/pnet/release/pnetcount", "wire", str(SECONDS))
    assert listener.stdout.readline() == "ready\n"
    time.sleep(1)
    sent, took = burst(count)
    return sent, took, sent - int(listener.communicate()[0]), None


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    counts = [int(word) for word in sys.argv[2:]] or [5_000, 20_000, 100_000]
    run("cc", "-O2", "-o", f"{scratch}/burst", f"{HERE}/burst.c")
    run("cargo", "build", "--release", "--manifest-path", f"{HERE}/pnet/Cargo.toml", "--target-dir", f"{scratch}/pnet")
    run("ip", "netns", "add", NEAR)
    run("ip", "netns", "add", FAR)
    run("ip", "link", "add", "wire", "netns", NEAR, "type", "veth", "peer", "name", "wire", "netns", FAR)
    for name in (NEAR, FAR):
        run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        run("ip", "-n", name, "link", "set", "wire", "arp", "off", "up")
    failed = False
    print(f"{'frames':>8} {'round':>5} {'listener':>9} {'sent in ms':>10} {'lost':>8} {'says lost':>9}")
    for count in counts:
        for number in range(rounds):
            for listener in (groma, tcpdump, pnet):
                sent, took, lost, told = listener(count)
                print(f"{sent:>8} {number + 1:>5} {listener.__name__:>9} {took:>10.1f} {lost:>8} {'-' if told is None else told:>9}", flush=True)
                failed |= listener is groma and (lost != told or (lost > 0 and count <= 100_000))
    return int(failed)


with tempfile.TemporaryDirectory() as scratch:
    try:
        code = main()
    finally:
        for name in (NEAR, FAR):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
sys.exit(code)
