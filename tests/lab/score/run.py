#!/usr/bin/env python3
"""The scoreboard of the lab: groma, and its peers if wanted, over the lab that is up, held against the truth.

    lab score [--slice] [--peers] [--for 60s] [--out DIR] [--truth FILE]… [--keep]
              [--require FILE] [--write-baseline FILE] [--narrow-baseline FILE]
"""
import argparse
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import looks  # noqa: E402
import rig  # noqa: E402
from report import not_available  # noqa: E402

PEERS = ("scan", "fusion", "sampling", "grep")
DECLARED = rig.LAB / "declared.csv"
KEPT = rig.ROOT / "docs/reference/scoreboard.md"
WAVE_TITLE = "# The wave, as `groma diff --wave` tells it"


def main(words):
    typed = parser().parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return score(typed)
    except rig.Trouble as trouble:
        print(f"lab score: {trouble}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        rig.stop_all()
        print("lab score: interrupted", file=sys.stderr)
        return 130


def parser():
    one = argparse.ArgumentParser(prog="lab score", description="groma and its peers over the lab that is up, held against the truth")
    one.add_argument("--slice", action="store_true", help="judge only what the fast slice can tell")
    one.add_argument("--peers", action="store_true", help="run the peers in the same minutes")
    one.add_argument("--for", dest="window", default="60s", type=seconds, help="how long agents and samplers watch (default 60s)")
    one.add_argument("--out", type=Path, default=place("lab-score"), help="where everything goes (default: target/lab-score, and the lab's name behind it)")
    one.add_argument("--truth", type=Path, action="append", metavar="FILE", help="another truth than tests/lab/expected*.toml")
    one.add_argument("--require", type=Path, metavar="FILE", help="exit 1 if this is worse than FILE says")
    one.add_argument("--write-baseline", type=Path, metavar="FILE", help="write what was found, for --require")
    one.add_argument("--narrow-baseline", type=Path, metavar="FILE", help="take out of FILE what this run did not find again")
    one.add_argument("--keep", action="store_true", help="also write docs/reference/scoreboard.md")
    return one


def seconds(text):
    hit = re.fullmatch(r"(\d+)(s|m)?", text)
    if not hit:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 60s or 2m")
    return int(hit[1]) * (60 if hit[2] == "m" else 1)


def place(name):
    """A folder of this lab's own: two labs must not sweep away each other's results."""
    lab = os.environ.get("GROMA_LAB_NAME", "main")
    return target() / (name if lab == "main" else f"{name}-{lab}")


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", rig.ROOT / "target")).resolve()


def score(typed):
    began = time.monotonic()
    truths(typed)
    hosts = rig.hosts_up()
    judge = build_judge()
    folder = fresh(typed.out.resolve())
    settle(hosts)
    peers = PeersAside(hosts, typed.window, folder / "peers") if typed.peers else None
    say(f"looking for {typed.window} s on {sum(host.agent for host in hosts.values())} of {len(hosts)} hosts")
    looked = looks.look(hosts, typed.window, made(folder / "batches"))
    for name, why in looked.silent.items():
        say(f"{name} brought nothing: {why}")
    concluded = looks.conclude(looked.batches, folder, [DECLARED])
    say(f"looked {looked.seconds:.0f} s, concluded {concluded.seconds:.1f} s")
    reports = peers.wait() if peers else []
    command = judgement(typed, judge, hosts, folder, looked, concluded, reports)
    code = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL).returncode
    if (folder / "scoreboard.md").exists():
        tell(folder, typed)
    say(f"all of it: {time.monotonic() - began:.0f} s; everything is in {folder}")
    return code


def build_judge():
    """The judge is Rust, so that it reads the inventory by the very types that publish it."""
    command = ["cargo", "build", "--quiet", "--locked", "-p", "groma-tests", "--bin", "scoreboard"]
    done = subprocess.run(command, cwd=rig.ROOT, capture_output=True, text=True)
    if done.returncode:
        raise rig.Trouble(f"the judge does not build:\n{done.stderr}")
    return target() / "debug" / "scoreboard"


