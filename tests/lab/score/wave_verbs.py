"""What `groma wave check`, `plan`, `residual` and `certify` say about the wave of the lab, held against its truth."""
import json
import re

import looks

VERBS = ("check", "plan", "residual", "certify")
PLACE = re.compile(r" on (.+): it names .* goes with oldmail")


def judged(truth, folder):
    """(verb, question, answer) of all; an answer is `right`, or what was said instead."""
    known = truth["verbs"]
    said = {verb: read(verb, folder) for verb in VERBS}
    yield from check(known, said["check"])
    yield from plan(known, said["plan"], truth["retired"])
    yield from residual(known, said["residual"], truth["retired"])
    yield from certify(known, said["certify"])


def read(verb, folder):
    """The document of a verb. The first two look at the moment before, the others at what is there now."""
    data, wave, out = folder / "data", folder / "wave.toml", folder / f"wave-{verb}.json"
    words = {
        "check": ["check", "--snapshot", "before-w1", "--format", "json", "--out", out, wave],
        "plan": ["plan", "--snapshot", "before-w1", "--format", "json", "--out", out],
        "residual": ["residual", "--before", "before-w1", "--format", "json", "--out", out, wave],
        "certify": ["certify", "--before", "before-w1", "--days", "1", "--out", folder / "certificate", wave],
    }
    looks.must(["wave", *words[verb], "--data", data], (0, 1))
    if verb == "certify":
        out = next((folder / "certificate").glob("*.json"))
    return json.loads(out.read_text())


def check(known, document):
    """Who names the old server in a way that no record changes must be told, and nobody else."""
    followers = [item for item in document["items"] if item["topic"] == "followers"]
    places = [found[1] for item in followers if (found := PLACE.search(item["says"]))]
    told = {machine for place in places for machine in re.split(r", | and ", place)}
    for machine in known["by_address"]:
        yield "check", f"{machine} will not follow the record", "right" if machine in told else "silent"
    for machine in sorted(told - set(known["by_address"])):
        yield "check", f"{machine} follows the record", "said that it will not"
    asked = " ".join(item["says"] for item in followers if item["state"] == "ask" and "find oldmail" in item["says"])
    for machine in known["at_the_panel"]:
        yield "check", f"{machine} is to be asked at its panel", "right" if machine in asked else "silent"
    names = [item for item in document["items"] if item["topic"] == "names" and "time to live" in item["says"]]
    for name in known["records"]:
        heard = any(name in item["says"] for item in names)
        yield "check", f"{name} is remembered for too long", "right" if heard else "silent"


def plan(known, document, retired):
    """The old server goes in one wave, and nobody who cannot live without another goes long before it."""
    waves = [wave for wave in document["waves"] if any(retired == member["name"] for member in wave["members"])]
    yield "plan", f"{retired} goes in one wave", "right" if len(waves) == 1 else f"{len(waves)} waves"
    members = {member["name"] for wave in waves for member in wave["members"]}
    for machine in known["circle"]:
        yield "plan", f"{machine} goes with it: they need each other", "right" if machine in members else "apart"


def residual(known, document, retired):
    """Who called since the window, of those whom the truth knows; the new place is no old one."""
    places = {place["name"].split(".")[0]: place for place in document["places"]}
    callers = {knock["name"].split(".")[0] for knock in places.get(retired, {"knocks": []})["knocks"]}
    for machine in known["still_calls"]:
        yield "residual", f"{machine} still calls {retired}", "right" if machine in callers else "silent"
    for machine in sorted(callers - set(known["still_calls"]) - set(known["may_call"])):
        yield "residual", f"{machine} no longer calls {retired}", "said that it does"
    for place in known["stays"]:
        yield "residual", f"{place} is no old place", "right" if place not in places else "said that it is"


def certify(known, document):
    """Who speaks against it. That it is refused proves nothing: no day has gone by since the window."""
    against = " ".join(document["against"])
    for machine in known["still_calls"]:
        yield "certify", f"{machine} speaks against it", "right" if machine in against else "silent"


def page(answers):
    """The part of the page."""
    answers = list(answers)
    rows = ["", "## The other verbs of the wave", "", "| verb | asked | right |", "| --- | ---: | ---: |"]
    for verb in VERBS:
        given = [answer for of, _, answer in answers if of == verb]
        rows.append(f"| `groma wave {verb}` | {len(given)} | {given.count('right')} |")
    wrong = [f"- {verb}: {question}: {answer}" for verb, question, answer in answers if answer != "right"]
    return "\n".join(rows + ([""] + wrong if wrong else [])) + "\n"
