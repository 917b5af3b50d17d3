"""groma over the lab: an agent on every host that takes one, a network vantage, one collector; its own commands, nothing else."""
import shutil
import time
from dataclasses import dataclass

import access
import rig

VANTAGE = "adm1"
NETWORKS = ("10.61.1.0/24", "10.61.2.0/24")
SPARE_SECONDS = 180                          # what a look may take beyond the time it watches
ABROAD_SECONDS = 900                         # and one that politely asks two networks


@dataclass(frozen=True)
class Looked:
    """What came of looking."""
    batches: list
    silent: dict                             # host → why its agent brought nothing
    vantage: str                             # what became of the network vantage, in words
    directory: str                           # who asked the directory, or why nobody did
    seconds: float


def look(hosts, window, folder, without=()):
    """All agents at the same time; their batches come to `folder`."""
    began = time.monotonic()
    agent = rig.binary("GROMA_AGENT_BIN", "groma-agent")
    watched = [host for host in hosts.values() if host.agent and host.name not in without]
    targets = network_options(agent)
    asking, directory = directory_options(watched, hosts, agent)
    done = rig.on_all(watched, lambda host: one(host, agent, window, folder, targets + asking))
    batches = sorted(batch for batch in folder.glob("*.batch"))
    silent = {name: why for name, why in done.items() if why}
    return Looked(batches, silent, vantage(hosts, targets, silent), directory, time.monotonic() - began)


def one(host, agent, window, folder, abroad):
    """One look; returns why there is no batch, or nothing. Only the vantage asks others: `abroad`."""
    inner = f"{rig.INSIDE}/{host.name}.batch"
    options = abroad if host.name == VANTAGE else []
    prepare = ["sh", "-c", 'mkdir -p "$1" && shift && exec "$@"', "sh", rig.INSIDE]
    command = [*prepare, "/run/lab/bin/groma-agent", "look", "--for", f"{window}s", *options, "--out", inner]
    spare = ABROAD_SECONDS if options else SPARE_SECONDS
    done = rig.inside(host, command, window + spare, [(agent.parent, "/run/lab/bin")])
    rig.write(folder / f"{host.name}.log", f"exit {done.code}, {done.seconds:.1f} s\n{done.out}{done.err}")
    found = host.root / inner.lstrip("/")
    if not found.is_file():
        return done.last_words()
    shutil.copyfile(found, folder / f"{host.name}.batch")
    found.unlink()
    return None


def network_options(agent):
    """The options of a network vantage, if this agent has any."""
    if "--target" not in rig.run([agent, "look", "--help"], 20).out:
        return []
    return [word for network in NETWORKS for word in ("--target", network)]


def directory_options(watched, hosts, agent):
    """One vantage asks the directory, and never every agent."""
    asker = next((host for host in watched if host.name == VANTAGE), None)
    return access.options(asker, hosts, agent) if asker else ([], f"not asked: {VANTAGE} is not up")


def vantage(hosts, targets, silent):
    if not targets:
        return "not available: the agent has no --target"
    if VANTAGE not in hosts:
        return f"not available: {VANTAGE} is not up"
    return f"failed: {silent[VANTAGE]}" if VANTAGE in silent else f"{VANTAGE}, --target {' '.join(NETWORKS)}"


@dataclass(frozen=True)
class Concluded:
    """What the collector made of it."""
    inventory: object
    texts: list
    seconds: float


def conclude(batches, folder, declared=()):
    """Import, export and report into `folder`; the texts are everything that left a host or is shown to people."""
    began = time.monotonic()
    data = folder / "data"
    must(["import", "--data", data, *batches, *declared])
    inventory, texts = folder / "inventory.json", [folder / "report.html", folder / "report.md"]
    must(["export", "--data", data, "--format", "json", "--out", inventory])
    must(["report", "--data", data, "--format", "html", "--out", texts[0]])
    must(["report", "--data", data, "--format", "markdown", "--out", texts[1]])
    return Concluded(inventory, texts + [plain(batch) for batch in batches] + said_by_agents(batches), time.monotonic() - began)


def said_by_agents(batches):
    """What the agents printed beside their batches."""
    return [log for log in (batch.with_suffix(".log") for batch in batches) if log.exists()]


def must(words, codes=(0,)):
    """Runs groma; anything but these exit codes is trouble."""
    done = rig.run([rig.binary("GROMA_BIN", "groma"), *words], 300, nice=True)
    if done.code not in codes:
        raise rig.Trouble(f"groma {words[0]}: exit code {done.code}: {done.last_words()}")
    return done


def plain(batch):
    """The batch as text, as a security officer reads it."""
    text = batch.with_suffix(".jsonl")
    done = rig.run(["zstd", "-q", "-d", "-f", batch, "-o", text], 60)
    if done.code:
        raise rig.Trouble(f"zstd cannot read {batch.name}: {done.last_words()}")
    return text


def built():
    """When the programs were linked: they may be older than the commit."""
    programs = (rig.binary("GROMA_BIN", "groma"), rig.binary("GROMA_AGENT_BIN", "groma-agent"))
    return ", ".join(f"{one.name} of {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(one.stat().st_mtime))}" for one in programs)


def version():
    return rig.run([rig.binary("GROMA_BIN", "groma"), "--version"], 20).out.split()[-1]
