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
    ("http", "federation"),                                                     # a logon decided elsewhere is spoken over http
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
    """Holds `answers` against the truth: an answer stands for one key of the truth at most, and marks what it knows.

    A key is a provider, a port and a kind: what two files of one machine say of it may be one answer or two. What is
    said of a right provider beyond the keys that stand there is doubled if it says one of them again, else invented.
    """
    keys = list(dict.fromkeys(key_of(need) for need in needs))
    given = matched(keys, answers)
    answered = {keys[at] for at in given.values()}
    for one in given:
        answers[one].known = True
    found = [need for need in needs if key_of(need) in answered]
    left = [one for one in answers if not one.known]
    for one in left:
        one.known = any(answers_key(key, one) for key in keys)
    near, missed = [], []
    # One wrong answer is nearly right for one key: the same words do not excuse it twice.
    nearly = {}
    for key in (key for key in keys if key not in answered):
        close = next((one for one in left if not one.known and is_called(key[0], one.names)), None)
        if close:
            close.known = True
            nearly[key] = close
    for need in needs:
        key = key_of(need)
        if key in nearly:
            near.append((need, nearly[key]))
        elif key not in answered:
            missed.append(need)
    invented = [one for one in answers if not one.known]
    taken = [(one, decoy) for one in invented for decoy in decoys if decoy.name in one.names]
    return Judgement(found, near, missed, invented, taken, len(answers))


def key_of(need):
    return need.provider, need.port, need.kind


def answers_key(key, answer):
    provider, port, kind = key
    fits = (port is None or port == answer.port) and (kind == answer.kind or (kind, answer.kind) in OVERLAPPING_KINDS)
    return fits and is_called(provider, answer.names)


def matched(keys, answers):
    """Answer → key, one to one and as many as possible (augmenting paths)."""
    taken = {}

    def settle(at, tried):
        for one, answer in enumerate(answers):
            if one in tried or not answers_key(keys[at], answer):
                continue
            tried.add(one)
            if one not in taken or settle(taken[one], tried):
                taken[one] = at
                return True
        return False

    for at in range(len(keys)):
        settle(at, set())
    return taken


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
