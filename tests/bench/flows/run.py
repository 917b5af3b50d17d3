#!/usr/bin/env python3
"""How many short connections are told with the right program, and what watching costs. usage: run.py [seconds]

Needs root, cc and iproute2, and a groma-agent (GROMA_AGENT, else target/release/groma-agent), or the example `flows` of
crates/source-socket in its place, which compiles sooner. With the feature `ebpf` (docs/decisions/0026) the second way is measured
too, otherwise it is left out. Everything happens in a network namespace of its own; only its own ports are counted, for the trace is
the whole machine's.

1. Five programs (five copies of load.c) make 200 connections a second each, open for 5 ms, to a sixth. For each way of
   watching (`--flows-by`) the agent watches; caught means: told as outgoing, to that port, by that very executable. What it costs
   is processor time of the whole run divided by its length, and the largest proportional set size.
2. The same load once more with the two best ways, for longer, and without load, which shows what the machine around it costs.
3. Ten thousand open connections (manysock.c of ../sockets) and a look of 15 s.

Exit code 1 if the best tier catches less than 99 %, or a limit of issue 4 is not held."""
import json, os, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
AGENT = os.environ.get("GROMA_AGENT") or os.path.join(
    os.environ.get("CARGO_TARGET_DIR", f"{ROOT}/target"), "release", "groma-agent")
PORT, PROGRAMS, RATE, MILLIS = 7410, 5, 200, 5
ROUNDS = 3
# Best first: the agent's word, the example's, and how the coverage begins.
WAYS = {"trace": ("every-connection", "every connection;"), "bpf": ("by-program", "every connection, by"),
        "ends": ("every-end", "every connection that ends"), "dumps": ("polled", "polled")}


