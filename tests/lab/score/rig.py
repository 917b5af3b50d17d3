"""What every contestant needs: the running lab, a way into its hosts, programs with a limit, and where results go."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAB = HERE.parent
ROOT = LAB.parent.parent
BRING = HERE / "bring.py"
INSIDE = "/run/lab/score"                    # what is left in a host stands here, on its tmpfs
MEASURING = "10.61.1.250"                    # the guest on the wire that scans; no host of the lab


class Trouble(Exception):
    """Something a person can mend, in one sentence."""


@dataclass(frozen=True)
class Host:
    """A host that is up."""
    name: str
    pid: int
    agent: bool
    address: str
    addresses: tuple = field(default=(), compare=False)

    @property
    def root(self):
        return Path(f"/proc/{self.pid}/root")

    @property
    def net(self):
        return f"/proc/{self.pid}/ns/net"


@dataclass(frozen=True)
class Done:
    """What a program did."""
    code: int
    out: str
    err: str
    seconds: float

    def last_words(self):
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"exit code {self.code}"


def hosts_up():
    """Every host of the lab that is up, by name."""
    done = run([sys.executable, str(LAB / "lab"), "status", "--json"], 30)
    try:
        status = json.loads(done.out)
        known = status["hosts"]
    except (ValueError, KeyError):
        raise Trouble(f"lab status: {done.last_words()}") from None
    if status["state"] != "ready":
        raise Trouble(f"the lab is {status['state']}: a scoreboard needs one that is ready (lab down, lab up)")
    up = {name: host_of(name, facts) for name, facts in known.items() if facts.get("alive")}
    if not up:
        raise Trouble("no host is up: lab up first")
    return up


def host_of(name, facts):
    return Host(name, facts["pid"], bool(facts.get("agent", True)), facts["address"], tuple(facts.get("addresses", ())))


def hosts_written():
    return sorted(place.parent.name for place in (LAB / "hosts").glob("*/host.toml"))


RUNNING, STOPPED = set(), threading.Event()


def stop_all():
    """Somebody wants it to end: what runs is ended, and nothing more is begun."""
    STOPPED.set()
    for process in list(RUNNING):
        end(process)


def end(process):
    """Ends a program and everything it started: it leads a process group of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def pause(seconds):
    """Sleeps, but not when somebody wants it to end."""
    if STOPPED.wait(max(0.0, seconds)):
        raise Trouble("interrupted")


def run(command, limit, nice=False, always=False):
    """Runs a program and waits; at the limit it is killed, and its code is 124."""
    if STOPPED.is_set() and not always:
        raise Trouble("interrupted")
    began = time.monotonic()
    command = (["nice", "-n", "5"] if nice else []) + [str(word) for word in command]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    RUNNING.add(process)
    try:
        out, err = process.communicate(timeout=limit)
        code = process.returncode
    except subprocess.TimeoutExpired:
        end(process)
        out, err = process.communicate()
        code, err = 124, err + f"\nstopped after {limit:.0f} s".encode()
    finally:
        RUNNING.discard(process)
    return Done(code, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began)


def inside(host, command, limit, folders=()):
    """Runs a command inside a host; `folders` are (outside, inside) pairs it sees there."""
    pairs = [f"{outside}:{place}" for outside, place in folders]
    return run([sys.executable, BRING, host.pid, *pairs, "--", *command], limit, nice=True)


def forget_closed(host):
    """Lets the kernel forget a host's closed connections; returns how many it would not."""
    closed = ["nsenter", f"--net={host.net}", "ss", "-H", "-t", "-a", "-n"]
    run([*closed, "-K", "state", "time-wait"], 20)
    return len(run([*closed, "state", "time-wait"], 20).out.splitlines())


def on_all(hosts, work, at_once=None):
    """Does `work(host)` for all hosts side by side; the answers by name."""
    places = threading.Semaphore(at_once or max(1, len(hosts)))
    answers, troubles = {}, []

    def one(host):
        with places:
            try:
                answers[host.name] = work(host)
            except Trouble as trouble:
                troubles.append(trouble)

    threads = [threading.Thread(target=one, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise troubles[0]
    return answers


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def binary(variable, name):
    """A program of the product, by its variable or from where the static stage puts it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    places = [Path(os.environ[variable])] if os.environ.get(variable) else [target / "static" / name, ROOT / "target" / "static" / name]
    for place in places:
        if os.access(place, os.X_OK):
            return place.resolve()
    raise Trouble(f"{name} is not built ({', '.join(map(str, places))}): tests/run static, or set {variable}")
