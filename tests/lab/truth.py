"""The truth as it is written down, and whether hosts and truth fit together. Needs no rights and no running lab."""
import ipaddress
import re
import tomllib
from collections import Counter

import estate
import image
from trouble import Trouble

PRODUCT = estate.HERE.parent.parent
REGISTRY = PRODUCT / "crates/model/registry/kinds.toml"
WITNESSES = {"live", "history", "written", "network", "declared"}
REACHED = {"name", "alias", "address-literal", "hosts-file", "broadcast"}
TRANSPORTS = {"tcp", "udp", "icmp"}
AT_LEAST = {"dependencies": 120, "hidden": 50, "decoys": 30}
SLICE_AT_MOST = 8
DEPENDENCY = {"why", "consumer", "consumers", "component", "provider", "port", "transport", "kind", "known_by", "hidden",
              "reached_by", "where"}
ONWARD = {"why", "consumer", "consumers", "through", "provider", "port", "transport", "kind", "where"}
DECOY = {"why", "consumer", "consumers", "provider", "port", "transport", "kind", "where", "component"}
SCRIPTS = ("start", "once", "age", "traffic")
LAB_NAMES = re.compile(rb"(?i)kontor|\b10\.61\.[12]\.\d|fd61:1::")
OF_EVERY_HOST = {"/etc/apt/sources.list", "/etc/hosts", "/etc/hostname", "/etc/passwd", "/etc/group"}
FOLDERS_OF_USR = {"bin", "sbin", "lib", "lib64"}


def check(folder=estate.HERE):
    """Prints every problem, then the counts; 0 when there is none."""
    hosts = estate.read(folder / "hosts")
    dependencies, decoys = read(folder)
    problems = host_problems(hosts) + truth_problems(hosts, dependencies, decoys) + product_problems(PRODUCT)
    problems += onward_problems(hosts, read_onward(folder), dependencies)
    counts = count(dependencies, decoys)
    problems += [f"{counts[what]} {what}, at least {least} are wanted" for what, least in AT_LEAST.items() if counts[what] < least]
    for problem in problems:
        print(problem)
    report(hosts, dependencies, decoys, counts)
    print(f"{len(problems)} problems" if problems else "hosts and truth fit together")
    return 1 if problems else 0


def read(folder):
    """Every dependency (one entry per consumer) and every decoy, each with the file it stands in."""
    dependencies, decoys = [], []
    for file in sorted(folder.glob("expected*.toml")):
        try:
            written = tomllib.loads(file.read_text())
        except tomllib.TOMLDecodeError as error:
            raise Trouble(f"{file.name}: {error}") from error
        dependencies += [one for entry in written.get("dependency", []) for one in spread(entry, file.name)]
        decoys += [one for entry in written.get("decoy", []) for one in spread(entry, file.name)]
    return dependencies, decoys


def read_onward(folder):
    """Every need through what stands between, one entry per consumer."""
    return [one for file in sorted(folder.glob("expected*.toml"))
            for entry in tomllib.loads(file.read_text()).get("onward", []) for one in spread(entry, file.name)]


def spread(entry, file):
    consumers = entry.get("consumers") or [entry.get("consumer")]
    return [{**entry, "consumer": consumer, "file": file} for consumer in consumers]


def count(dependencies, decoys):
    return {"dependencies": len(dependencies), "hidden": sum(1 for one in dependencies if one.get("hidden")), "decoys": len(decoys)}


def report(hosts, dependencies, decoys, counts):
    print(f"{len(hosts)} hosts, {counts['dependencies']} dependencies, {counts['hidden']} of them hidden, {counts['decoys']} decoys")
    print("  by file:   " + tally(one["file"] for one in dependencies))
    print("  by kind:   " + tally(one.get("kind") for one in dependencies))
    print("  by reason: " + tally(word for one in dependencies for word in one.get("hidden", [])))
    silent = sorted(set(hosts) - {one["consumer"] for one in dependencies})
    if silent and dependencies:
        print("  hosts that need nobody: " + " ".join(silent))


def tally(words):
    return ", ".join(f"{word} {number}" for word, number in Counter(words).most_common()) or "none"


# ---- hosts -----------------------------------------------------------------------------------------------------------

