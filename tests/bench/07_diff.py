#!/usr/bin/env python3
"""A diff of two moments of one estate: groma from what it kept of them, ndiff from the same estate as nmap wrote it, in turn.

    tests/bench/07_diff.py GROMA [HOSTS] [ROUNDS]

Needs ndiff. Prints medians of wall and processor time and of peak memory, what an empty store costs, and the same for a made-up estate of
200,000 dependencies. Everything lies under $GB (default /tmp/groma-bench).
"""
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

GROMA = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
HOSTS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
PLACE = Path(os.environ.get("GB", "/tmp/groma-bench")) / "diff"


def scan(file, drift):
    """HOSTS machines with twelve open ports each; with `drift`, one of them is another one at every twentieth machine."""
    ports, changes = random.Random(1), random.Random(7)
    with open(file, "w") as out:
        out.write('<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap" start="1763700000" version="7.93" xmloutputversion="1.05">\n')
        for number in range(HOSTS):
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            open_ports = sorted(ports.sample(range(1, 10_000), 12))
            if drift and changes.random() < 0.05:
                open_ports[-1] = changes.randint(10_001, 20_000)
            rows = "".join(f'<port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack" reason_ttl="64"/>'
                           f'<service name="s{port}" product="Prod {port % 17}" version="1.{port % 9}" method="probed" conf="10"/></port>'
                           for port in open_ports)
            out.write(f'<host starttime="1763700000" endtime="1763700060"><status state="up" reason="syn-ack" reason_ttl="64"/><address addr="{address}" addrtype="ipv4"/>'
                      f'<hostnames><hostname name="h{number}.example.com" type="PTR"/></hostnames>'
                      f'<ports><extraports state="closed" count="988"/>{rows}</ports></host>\n')
        out.write(f'<runstats><finished time="{1763700060 + 86400 * drift}" elapsed="60"/><hosts up="{HOSTS}" down="0" total="{HOSTS}"/></runstats></nmaprun>\n')


def groma(*words):
    done = subprocess.run([GROMA, *map(str, words)], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"groma {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def once(command):
    """Wall seconds, processor seconds and peak MiB of one run."""
    begin = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measured(contestants):
    runs = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, command in contestants.items():
            runs[name].append(once(command))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in runs.items()}
    for name, (wall, cpu, peak) in medians.items():
        print(f"  {name:28s} {wall:8.3f} s wall  {cpu:8.3f} s processor  {peak:8.1f} MiB")
    return medians


def moments(data, *steps):
    """Names a moment after each step."""
    for name, step in zip(("before", "after"), steps):
        step()
        begin = time.perf_counter()
        groma("snapshot", "take", name, "--data", data)
        print(f"  snapshot take {name}: {time.perf_counter() - begin:.1f} s")


def scans():
    before, after, data = PLACE / "before.xml", PLACE / "after.xml", PLACE / "scans"
    scan(before, 0)
    scan(after, 1)
    print(f"\n== {HOSTS} hosts, twelve ports each, as nmap tells them")
    moments(data, lambda: groma("import", "--data", data, "--list", "scan", before), lambda: groma("import", "--data", data, "--list", "scan", after))
    diff = [GROMA, "diff", "before", "after", "--data", data]
    print(f"  {groma(*diff[1:]).count(chr(10))} lines of groma")
    found = measured({"ndiff": ["ndiff", before, after], "groma diff": diff, "groma snapshot list": [GROMA, "snapshot", "list", "--data", data]})
    ratio = found["ndiff"][0] / found["groma diff"][0]
    over = found["groma diff"][2] - found["groma snapshot list"][2]
    print(f"  groma is {ratio:.1f} times as fast by the clock, {found['ndiff'][1] / found['groma diff'][1]:.1f} by the processor (asked for: 20); {over:.0f} MiB over a store that is open (at most 64)")


def made_up():
    data, listed = PLACE / "made-up", PLACE / "list.csv"
    listed.write_text("name,address,owner\n" + "".join(f"new{n}.example.org,192.0.2.{n},Team {n % 3}\n" for n in range(1, 60)))
    print(f"\n== made up, {HOSTS} hosts and 200,000 dependencies")
    moments(data, lambda: groma("generate", "--hosts", HOSTS, "--dependencies", 200_000, "--data", data), lambda: groma("import", "--data", data, listed))
    measured({"groma diff": [GROMA, "diff", "before", "after", "--data", data], "groma snapshot list": [GROMA, "snapshot", "list", "--data", data]})


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
shutil.rmtree(PLACE, ignore_errors=True)
PLACE.mkdir(parents=True)
scans()
made_up()
