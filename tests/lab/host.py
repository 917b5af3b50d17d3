"""One host: its start, whether it is ready, its phases, and the way in."""
import os
import subprocess
import threading
import time
from pathlib import Path

import estate
import image
import network
import state
import units
from trouble import Trouble

START_SECONDS = 240
READY_SECONDS = 60
PHASE_SECONDS = 90
CORE = estate.HERE / "core"
ENVIRONMENT = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]


OVER = threading.Event()      # set when this `up` has failed: nobody need wait any longer
LAUNCHING = threading.Lock()


class Abandoned(Exception):
    """Another host has failed, so this one was not waited for."""


class Running:
    """A host of this `up`: the process outside and its first process inside."""

    def __init__(self, host):
        self.host = host
        self.process = None
        self.init = None
        self.seconds = 0.0

    @property
    def name(self):
        return self.host.name

    def start(self):
        """Brings it to life and waits until its `start` has returned."""
        began = time.monotonic()
        with LAUNCHING:
            if OVER.is_set():
                raise Abandoned
            self.process = launch(self.host)
        self.init = first_process(self.process.pid, self.name)
        state.save_host(self.name, self.facts())
        self.wait("its start has not returned", lambda: self.started() is not None, START_SECONDS)
        if self.started() != 0:
            raise self.trouble(f"its start failed with exit code {self.started()}")
        for what in self.host.ready:
            self.wait(f"it is not ready on {what[0]} {what[1]}", lambda: self.answers(*what), READY_SECONDS)
        units.assign(self.name, self.init)
        self.seconds = time.monotonic() - began
        state.save_host(self.name, self.facts())

    def wait(self, otherwise, done, seconds):
        def over():
            if self.process.poll() is not None:
                raise self.trouble("its first process ended")
            if OVER.is_set():
                raise Abandoned
            return done()
        if not state.wait_until(over, seconds):
            raise self.trouble(f"{otherwise} after {seconds} s")

    def trouble(self, text):
        return Trouble(f"{self.name}: {text}. Its last words:\n{state.tail(state.LOGS / f'{self.name}.log')}{self.daemons()}")

    def daemons(self):
        """The last words of its programs, where its start keeps them."""
        try:
            logs = sorted(self.inner("run/lab").glob("*log"))
        except OSError:
            return ""
        return "".join(f"\n {log.name}:\n{state.tail(log, 6)}" for log in logs if log.is_file())

    def started(self):
        try:
            return int((self.inner("run/lab/started")).read_text())
        except (OSError, ValueError):
            return None

    def inner(self, path):
        return Path(f"/proc/{self.init}/root", path.lstrip("/"))

    def answers(self, what, which):
        if what == "file":
            return self.inner(which).exists()
        if not listens(self.init, what, which):
            return False
        return what == "udp" or network.connects(network.namespace(self.name), self.host.address, which)

    def facts(self):
        host = self.host
        return {
            "pid": self.init, "born": state.born(self.init), "outside": self.process.pid,
            "netns": network.namespace(self.name), "role": host.role, "agent": host.agent, "slice": host.slice,
            "site": host.site, "address": host.address, "address6": host.legs[0].address6, "mac": host.legs[0].mac,
            "addresses": [leg.address for leg in host.legs], "seconds": round(self.seconds, 1),
        }

    def phase(self, script):
        """Runs one phase inside and waits for it; returns what went wrong, or nothing."""
        with open(state.LOGS / f"{self.name}.log", "ab") as log:
            log.write(f"--- {script}\n".encode())
            log.flush()
            try:
                done = subprocess.run(way_in(self.name, self.init) + [f"/run/lab/{script}"], stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log, timeout=PHASE_SECONDS, start_new_session=True)
            except subprocess.TimeoutExpired:
                return f"its {script} has not returned after {PHASE_SECONDS} s"
        return f"its {script} failed with exit code {done.returncode}" if done.returncode else None

    def traffic(self):
        """Leaves the steady traffic running as a child of the host's first process."""
        with open(state.LOGS / f"{self.name}.log", "ab") as log:
            subprocess.run(way_in(self.name, self.init) + ["setsid", "-f", "/run/lab/traffic"], stdin=subprocess.DEVNULL,
                           stdout=log, stderr=log, start_new_session=True)


def stop_launching():
    """After this no host comes to life any more, so that what is swept stays swept."""
    with LAUNCHING:
        OVER.set()


def launch(host):
    scratch = state.SCRATCH / host.name
    for folder in ("upper", "work", "root"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "upper").chmod(0o755)
    lower = ":".join(str(layer) for layer in image.layers(host.role))
    group = units.make(host.name)
    command = [
        "nsenter", f"--net={network.NAMED / network.namespace(host.name)}",
        "unshare", "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child", "--propagation", "private",
        "bash", str(CORE / "host-init"), "enter", host.name, lower, str(scratch), str(host.folder), str(CORE), str(state.SHARED), str(group or ""),
    ]
    with open(state.LOGS / f"{host.name}.log", "wb") as log:
        return subprocess.Popen(units.joined(group, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def first_process(outside, name):
    """The child of the process that made the namespaces is the host's process number 1."""
    children = Path(f"/proc/{outside}/task/{outside}/children")
    found = []

    def born():
        try:
            found[:] = children.read_text().split()
        except OSError:
            return True
        return bool(found)

    if not state.wait_until(born, 20, 0.01) or not found:
        raise Trouble(f"{name}: it did not come to life:\n{state.tail(state.LOGS / f'{name}.log')}")
    return int(found[0])


def listens(init, transport, port):
    """Whether something in the host's network holds this port, by the kernel's own table."""
    listening = "0A" if transport == "tcp" else "07"
    for table in (transport, transport + "6"):
        try:
            lines = Path(f"/proc/{init}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rsplit(":", 1)[1], 16) == port and fields[3] == listening:
                return True
    return False


def way_in(name, init):
    command = ["nsenter", "-t", str(init), "-m", "-u", "-i", "-n", "-p", "-C", "--wdns=/", "--"] + ENVIRONMENT
    return units.joined(units.session(name), command)


def enter(name, init, words):
    """Becomes the command inside; never returns."""
    terminal = [f"TERM={os.environ['TERM']}"] if "TERM" in os.environ else []
    command = way_in(name, init) + terminal + (words or ["bash", "-l"])
    os.execvp(command[0], command)