def host_problems(hosts):
    problems = [problem for host in hosts.values() for problem in one_host(host, hosts)]
    problems += twice("address", [(value, host.name) for host in hosts.values() for leg in host.legs
                                  for value in (leg.address, leg.address6) if value])
    problems += twice("MAC", [(leg.mac.lower(), host.name) for host in hosts.values() for leg in host.legs])
    ring = estate.circle(hosts)
    if ring:
        problems.append(f"hosts wait for each other: {' after '.join(ring)}")
    chosen = [host.name for host in hosts.values() if host.slice]
    if len(chosen) > SLICE_AT_MOST:
        problems.append(f"the slice has {len(chosen)} hosts, at most {SLICE_AT_MOST}: {' '.join(chosen)}")
    return problems + image_problems()


def one_host(host, hosts):
    name = f"hosts/{host.name}"
    if len(host.why.split()) < 4:
        yield f"{name}: why says too little"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,11}", host.name) or host.name.startswith("switch-"):
        yield f"{name}: a name has at most 12 small letters, digits and hyphens"
    if host.role not in image.roles():
        yield f"{name}: images.toml has no role {host.role}"
    for earlier in host.after:
        if earlier not in hosts:
            yield f"{name}: after names {earlier}, which is no host"
    for script in SCRIPTS:
        if host.has(script) and not (host.folder / script).stat().st_mode & 0o100:
            yield f"{name}/{script} is not executable"
    for place in FOLDERS_OF_USR:
        if (host.folder / "files" / place).exists():
            yield f"{name}/files/{place}: in Debian that is a link; use files/usr/{place}"


def twice(what, pairs):
    owners = {}
    for value, name in pairs:
        owners.setdefault(value, []).append(name)
    return [f"{what} {value} belongs to {' and '.join(names)}" for value, names in owners.items() if len(names) > 1]


def image_problems():
    images = image.written()
    entries = {"base": images["base"], **{f"role.{name}": entry for name, entry in images["role"].items()}}
    return [f"images.toml: {name} is not sorted, or names a package twice"
            for name, entry in entries.items() if entry["packages"] != sorted(set(entry["packages"]))]


# ---- truth -----------------------------------------------------------------------------------------------------------

def truth_problems(hosts, dependencies, decoys):
    words = registry()
    addresses = {value: host.name for host in hosts.values() for leg in host.legs for value in (leg.address, leg.address6) if value}
    problems = [f"{said(one)}: {text}" for one in dependencies for text in one_dependency(one, hosts, addresses, words)]
    problems += [f"{said(one)}: {text}" for one in decoys for text in one_decoy(one, hosts, words)]
    keys = Counter(key(one) for one in dependencies)
    problems += [f"stands {number} times: {' '.join(str(part) for part in parts if part)}" for parts, number in keys.items() if number > 1]
    return problems + contradictions(dependencies, decoys, addresses)


def onward_problems(hosts, onward, dependencies):
    """What follows through a relay has both its parts: somebody needs the relay, and the relay's host says whom it hands on to."""
    words = registry()
    needs = {(one["consumer"], one.get("provider")) for one in dependencies}
    problems = [f"{said(one)}: {text}" for one in onward for text in one_onward(one, hosts, words)]
    for one in onward:
        through, consumer = one.get("through"), one["consumer"]
        if through != consumer and (consumer, through) not in needs:
            problems.append(f"{said(one)}: {consumer} does not need {through} in the first place")
        if not str(one.get("where", "")).startswith(f"{through}:"):
            problems.append(f"{said(one)}: where is not the configuration of {through}")
    return problems


def one_onward(one, hosts, words):
    yield from either(one, hosts, ONWARD)
    for word in ("through", "provider"):
        if one.get(word) not in hosts:
            yield f"{word} {one.get(word)} is no host"
    if "port" not in one:
        yield "port is missing"
    if one.get("kind") not in words["dependency"]:
        yield f"the registry has no kind {one.get('kind')}"


def registry():
    written = tomllib.loads(REGISTRY.read_text())
    return {what: {one["name"] for one in written[what]} for what in ("dependency", "hidden")}


def said(one):
    return f"{one['file']}: {one.get('consumer')} → {one.get('provider')} {one.get('kind', '')} {one.get('port', '')}".rstrip()


def key(one):
    return (one["consumer"], one.get("component"), one.get("provider"), one.get("port"), one.get("transport", "tcp"), one.get("kind"))


