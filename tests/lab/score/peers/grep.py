"""A search of the configurations: every address and name of the house in /etc, /opt, /srv, /home and the crontabs."""
import shutil
import time

import rig
from endpoints import endpoints, is_name
from report import leaks_in, not_available, report, row

PLACES = ("etc", "opt", "srv", "home", "var/spool/cron")
PATTERN = r"kontor\.example|\b10\.61\.[0-9]+\.[0-9]+|fd61:"
LIMIT_SECONDS = 120


def look(hosts, _window, folder):
    if not shutil.which("rg"):
        return not_available("grep of configurations", "ripgrep is not installed")
    began = time.monotonic()
    texts = rig.on_all([host for host in hosts.values() if host.agent], search, at_once=1)
    rows, leaks = [], set()
    for name, text in texts.items():
        rig.write(folder / "grep" / f"{name}.txt", text)
        leaks |= leaks_in(text)
        rows += [row(name, place, port, None, names=is_name(place)) for place, port in endpoints(text)]
    version = rig.run(["rg", "--version"], 10).out.split()[1]
    note = "told the domain and the networks of the house beforehand; comments and copies are text like any other"
    return report("grep of configurations (rg)", version, time.monotonic() - began, rows, leaks=len(leaks), note=note)


def search(host):
    places = [place for place in PLACES if (host.root / place).is_dir()]
    command = ["rg", "--no-config", "--hidden", "--no-ignore", "--no-messages", "--no-filename", "--no-line-number", "-a", "-i",
               "--max-columns=2000", "-e", PATTERN, *[f"{host.root}/{place}" for place in places]]
    return rig.run(command, LIMIT_SECONDS, nice=True).out
