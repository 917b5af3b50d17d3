"""The estate as it is written down: sites and hosts."""
import ipaddress
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from trouble import Trouble

HERE = Path(__file__).resolve().parent
HOSTS = Path(os.environ.get("GROMA_LAB_HOSTS", HERE / "hosts"))      # the lifecycle test brings its own
DOMAIN = "kontor.example"


@dataclass(frozen=True)
class Site:
    """One switch. `gateway` is where its hosts send what is not for their own network."""
    network: str
    gateway: str
    network6: str
    gateway6: str


SITES = {
    "hq": Site("10.61.1.0/24", "10.61.1.1", "fd61:1::/64", "fd61:1::1"),
    "branch": Site("10.61.2.0/24", "10.61.2.1", "fd61:2::/64", "fd61:2::1"),
}


@dataclass(frozen=True)
class Leg:
    """One network card: the first of a host is eth0."""
    site: str
    address: str
    address6: str | None
    mac: str


@dataclass(frozen=True)
class Host:
    name: str
    why: str
    role: str
    legs: tuple
    agent: bool = True
    slice: bool = False
    forward: bool = False
    ready: tuple = ()
    after: tuple = ()
    folder: Path = field(default=HOSTS, compare=False)

    @property
    def address(self):
        return self.legs[0].address

    @property
    def site(self):
        return self.legs[0].site

    def has(self, script):
        return (self.folder / script).exists()


WORDS = {"why", "site", "address", "address6", "mac", "role", "agent", "slice", "ready", "after", "legs", "forward"}


def read(folder=None):
    """Every host by its name, in order of names."""
    folder = folder or HOSTS
    places = sorted(place.parent for place in folder.glob("*/host.toml"))
    return {place.name: read_host(place) for place in places}


def read_host(place):
    try:
        written = tomllib.loads((place / "host.toml").read_text())
        return host_of(place.name, written, place)
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise Trouble(f"hosts/{place.name}/host.toml: {in_words(error)}") from error


def in_words(error):
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def host_of(name, written, place):
    unknown = set(written) - WORDS
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    legs = tuple(leg_of(one) for one in written.get("legs", [written]))
    return Host(
        name=name, why=written["why"], role=written["role"], legs=legs, folder=place,
        agent=written.get("agent", True), slice=written.get("slice", False), forward=written.get("forward", False),
        ready=tuple(ready_of(one) for one in written.get("ready", [])), after=tuple(written.get("after", [])),
    )


def leg_of(written):
    site = written["site"]
    if site not in SITES:
        raise ValueError(f"site {site} is not one of {', '.join(SITES)}")
    address = ipaddress.ip_address(written["address"])
    if address not in ipaddress.ip_network(SITES[site].network):
        raise ValueError(f"{address} is not in {site} ({SITES[site].network})")
    address6 = written.get("address6")
    if address6 and ipaddress.ip_address(address6) not in ipaddress.ip_network(SITES[site].network6):
        raise ValueError(f"{address6} is not in {site} ({SITES[site].network6})")
    return Leg(site, str(address), address6, written.get("mac") or mac_of(address))


def mac_of(address):
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in address.packed[1:])


def ready_of(written):
    """`tcp 389`, `udp 53` or `file /run/thing`, as a pair."""
    what, _, which = written.partition(" ")
    if what not in ("tcp", "udp", "file") or not which:
        raise ValueError(f"ready: {written!r} is neither tcp PORT, udp PORT nor file PATH")
    return (what, which if what == "file" else int(which))


def only(hosts, names):
    unknown = [name for name in names if name not in hosts]
    if unknown:
        raise Trouble(f"no such host: {', '.join(unknown)} (known: {', '.join(hosts) or 'none'})")
    return {name: hosts[name] for name in hosts if name in names}


def circle(hosts):
    """Hosts that wait for each other for ever, in order; empty when there are none."""
    done, path = set(), []

    def walk(name):
        if name in done or name not in hosts:
            return []
        if name in path:
            return path[path.index(name):] + [name]
        path.append(name)
        found = next((ring for ring in map(walk, hosts[name].after) if ring), [])
        path.pop()
        done.add(name)
        return found

    return next((ring for ring in map(walk, hosts) if ring), [])


def most_awaited_first(hosts):
    """The order to begin in: whoever most others wait for, directly or through others, comes first."""
    def waits_for(name, seen):
        for earlier in hosts[name].after:
            if earlier in hosts and earlier not in seen:
                seen.add(earlier)
                waits_for(earlier, seen)
        return seen

    awaited = [earlier for name in hosts for earlier in waits_for(name, set())]
    return sorted(hosts, key=lambda name: (-awaited.count(name), name))
