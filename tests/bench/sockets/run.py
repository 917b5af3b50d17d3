#!/usr/bin/env python3
"""Owned sockets against the join reference, in the same minute. usage: run.py [rounds] [size]...

Needs root, cc, cargo and iproute2. For each size (default 10000 and 100000) manysock opens that many connected
sockets in a network namespace of its own; then the contestants run in turn:
    dump   sockref diag   what the kernel's socket diagnostics cost alone
    walk   sockref walk   what reading every link of /proc/PID/fd costs alone
    join   sockref both   both, joined: the reference
    groma  the example `sockets` of crates/source-socket: tables, owners, programs, a line per socket
Prints medians of wall time and processor time, and the ratio to the reference. Quote ratios, not times.
Exit code 1 if groma needs more than 1.5 times the reference's wall or processor time, or misses a socket."""
import os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
LIMIT = 1.5


def build(folder):
    for name in ("sockref", "manysock"):
        subprocess.run(["cc", "-O2", "-w", "-o", f"{folder}/{name}", f"{HERE}/{name}.c"], check=True)
    subprocess.run(["cargo", "build", "--release", "-q", "-p", "groma-source-socket", "--example", "sockets"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target")
    return f"{target}/release/examples/sockets"


def run(command, namespace, out):
    """Wall seconds, processor seconds, and sockets of the farm that were told with their program, of one run."""
    with open(out, "wb") as stdout:
        started = time.monotonic()
        child = subprocess.Popen(["ip", "netns", "exec", namespace, *command], stdout=stdout)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    with open(out, "rb") as lines:
        owned = sum(line.endswith(b"/manysock\n") for line in lines)
    return wall, used.ru_utime + used.ru_stime, owned


def measure(size, rounds, groma, folder):
    namespace = f"groma-bench-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    processes = max(10, size // 500)
    farm = None
    try:
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        command = ["ip", "netns", "exec", namespace, f"{folder}/manysock", str(size), str(processes)]
        farm = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        farm.stdout.readline()
        contestants = {"dump": [f"{folder}/sockref", "diag"], "walk": [f"{folder}/sockref", "walk"],
                       "join": [f"{folder}/sockref", "both"], "groma": [groma]}
        rows = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, command in contestants.items():
                rows[name].append(run(command, namespace, f"{folder}/out"))
        # Every connected socket and every listener of the farm must be there with its program.
        owned = min(row[2] for row in rows["groma"])
        return table(size, processes, rows, owned)
    finally:
        if farm:
            farm.stdin.close()
            farm.wait()
        subprocess.run(["ip", "netns", "del", namespace])


def table(size, processes, rows, owned):
    middle = {name: [statistics.median(row[k] for row in all_rows) for k in range(2)] for name, all_rows in rows.items()}
    base = middle["join"]
    print(f"{size} sockets in {processes} processes, {len(rows['join'])} rounds; groma told {owned} of {size + processes} with their program")
    for name, (wall, cpu) in middle.items():
        print(f"  {name:6} wall {wall:7.3f} s  cpu {cpu:7.3f} s  x{wall / base[0]:.2f} wall  x{cpu / base[1]:.2f} cpu")
    return owned >= size + processes and all(middle["groma"][k] <= LIMIT * base[k] for k in (0, 1))


def main():
    numbers = [int(word) for word in sys.argv[1:]]
    rounds, sizes = (numbers[0] if numbers else 7), (numbers[1:] or [10_000, 100_000])
    with tempfile.TemporaryDirectory(prefix="groma-bench-") as folder:
        groma = build(folder)
        passed = [measure(size, rounds, groma, folder) for size in sizes]
    sys.exit(0 if all(passed) else 1)


main()