def pss(pid):
    """Proportional set size in MiB of one process; nothing if it has ended, or becomes another program just now."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0


def largest_pss(pid, until, into):
    """Largest sum of what a process and the children it looks in take, until it ends."""
    while not until.is_set():
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                children = file.read().split()
        except OSError:
            children = []
        into.append(sum(pss(number) for number in [pid, *children]))
        time.sleep(0.2)


def watch(namespace, seconds, out, way="trace"):
    """Starts the agent; returns what to call to get (processor seconds, MiB)."""
    environment = {**os.environ, "GROMA_STATE_DIR": os.path.join(os.path.dirname(out), "state")}
    command = [AGENT, "look", "--source", "host.flows", "--for", f"{seconds}s", "--flows-by", way, "--format", "json"]
    if os.path.basename(AGENT) == "flows":
        command = [AGENT, str(seconds), WAYS[way][0]]
    with open(out, "wb") as stdout:
        child = subprocess.Popen(["ip", "netns", "exec", namespace, *command], env=environment, stdout=stdout)
    over, sizes = threading.Event(), []
    measuring = threading.Thread(target=largest_pss, args=(child.pid, over, sizes))
    measuring.start()

    def end():
        _, status, used = os.wait4(child.pid, 0)
        over.set()
        measuring.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"the agent ended with {child.returncode}")
        return used.ru_utime + used.ru_stime, max(sizes, default=0)
    return end


def told(out):
    """Connections to our port by executable, and the coverage in words."""
    counts, how = {}, "nothing said"
    with open(out) as lines:
        for line in lines:
            line = json.loads(line)
            said = line.get("said", line)
            fact = said.get("saw", {}).get("fact", {})
            if fact.get("fact") == "connection" and fact["service_port"] == PORT and fact["direction"] == "outgoing":
                name = fact["program"].get("executable", "?")
                counts[name] = counts.get(name, 0) + said["saw"]["seen"]["count"]
            if said.get("covered", {}).get("scope") == "flow:host/tcp":
                how = said["covered"]["how"]
    return counts, how


def load(namespace, folder, seconds):
    """Runs the callers; returns how many connections each program made."""
    names = [f"{folder}/caller{n}" for n in range(PROGRAMS)]
    callers = [subprocess.Popen(["ip", "netns", "exec", namespace, name, "call", str(PORT), str(RATE), str(seconds), str(MILLIS)],
                                stdout=subprocess.PIPE) for name in names]
    return {name: int(caller.communicate()[0]) for name, caller in zip(names, callers)}


def recall(namespace, folder, seconds):
    print(f"recall: {PROGRAMS} programs, {PROGRAMS * RATE} connections of {MILLIS} ms a second, {seconds} s")
    best = None
    for way, (_, begins) in WAYS.items():
        out = f"{folder}/out"
        end = watch(namespace, seconds + 6, out, way)
        time.sleep(2)
        made = load(namespace, folder, seconds)
        cpu, size = end()
        counts, how = told(out)
        if not how.startswith(f"flow coverage: {begins}"):
            print(f"  {way:5} not measured, it is not to be had here (says: {how})")
            continue
        right = sum(min(made[name], counts.get(name, 0)) for name in made)
        nameless = counts.get("?", 0)
        wrong = sum(counts.values()) - right - nameless
        share = 100 * right / sum(made.values())
        print(f"  {way:5} {right} of {sum(made.values())} with the right executable = {share:.2f} %, {nameless} more without a "
              f"program, {wrong} wrong; {100 * cpu / (seconds + 6):.2f} % of a core, {size:.1f} MiB PSS at most")
        print(f"    says: {how}")
        best = share if best is None else best
        if wrong or way == "bpf" and share < 99:
            best = 0
    return best >= 99


def cost(namespace, folder, seconds):
    rows, loaded = {}, f"{PROGRAMS * RATE} connections a second"
    for name, way in (("without load", "trace"), (loaded, "trace"), ("the same, by bpf", "bpf")):
        end = watch(namespace, seconds, f"{folder}/out", way)
        if name != "without load":
            load(namespace, folder, seconds - 1)
        rows[name] = end()
    print(f"cost of a watch of {seconds} s")
    for name, (cpu, size) in rows.items():
        print(f"  {name:27} {cpu:.3f} s of processor = {100 * cpu / seconds:.2f} % of a core, {size:.1f} MiB PSS at most")
    del rows["without load"]
    return all(cpu / seconds <= 0.03 and size <= 30 for cpu, size in rows.values())


def many(folder):
    namespace = f"groma-many-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    farm = None
    try:
        subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
        farm = subprocess.Popen(["ip", "netns", "exec", namespace, f"{folder}/manysock", "10000", "20"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        farm.stdout.readline()
        rounds = [watch(namespace, 15, f"{folder}/out")() for _ in range(ROUNDS)]
        cpu, size = statistics.median(cpu for cpu, _ in rounds), max(size for _, size in rounds)
    finally:
        if farm:
            farm.stdin.close()
            farm.wait()
        subprocess.run(["ip", "netns", "del", namespace])
    print(f"10000 open sockets, a look of 15 s, median of {ROUNDS}: {cpu:.3f} s of processor = {100 * cpu / 15:.2f} % of a core, {size:.1f} MiB PSS at most")
    return cpu / 15 <= 0.005


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    namespace = f"groma-flows-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="groma-bench-") as folder:
        for name in ["server", *(f"caller{n}" for n in range(PROGRAMS))]:
            subprocess.run(["cc", "-O2", "-o", f"{folder}/{name}", f"{HERE}/load.c"], check=True)
        subprocess.run(["cc", "-O2", "-w", "-o", f"{folder}/manysock", f"{HERE}/../sockets/manysock.c"], check=True)
        subprocess.run(["ip", "netns", "add", namespace], check=True)
        server = None
        try:
            subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True)
            server = subprocess.Popen(["ip", "netns", "exec", namespace, f"{folder}/server", "serve", str(PORT)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            server.stdout.readline()
            passed = [recall(namespace, folder, seconds), cost(namespace, folder, 3 * seconds)]
        finally:
            if server:
                server.stdin.close()
                server.wait()
            subprocess.run(["ip", "netns", "del", namespace])
        passed.append(many(folder))
    sys.exit(0 if all(passed) else 1)


main()
