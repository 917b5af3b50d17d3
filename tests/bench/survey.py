#!/usr/bin/env python3
"""What a look and a survey cost, side by side with peers in the same minutes, and what the collector does with a large estate.

usage: survey.py [host|scan|conf|store|estate]… [--rounds N]     (default: all of them, 5 rounds)

Programs: GROMA_BIN and GROMA_AGENT_BIN (default: target/static, else target/release). Needs root for `conf`, and
fusioninventory-agent and ripgrep to compare with (setup.sh); a peer that is missing is said to be missing.
Contestants run in turn, A B A B; medians and ratios. On a shared machine read the ratios."""
import os
import shutil
import subprocess
import sys

import gb

TOP = os.path.abspath(os.path.join(gb.HERE, "..", ".."))
words = [w for w in sys.argv[1:] if not w.startswith("--")]
rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 5
words = [w for w in words if not w.isdigit()] or ["host", "scan", "conf", "store", "estate"]
SCRATCH = gb.GB + "/survey"
shutil.rmtree(SCRATCH, ignore_errors=True)
os.makedirs(SCRATCH)
os.environ["GROMA_STATE_DIR"] = SCRATCH + "/state"
verdicts = []


def program(variable, name):
    """A built program, wherever it was built."""
    target = os.environ.get("CARGO_TARGET_DIR", TOP + "/target")
    for path in (os.environ.get(variable), f"{target}/static/{name}", f"{target}/release/{name}"):
        if path and os.path.exists(path):
            return path
    sys.exit(f"{name} is not built: tests/run build static")


# The scan alone is measured without them.
GROMA, AGENT = (None, None) if words == ["scan"] else (program("GROMA_BIN", "groma"), program("GROMA_AGENT_BIN", "groma-agent"))


def judge(what, value, limit, unit=""):
    """Notes a figure the issue asks for, and whether it holds."""
    verdicts.append((what, value, limit, unit))


def ran(results):
    """The results, if every contestant ended well: a figure of something that failed is worth nothing."""
    for name, row in results.items():
        if row["rc"] != 0:
            sys.exit(f"{name} ended with {row['rc']:.0f}; what it said stands in {gb.GB}/out/stderr.last")
    return results


def ratio(results, one, other, column="cpu"):
    """The median over the rounds of what one cost, divided by what the other one cost in the same minute."""
    pairs = zip(results[one]["each"], results[other]["each"])
    return gb.med([a[column] / max(b[column], 1e-4) for a, b in pairs])


# What a standard inventory holds. By full name: the prefix `host` also means the sources that walk the whole disk for data nobody listed.
HOST_FACTS = ("system", "network", "storage", "accounts", "packages", "units", "jobs", "containers", "attached", "sockets")


def host():
    """Host facts against fusioninventory-agent, and the whole look."""
    peer = "fusioninventory-agent"
    named = " ".join(f"--source host.{name}" for name in HOST_FACTS)
    contestants = [
        ("groma host facts", f"{AGENT} look {named} --offline --for 0s --out {SCRATCH}/host.batch", None),
        ("groma whole look", f"{AGENT} look --offline --for 0s --out {SCRATCH}/whole.batch", None),
    ]
    if shutil.which("fusioninventory-inventory"):
        contestants.insert(0, (peer, "fusioninventory-inventory", SCRATCH + "/peer.xml"))
    else:
        print("fusioninventory-agent is not installed: no ratio (tests/bench/setup.sh installs it)")
    results = ran(gb.rounds(contestants, rounds))
    gb.table("host facts", results, contestants[0][0], ("wall", "cpu", "rss", "rc"))
    if peer in results:
        judge("fusioninventory-agent's CPU over groma's host facts, at least", ratio(results, peer, "groma host facts"), (">=", 8))
        judge("fusioninventory-agent's CPU over groma's whole look", ratio(results, peer, "groma whole look"), None)
    judge("peak memory of a whole look, below", results["groma whole look"]["rss"], ("<", 40), " MiB")


def configscan():
    """The scan alone, without a batch: an example of crates/source-config."""
    built = subprocess.run(["cargo", "build", "--release", "--locked", "-q", "-p", "groma-source-config", "--example", "configscan"], cwd=TOP)
    if built.returncode:
        sys.exit("the example configscan does not build")
    return os.environ.get("CARGO_TARGET_DIR", TOP + "/target") + "/release/examples/configscan"