def fresh(folder):
    """An empty folder; one that holds anything but a scoreboard is left alone."""
    marker = folder / ".lab-score"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise rig.Trouble(f"{folder} holds something else; choose an empty folder with --out")
    shutil.rmtree(folder, ignore_errors=True)
    made(folder)
    marker.touch()
    return folder


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settle(hosts):
    """Once a minute is over, the kernel forgets the connections of the monthly jobs `lab up` has just run for real. Who
    looks at once must not see them either: they are history."""
    left = sum(rig.forget_closed(host) for host in hosts.values())
    if left:
        say(f"{left} closed connections are still remembered by this kernel: waiting a minute")
        rig.pause(60)


class PeersAside:
    """The peers, each in a thread of its own, in the same minutes as groma."""

    def __init__(self, hosts, window, folder):
        self.files = []
        self.threads = [threading.Thread(target=self.one, args=(name, hosts, window, made(folder))) for name in PEERS]
        for thread in self.threads:
            thread.start()

    def one(self, name, hosts, window, folder):
        try:
            report = importlib.import_module(f"peers.{name}").look(hosts, window, folder)
        except Exception as problem:        # a peer that fails is said on the scoreboard; it must not take the rest with it
            report = not_available(name, f"its module failed: {problem!r}")
        file = folder / f"{name}.json"
        file.write_text(json.dumps(report, indent=1))
        self.files.append(file)
        say(f"{report['peer']}: {len(report['rows'])} rows in {report['seconds']:.0f} s" if report["available"]
            else f"{report['peer']}: not available: {report['why_not']}")

    def wait(self):
        for thread in self.threads:
            thread.join()
        return [folder for name in PEERS for folder in self.files if folder.stem == name]


def judgement(typed, judge, hosts, folder, looked, concluded, reports):
    command = [judge, "--hosts", rig.LAB / "hosts", "--names", rig.HERE / "names.toml", "--inventory", concluded.inventory,
               "--out", folder, "--measuring", rig.MEASURING]
    for truth in truths(typed):
        command += ["--truth", truth]
    for report in reports:
        command += ["--peer", report]
    if not typed.truth:
        command += ["--ledgers", rig.LAB / "ledgers.toml"]
    for text in concluded.texts:
        command += ["--text", text]
    if set(hosts) != set(rig.hosts_written()):
        command += ["--only", ",".join(sorted(hosts))]
    if typed.slice:
        command += ["--slice"]
    for option in ("require", "write_baseline", "narrow_baseline"):
        if getattr(typed, option):
            command += [f"--{option.replace('_', '-')}", getattr(typed, option)]
    return command + about(typed, hosts, looked, concluded)


def truths(typed):
    found = typed.truth or sorted(rig.LAB.glob("expected*.toml"))
    if not found:
        raise rig.Trouble("there is no truth: tests/lab/expected*.toml")
    return found


def about(typed, hosts, looked, concluded):
    lines = {
        "commit": commit(),
        "the programs": looks.built(),
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "the lab": f"{len(hosts)} of {len(rig.hosts_written())} hosts up, {len(looked.batches)} agents watched {typed.window} s",
        "network vantage": looked.vantage,
        "the directory": looked.directory,
        "declared list": f"{DECLARED.name}, {len(DECLARED.read_text().splitlines()) - 1} rows",
        "version": looks.version(),
        "seconds": f"{looked.seconds + concluded.seconds:.1f}",
    }
    if looked.silent:
        lines["agents that brought nothing"] = "; ".join(f"{name}: {why}" for name, why in looked.silent.items())
    return [word for key, value in lines.items() for word in ("--about", f"{key}={value}")]


def commit():
    head = rig.run(["git", "-C", rig.ROOT, "rev-parse", "--short=12", "HEAD"], 20).out.strip()
    changed = rig.run(["git", "-C", rig.ROOT, "status", "--porcelain", "--untracked-files=no"], 30).out.strip()
    return head + (" with changes" if changed else "")


def tell(folder, typed):
    """The head of the page on the terminal; the whole page beside the other results, and in the documentation if wanted."""
    page = (folder / "scoreboard.md").read_text()
    print(page.partition("\n## Rules")[0], flush=True)
    if typed.keep:
        keep(board=page)


def keep(board=None, wave=None):
    """The page in the documentation is the last scoreboard, and the last wave below it."""
    old_board, _, old_wave = (KEPT.read_text() if KEPT.exists() else "").partition(WAVE_TITLE)
    wave = wave or (WAVE_TITLE + old_wave if old_wave else "")
    KEPT.write_text((board or old_board).rstrip() + "\n" + (f"\n{wave}" if wave else ""))


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
