"""Whether the truth holds in the lab that is up: the places it names are there, and the ports it names are open."""
import re
from pathlib import Path

import host
import state
import truth
from trouble import Trouble


def check(folder):
    """Prints what is not as the truth says; 0 when all is. A port nobody listens on is only said: it may be meant."""
    running = {name: facts for name, facts in state.load_hosts().items() if state.alive(facts)}
    if not running:
        raise Trouble("no host is up: lab up first")
    dependencies, decoys = truth.read(folder)
    absent = [f"{truth.said(one)}: {text}" for one in dependencies + decoys for text in place_problems(one, running)]
    silent = [f"{truth.said(one)}: nobody listens there" for one in dependencies if not port_open(one, running)]
    for line in absent + silent:
        print(line)
    print(f"{len(dependencies)} dependencies and {len(decoys)} decoys held against {len(running)} hosts: "
          f"{len(absent)} places are not there, {len(silent)} ports are silent")
    return 1 if absent else 0


def place_problems(one, running):
    name, _, path = str(one.get("where", "wire")).partition(":")
    line = re.search(r":(\d+)(?:-\d+)?$", path)
    path = path[:line.start()] if line else path
    if name not in running or not path:
        return
    place = inside(running[name]["pid"], path)
    if place is None:
        yield f"{name} has no {path}"
    elif line and place.is_file() and int(line[1]) > len(place.read_bytes().splitlines()):
        yield f"{name}:{path} has no line {line[1]}"


def inside(init, path):
    """The file as the host sees it: its absolute links lead into its own root."""
    root = Path(f"/proc/{init}/root")
    place = root
    for _ in range(40):
        parts = [part for part in path.split("/") if part]
        place = root
        for number, part in enumerate(parts):
            place = place / part
            if place.is_symlink():
                target = str(place.readlink())
                before = "" if target.startswith("/") else "/".join(parts[:number]) + "/"
                path = before + target + "/" + "/".join(parts[number + 1:])
                break
        else:
            return place if place.exists() else None
    return None


def port_open(one, running):
    provider, port, transport = running.get(one.get("provider")), one.get("port"), one.get("transport", "tcp")
    return not provider or not port or transport not in ("tcp", "udp") or host.listens(provider["pid"], transport, port)