def compiled(name):
    """A small C program of this folder."""
    built = f"{SCRATCH}/{name}"
    subprocess.run(["cc", "-O3", "-o", built, f"{gb.HERE}/{name}.c"], check=True)
    return built


# Reading every byte and walking, by the commands with which the goals were set.
READING, WALKING = "find and cat", "find -type f"


def scan():
    """The figures asked for of the scan alone: against reading every byte, against ripgrep, and once nothing has changed.

    The made-up tree is 6 % endpoints, hundreds of times a machine's density; the thin one has a hundredth of that.
    GROMA_CONF_TREE names another one, to be scanned instead."""
    if not shutil.which("rg"):
        return print("ripgrep is not installed: no comparison (tests/bench/setup.sh installs it)")
    files, own = int(os.environ.get("GROMA_CONF_FILES", "10000")), os.environ.get("GROMA_CONF_TREE")
    trees = [("named", own)] if own else [("dense", gb.conf_tree(files)), ("thin", gb.conf_tree(files, 100))]
    program, least = configscan(), compiled("readall")
    for name, tree in trees:
        nothing_lost(program, tree)
        scan_tree(name, tree, program, least)


def scan_tree(name, tree, program, least):
    memory = f"{SCRATCH}/{name}.memory"
    subprocess.run([program, "--memory", memory, "--count", tree], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    contestants = [
        (WALKING, f"find {tree} -type f", None),
        ("walk", f"{least} walk {tree}", None),
        ("walk, ask every file", f"{least} stat {tree}", None),
        ("read and touch every byte", f"{least} read {tree}", None),
        (READING, f"find {tree} -type f -print0 | xargs -0 -n 2000 cat", None),
        ("wc -l", f"find {tree} -type f -print0 | xargs -0 -n 2000 wc -l", None),
        ("ripgrep, endpoint pattern", f"rg -uuu --no-config -c -j2 '{gb.ENDPOINTS}' {tree}", None),
        ("groma scan", f"{program} --count {tree}", None),
        ("groma scan, nothing changed", f"{program} --memory {memory} --count {tree}", None),
    ]
    results = ran(gb.rounds(contestants, max(7, rounds)))
    gb.table(f"scan alone, {name} tree", results, "read and touch every byte", ("wall", "cpu", "rss", "rc"))
    for least_of in (READING, "wc -l", "read and touch every byte"):
        judge(f"{name} tree: scan over {least_of}, CPU", ratio(results, "groma scan", least_of), ("<=", 1.2))
    judge(f"{name} tree: ripgrep's endpoint pattern over scan, CPU", ratio(results, "ripgrep, endpoint pattern", "groma scan"), (">=", 1.5))
    for least_of in (WALKING, "walk", "walk, ask every file"):
        judge(f"{name} tree: unchanged over {least_of}, CPU", ratio(results, "groma scan, nothing changed", least_of), ("<=", 1.5))


def nothing_lost(program, tree):
    """Every file in which ripgrep's pattern finds an endpoint outside a comment is one the scan says something of."""
    pattern = r"^[^#\n]*(" + gb.ENDPOINTS + ")"
    theirs = subprocess.run(["rg", "-uuu", "--no-config", "-l", pattern, tree], capture_output=True, text=True).stdout.split("\n")
    ours = subprocess.run([program, "--count", tree], capture_output=True, text=True).stdout.split("\n")
    said = {line.rsplit(":", 1)[0] for line in ours}
    lost = [file for file in theirs if file and file not in said]
    print(f"files with an endpoint by ripgrep: {len(theirs) - 1}; of these the scan says nothing: {len(lost)} {lost[:3]}")


def conf():
    """The configuration scan against ripgrep's endpoint pattern over the same tree, and what a whole look adds to it.

    The tree is all endpoints, hundreds of times denser than a machine's settings: what the look adds is writing them down."""
    tree = gb.conf_tree(int(os.environ.get("GROMA_CONF_FILES", "10000")))
    if not shutil.which("rg"):
        return print("ripgrep is not installed: no comparison")
    # The agent reads where services keep their settings; in a namespace of its own, the tree is all there is to read.
    inside = " && ".join(["mount -t tmpfs none " + d for d in ("/etc", "/opt", "/home", "/root", "/var", "/usr/local") if d not in tree])
    private = f"unshare -m --propagation private sh -c '{{}}'"
    look = f"mkdir -p {SCRATCH}/bin {SCRATCH}/tree && cp {AGENT} {SCRATCH}/bin/ && mount --bind {tree} /srv && {inside} && {SCRATCH}/bin/groma-agent look --source written.config --offline --for 0s --out {SCRATCH}/conf.batch"
    contestants = [
        ("ripgrep, endpoint pattern, 2 threads", f"rg -uuu --no-config -c -j2 '{gb.ENDPOINTS}' {tree}", SCRATCH + "/rg"),
        ("ripgrep, endpoint pattern, 1 thread", f"rg -uuu --no-config -c -j1 '{gb.ENDPOINTS}' {tree}", SCRATCH + "/rg1"),
        ("groma config scan", f"{configscan()} --count {tree}", SCRATCH + "/scan"),
        ("groma whole look, batch written", private.format(look), None),
    ]
    results = ran(gb.rounds(contestants, max(3, rounds // 2 + 1)))
    gb.table("config scan", results, contestants[0][0], ("wall", "cpu", "rss", "rc"))
    facts = subprocess.run(f"zstd -dc {SCRATCH}/conf.batch | grep -c '\"fact\":\"reference\"'", shell=True, capture_output=True, text=True).stdout.strip()
    print(f"references found in the tree: {facts}")
    cut = subprocess.run(f"zstd -dc {SCRATCH}/conf.batch | grep -c 'budget-exhausted'", shell=True, capture_output=True, text=True).stdout.strip()
    judge("groma's config scan over ripgrep's CPU on the same tree, at most", ratio(results, "groma config scan", contestants[0][0]), ("<=", 1.5))
    if cut not in ("", "0"):
        # A look that reached its cap did less work than ripgrep: no ratio may be quoted from it.
        return print("the whole look reached its cap and left part of the tree out: it gives no ratio; take a smaller tree (GROMA_CONF_FILES)")
    judge("groma's whole look over ripgrep's CPU", ratio(results, "groma whole look, batch written", contestants[0][0]), None)


def size(folder):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)


def store():
    """How much a second survey of an unchanged machine adds."""
    data = SCRATCH + "/data"
    survey = [GROMA, "survey", "--offline", "--for", "2s", "--data", data, "--out", SCRATCH + "/out"]
    sizes = []
    for _ in range(3):
        subprocess.run(survey, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sizes.append(size(data))
    print(f"\n== store after each survey, bytes: {sizes}")
    judge("growth by a second survey, below", 100 * (sizes[1] / sizes[0] - 1), ("<", 5), " %")


def estate():
    """Export and report of a made-up estate of 10,000 hosts and 200,000 dependencies."""
    data = SCRATCH + "/estate"
    hosts, dependencies = os.environ.get("GROMA_ESTATE", "10000,200000").split(",")
    made = gb.run([GROMA, "generate", "--hosts", hosts, "--dependencies", dependencies, "--data", data])
    print(f"\n== estate of {hosts} hosts and {dependencies} dependencies: made in {made['wall']:.1f} s, {size(data) / 2**20:.0f} MiB")
    contestants = [
        ("export json", f"{GROMA} export --format json --data {data} --out {SCRATCH}/estate.json", None),
        ("report html", f"{GROMA} report --format html --data {data} --out {SCRATCH}/estate.html", None),
    ]
    results = ran(gb.rounds(contestants, 3))
    gb.table("estate", results, "export json", ("wall", "cpu", "rss", "rc"))
    for name in ("json", "html"):
        print(f"estate.{name}: {os.path.getsize(f'{SCRATCH}/estate.{name}') / 2**20:.1f} MiB")
    judge("export of the estate, at most", results["export json"]["wall"], ("<=", 5), " s")
    judge("report of the estate, at most", results["report html"]["wall"], ("<=", 5), " s")


for word in words:
    globals()[word]()
print("\n== asked for")
for what, value, limit, unit in verdicts:
    sign, bound = limit or ("", "")
    holds = {"": "", ">=": value >= (bound or 0), "<=": value <= (bound or 0), "<": value < (bound or 0)}[sign]
    print(f"{what:62s} {sign} {bound}{unit if sign else '':4s}  measured {value:.2f}{unit}  {'' if holds == '' else 'holds' if holds else 'DOES NOT HOLD'}")