def one_dependency(one, hosts, addresses, words):
    yield from either(one, hosts, DEPENDENCY)
    provider = str(one.get("provider", ""))
    if provider == one["consumer"]:
        yield "a host's need of itself does not count"
    if provider in addresses:
        yield f"the provider is the host {addresses[provider]}: write its name"
    elif provider not in hosts and not is_full(provider):
        yield "the provider is no host, and neither an address nor a full name"
    if is_full(provider) and provider.removesuffix("." + estate.DOMAIN) in hosts:
        yield "the provider is a host: write its short name"
    if one.get("kind") not in words["dependency"]:
        yield f"the registry has no kind {one.get('kind')}"
    yield from (f"the registry has no reason {word}" for word in one.get("hidden", []) if word not in words["hidden"])
    yield from (f"known_by {word} is no witness" for word in one.get("known_by", []) if word not in WITNESSES)
    if not one.get("known_by"):
        yield "known_by is missing: what nothing can know is no truth to be judged by"
    if "hidden" not in one:
        yield "hidden is missing (an empty list says: a standard inventory shows it)"
    if one.get("reached_by", "name") not in REACHED:
        yield f"reached_by {one['reached_by']} is not one of {', '.join(sorted(REACHED))}"


def one_decoy(one, hosts, words):
    yield from either(one, hosts, DECOY)
    if not one.get("provider"):
        yield "the provider is missing"
    if one.get("kind") and one["kind"] not in words["dependency"]:
        yield f"the registry has no kind {one['kind']}"


def either(one, hosts, allowed):
    """What dependencies and decoys have in common."""
    unknown = set(one) - allowed - {"file"}
    if unknown:
        yield f"unknown: {', '.join(sorted(unknown))}"
    if not one.get("why"):
        yield "why is missing"
    if one.get("consumer") not in hosts:
        yield "the consumer is no host"
    if one.get("transport", "tcp") not in TRANSPORTS:
        yield f"transport {one['transport']}"
    if not 0 < one.get("port", 1) < 65536:
        yield f"port {one['port']}"
    if not one.get("where"):
        yield "where is missing"
    elif one["where"] != "wire":
        yield from place_problems(one["where"], hosts)


def is_full(name):
    """An address, or a name with a dot."""
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_-]+)+", name) is not None


def place_problems(where, hosts):
    """`host:/path` or `host:/path:line`: the file must be one of the host's own, or its scripts must make it."""
    name, _, path = where.partition(":")
    path = re.sub(r":\d+(-\d+)?$", "", path)
    if name not in hosts:
        return [f"where names {name}, which is no host"]
    if not path.startswith("/"):
        return [f"where {where} is not host:/path"]
    if path in OF_EVERY_HOST or (hosts[name].folder / "files" / path.lstrip("/")).exists() or made_by_scripts(hosts[name], path):
        return []
    return [f"where {where}: hosts/{name} has no such file and no script of it mentions it"]


def made_by_scripts(host, path):
    """Whether a script or a file of the host names it, also as the log it was rotated from."""
    stem = re.sub(r"(\.\d+|-\d{8})?(\.gz|\.xz|\.bz2)?$", "", path)
    wanted = {path, stem, path.rsplit("/", 1)[1], stem.rsplit("/", 1)[1]} - {""}
    return any(word in text for text in own_texts(host) for word in wanted)


def own_texts(host):
    places = [host.folder / script for script in SCRIPTS] + sorted((host.folder / "files").rglob("*"))
    return [place.read_text(errors="replace") for place in places if place.is_file() and not place.is_symlink()]


def contradictions(dependencies, decoys, addresses):
    """A decoy must not be somebody's real need: same ends, and the same port where both name one."""
    problems = []
    for decoy in decoys:
        provider = addresses.get(str(decoy.get("provider")), decoy.get("provider"))
        for one in dependencies:
            same_ends = (one["consumer"], one.get("provider")) == (decoy["consumer"], provider)
            same_rest = all(decoy.get(word) in (None, one.get(word)) for word in ("port", "kind"))
            if same_ends and same_rest:
                problems.append(f"{said(decoy)}: is a decoy, but {one['file']} says it is needed ({one.get('why', '')})")
    return problems


# ---- the product -----------------------------------------------------------------------------------------------------

def product_problems(root):
    """Nothing of the product may know the lab."""
    problems = []
    for part in ("crates", "agent", "collector"):
        for place in sorted((root / part).rglob("*")):
            if place.is_file() and "/target/" not in str(place) and LAB_NAMES.search(place.read_bytes()):
                problems.append(f"{place.relative_to(root)} names the lab's estate")
    return problems
