"""nmap with versions, twice, and ndiff of both: from a guest on the wire, so that no host of the lab is taken for the scanner."""
import sys
import time

import rig
from peers import tree
from report import leaks_in, not_available, report

sys.path.insert(1, str(rig.LAB))
import network  # noqa: E402  (a module of the lab)

NAME = "nmap -sV + ndiff"
NETWORKS = ("10.61.1.0/24", "10.61.2.0/24")
GUEST = "scanner"
LIMIT_SECONDS = 200
# Polite: a bounded rate, no print ports, the light set of version probes.
SCAN = ["nmap", "-n", "-sT", "-sV", "--version-intensity", "2", "--top-ports", "100", "--max-rate", "600", "--max-retries", "1",
        "--host-timeout", "45s", "--exclude-ports", "515,9100-9116,9999", "--exclude", rig.MEASURING, "-oX", "/run/scan.xml", *NETWORKS]
VIEW = """
set -e
mount -t overlay -o lowerdir={peers}:{base},upperdir={scratch}/upper,workdir={scratch}/work overlay {scratch}/view
mount -t proc proc {scratch}/view/proc
mount -t tmpfs tmpfs {scratch}/view/run
mkdir -p {scratch}/view/dev && mknod -m 666 {scratch}/view/dev/null c 1 3 2>/dev/null || true
mknod -m 666 {scratch}/view/dev/urandom c 1 9 2>/dev/null || true
{copies}
chroot {scratch}/view {command} >&2
cat {scratch}/view/run/{wanted}
"""


def look(_hosts, _window, folder):
    began = time.monotonic()
    try:
        layers = tree.layers()
        make_guest()
    except Exception as trouble:        # the builder's or ip's own words; without them there is no peer
        return not_available(NAME, str(trouble))
    try:
        first, second = scan(layers, folder, "first"), scan(layers, folder, "second")
        if not first or not second:
            return not_available(NAME, (folder / "nmap" / "trouble.txt").read_text())
        changes = compare(layers, folder)
    finally:
        rig.run(["ip", "netns", "del", network.namespace(GUEST)], 20, always=True)
    open_ports = first.count('state="open"')
    note = (f"{open_ports} open ports with their versions, {changes} lines of ndiff between two runs; "
            "what it says has no consumer, so it can name no dependency")
    return report(NAME, version_of(first), time.monotonic() - began, [], leaks=len(leaks_in(first + second)), note=note)


def make_guest():
    guest, switch = network.namespace(GUEST), network.switch("hq")
    rig.run(["ip", "netns", "del", guest], 20)
    network.ip([f"netns add {guest}"])
    network.ip([f"link add guest type veth peer name eth0 netns {guest}", "link set guest master wire up"], switch)
    network.ip(["link set lo up", f"addr add {rig.MEASURING}/24 brd + dev eth0", "link set eth0 up",
                "route add default via 10.61.1.1"], guest)


def scan(layers, folder, which):
    done = in_view(layers, folder, " ".join(SCAN), "scan.xml")
    if done.code or "<nmaprun" not in done.out:
        rig.write(folder / "nmap" / "trouble.txt", done.last_words())
        return ""
    rig.write(folder / "nmap" / f"{which}.xml", done.out)
    return done.out


def compare(layers, folder):
    """How many lines ndiff has to say about two scans of the same estate."""
    (folder / "nmap" / "both").mkdir(parents=True, exist_ok=True)
    command = "sh -c 'ndiff /run/before.xml /run/after.xml > /run/diff.txt; true'"
    done = in_view(layers, folder, command, "diff.txt", files=("first", "second"))
    rig.write(folder / "nmap" / "ndiff.txt", done.out)
    return sum(line.startswith(("+", "-")) for line in done.out.splitlines())


def in_view(layers, folder, command, wanted, files=()):
    """Runs a command of the peers' tree in the guest's network."""
    scratch = folder / "nmap" / "scratch"
    for part in ("upper", "work", "view"):
        (scratch / part).mkdir(parents=True, exist_ok=True)
    copies = [f"cp {folder}/nmap/{name}.xml {scratch}/view/run/{place}.xml" for name, place in zip(files, ("before", "after"))]
    script = VIEW.format(peers=layers[0], base=layers[1], scratch=scratch, copies="\n".join(copies), command=command, wanted=wanted)
    return rig.run(["ip", "netns", "exec", network.namespace(GUEST), "unshare", "-m", "sh", "-c", script], LIMIT_SECONDS, nice=True)


def version_of(text):
    return text.partition('<nmaprun')[2].partition('version="')[2].partition('"')[0]
