"""The truth of a host, what an inventory says of it, and how the two are held against each other. Pure: no process, no clock."""
import tomllib
from collections import Counter
from dataclasses import dataclass, field

# Kinds between which the strangers' README draws no line: (in the truth, as said).
OVERLAPPING_KINDS = {
    ("backup", "ssh"), ("ssh", "backup"),                                       # a backup over ssh
    ("syslog", "nosql"), ("syslog", "http"),                                    # beats, gelf, loki, seq
    ("monitoring", "nosql"), ("nosql", "monitoring"),                           # influx, graphite, pushgateway
    ("smb", "print"), ("print", "smb"),                                         # a printer shared over smb
    ("cluster", "sql"), ("sql", "cluster"), ("cluster", "nosql"), ("nosql", "cluster"),  # replicas
    ("http", "package-mirror"), ("package-mirror", "http"),
    ("smtp-relay", "smtp-submission"), ("smtp-submission", "smtp-relay"),       # the port says which
}


@dataclass(frozen=True)
class Need:
    """One dependency of the truth."""
    provider: str
    port: int | None
    kind: str
    where: str
    product: str
    difficulty: str


@dataclass(frozen=True)
class Decoy:
    """Something written in the files that is no dependency."""
    name: str
    where: str
    why: str


@dataclass
class Said:
    """One dependency as groma says it, and whether the truth knows it."""
    names: frozenset
    port: int | None
    kind: str
    places: list = field(default_factory=list)
    because: str = ""
    known: bool = False


@dataclass
class Judgement:
    """A host's answer, sorted into right, nearly right (the provider alone), missed, invented and decoys taken."""
    found: list
    near: list
    missed: list
    invented: list
    decoys: list
    said: int


def read(text):
    """(needs, decoys) of a truth.toml."""
    written = tomllib.loads(text)
    needs = [
        Need(plain_name(one["provider"]), one.get("port"), one["kind"], one["where"], one["product"], one["difficulty"])
        for one in written.get("dependency", [])
    ]
    decoys = [Decoy(plain_name(str(one["name"])), one["where"], one["why"]) for one in written.get("decoy", [])]
    return needs, decoys


def said(inventory):
    """What an inventory document says the host needs of others."""
    evidence = {one["id"]: one["says"] for one in inventory["evidence"]}
    entities = {one["id"]: one for one in inventory["entities"]}
    return [
        Said(
            names_of(dependency, entities.get(dependency["provider"]["entity"], {})),
            dependency["provider"]["port"],
            dependency["kind"],
            dependency["details"].get("written_in", []),
            next((evidence[one] for one in dependency["evidence"] if one in evidence), ""),
        )
        for dependency in inventory["dependencies"]
        if not dependency["details"].get("local")
    ]


def names_of(dependency, entity):
    """Every name and address under which the provider is known."""
    provider = dependency["provider"]
    names = [provider["name"], *provider["addresses"], *entity.get("names", []), *entity.get("addresses", [])]
    names.append(dependency.get("reached_as") or "")
    for alias in (entity.get("attributes") or {}).get("aliases", []):
        names += [alias["alias"], alias["canonical"]]
    return frozenset(plain_name(str(name)) for name in names if name)


def judge(needs, decoys, answers):
    """Holds `answers` against the truth; marks those that some need knows."""
    found, near, missed = [], [], []
    for need in needs:
        same_provider = [one for one in answers if is_called(need.provider, one.names)]
        right = [one for one in same_provider if answers_need(need, one)]
        for one in same_provider:
            one.known = True
        if right:
            found.append(need)
        elif same_provider:
            near.append((need, same_provider[0]))
        else:
            missed.append(need)
    invented = [one for one in answers if not one.known]
    taken = [(one, decoy) for one in invented for decoy in decoys if decoy.name in one.names]
    return Judgement(found, near, missed, invented, taken, len(answers))


def answers_need(need, answer):
    """True if port and kind are right too; a need without a port asks for none."""
    port = need.port is None or need.port == answer.port
    return port and (need.kind == answer.kind or (need.kind, answer.kind) in OVERLAPPING_KINDS)


def is_called(name, names):
    """True if `name` is one of `names`, a short name standing for its completed one and the other way round."""
    return any(name == one or first_label(one) == name or first_label(name) == one for one in names)


def first_label(name):
    """`db` of `db.corp.example`; an address has no labels."""
    return name if name.replace(".", "").isdigit() or ":" in name else name.split(".")[0]


def plain_name(name):
    return name.lower().rstrip(".")


def totals(judgement, needs, leaks):
    """The figures of one host, ready to be added up."""
    counted = Counter(
        truth=len(needs), found=len(judgement.found), near=len(judgement.near), missed=len(judgement.missed),
        said=judgement.said, invented=len(judgement.invented), decoys=len(judgement.decoys), leaks=leaks,
    )
    for need in needs:
        counted[f"{need.difficulty} truth"] += 1
    for need in judgement.found:
        counted[f"{need.difficulty} found"] += 1
    return counted


def without_scripts(counted):
    """(found, all) of the needs that stand in a product's own files."""
    return tuple(counted[one] - counted[f"script {one}"] for one in ("found", "truth"))


def fallen_below(company, counted, baseline):
    """Sentences: what is worse than the committed baseline."""
    sentences = []
    for figure, least in baseline.get("least", {}).items():
        if counted[figure] < least:
            sentences.append(f"company {company}: {figure} is {counted[figure]}, and was {least}")
    for figure, most in baseline.get("most", {}).items():
        if counted[figure] > most:
            sentences.append(f"company {company}: {figure} is {counted[figure]}, and was {most}")
    return sentences
