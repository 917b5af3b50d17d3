"""Socket sampling: `ss` on every host every 15 seconds, the way many do it by hand before a move."""
import re
import time

import rig
from report import report, row

EVERY_SECONDS = 15
LINE = re.compile(r"^(?P<transport>tcp|udp)\s+(?P<state>\S+)\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<peer>\S+)")


def look(hosts, window, folder):
    began = time.monotonic()
    seen = {name: set() for name in hosts}
    watched = [host for host in hosts.values() if host.agent]
    rounds = 0
    while True:
        for host in watched:
            seen[host.name] |= sample(host)
        rounds += 1
        if rounds * EVERY_SECONDS > window:
            break
        rig.pause(began + rounds * EVERY_SECONDS - time.monotonic())
    rows = [one for rows in seen.values() for one in rows]
    version = rig.run(["ss", "-V"], 10).out.strip().rpartition("-")[2]
    note = f"{rounds} samples of {len(watched)} hosts; who listens is the provider"
    return report("socket sampling (ss)", version, time.monotonic() - began, [row(*one) for one in rows], note=note)


def sample(host):
    listening = {(one["transport"], end(one["local"])[1]) for one in sockets(host, "-ltun")}
    found = set()
    for one in sockets(host, "-tunp"):
        (near, near_port), (far, far_port) = end(one["local"]), end(one["peer"])
        if one["state"] not in ("ESTAB", "SYN-SENT", "TIME-WAIT", "CLOSE-WAIT", "FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK"):
            continue
        if (one["transport"], near_port) in listening:
            found.add((far, near, near_port, one["transport"]))
        else:
            found.add((near, far, far_port, one["transport"]))
    return {one for one in found if not one[0].startswith(("127.", "::1")) and one[0] != rig.MEASURING}


def sockets(host, options):
    done = rig.run(["nsenter", f"--net={host.net}", "ss", "-H", "-a" if "l" not in options else "-n", options], 20)
    return [hit for hit in map(LINE.match, done.out.splitlines()) if hit]


def end(text):
    """Address and port of `10.0.0.1:25`, `[fd00::1]:25`, `*:25` or `10.0.0.1%eth0:68`."""
    place, _, port = text.rpartition(":")
    place = place.strip("[]").split("%")[0].removeprefix("::ffff:")
    return place, int(port) if port.isdigit() else 0
