"""FusionInventory agent, the lineage of GLPI's own: a local inventory of every host, read for what it says about needs.

Its programs lie beneath the host's own root, in a view that nobody else has: it sees the host's files, packages and
processes, and the host gets no package.
"""
import time
import xml.etree.ElementTree as xml

import rig
from endpoints import PORTS, endpoints, is_name
from peers import tree
from report import leaks_in, not_available, report, row

NAME = "FusionInventory agent"
LIMIT_SECONDS = 240
AT_ONCE = 2
VIEW = """
set -e
mkdir -p /run/lab/score/view /run/lab/score/layers
mount -t tmpfs tmpfs /run/lab/score/layers
mkdir /run/lab/score/layers/upper /run/lab/score/layers/work
mount -t overlay -o lowerdir=/:/run/lab/peers,upperdir=/run/lab/score/layers/upper,workdir=/run/lab/score/layers/work overlay /run/lab/score/view
for place in proc sys dev; do mount --rbind /$place /run/lab/score/view/$place; done
mkdir -p /run/lab/score/view/run/inventory
chroot /run/lab/score/view fusioninventory-agent --local /run/inventory --tasks inventory --no-httpd --timeout 30 >&2
cat /run/lab/score/view/run/inventory/*.ocs
"""


def look(hosts, _window, folder):
    began = time.monotonic()
    try:
        peers, _base = tree.layers()
    except Exception as trouble:        # the builder's own words; without the programs there is no peer
        return not_available(NAME, str(trouble))
    watched = [host for host in hosts.values() if host.agent]
    done = rig.on_all(watched, lambda host: rig.inside(host, ["sh", "-c", VIEW], LIMIT_SECONDS, [(peers, "/run/lab/peers")]), AT_ONCE)
    rows, leaks, silent, version = [], set(), [], ""
    for name, answer in done.items():
        rig.write(folder / "fusion" / f"{name}.xml", answer.out)
        leaks |= leaks_in(answer.out)
        found = needs_of(name, answer.out)
        version = version or version_of(answer.out)
        silent += [f"{name}: {answer.last_words()}"] if found is None else []
        rows += found or []
    if len(silent) == len(watched):
        return not_available(NAME, silent[0])
    note = "everything it says that names another machine: name servers, network drives, printers, arguments of processes"
    if silent:
        note += f"; nothing from {'; '.join(silent)}"
    return report(NAME, version, time.monotonic() - began, rows, leaks=len(leaks), note=note)


def version_of(text):
    content = parse(text)
    agent = content.findtext(".//VERSIONCLIENT") if content is not None else None
    return (agent or "").rpartition("v")[2]


def parse(text):
    try:
        return xml.fromstring(text.encode())
    except xml.ParseError:
        return None


def needs_of(name, text):
    content = parse(text)
    if content is None:
        return None
    rows = [row(name, place, 53, "udp") for place in (content.findtext(".//HARDWARE/DNS") or "").split("/") if place]
    for drive in content.iter("DRIVES"):
        if (drive.findtext("FILESYSTEM") or "") in ("nfs", "nfs4", "cifs", "smbfs"):
            rows += named(name, drive.findtext("VOLUMN") or "", PORTS["nfs" if "nfs" in drive.findtext("FILESYSTEM") else "cifs"])
    for what, where in (("PRINTERS", "PORT"), ("PROCESSES", "CMD"), ("ANTIVIRUS", "NAME")):
        for one in content.iter(what):
            rows += named(name, one.findtext(where) or "", None)
    return rows


def named(name, text, default):
    return [row(name, place, port or default, None, names=is_name(place)) for place, port in endpoints(text)]
