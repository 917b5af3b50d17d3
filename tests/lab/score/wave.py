#!/usr/bin/env python3
"""A wave in the lab: look, snapshot, change, look, snapshot, and what `groma diff --wave` says about it, held against the truth.

    tests/lab/score/wave.py [SCENARIO] [--for 30s] [--out DIR] [--keep]

The lab must be up, fresh, and is another one afterwards.
"""
import argparse
import json
import subprocess
import sys
import time
import tomllib
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import looks  # noqa: E402
import names  # noqa: E402
import rig  # noqa: E402
import run  # noqa: E402
import wave_verbs  # noqa: E402

WORDS = ("confirmed", "missing", "moved", "unexpected", "not-seen", "not-due-yet")
CLOSED_SECONDS = 2                           # the window is told in whole seconds: what is used then is of the day after


def main(words):
    one = argparse.ArgumentParser(prog="wave.py", description=__doc__.splitlines()[0])
    one.add_argument("scenario", nargs="?", default="mail-and-directory")
    one.add_argument("--for", dest="window", default="30s", type=run.seconds)
    one.add_argument("--out", type=Path, default=run.place("lab-wave"))
    one.add_argument("--keep", action="store_true", help="also write it into docs/reference/scoreboard.md")
    typed = one.parse_args(words)
    try:
        return wave(typed)
    except rig.Trouble as trouble:
        print(f"wave: {trouble}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        rig.stop_all()
        print("wave: interrupted", file=sys.stderr)
        return 130


def wave(typed):
    scenario = rig.LAB / "scenarios" / typed.scenario
    if not (scenario / "truth.toml").exists():
        raise rig.Trouble(f"there is no scenario {typed.scenario}")
    truth = tomllib.loads((scenario / "truth.toml").read_text())
    hosts, folder = rig.hosts_up(), run.fresh(typed.out.resolve())
    snapshot("before", hosts, typed.window, folder)
    begin = moment()
    play(scenario / "change")
    dated(scenario, folder, begin, moment())
    time.sleep(CLOSED_SECONDS)
    play(scenario / "morning")
    snapshot("after", hosts, typed.window, folder, without=truth["switched_off"])
    outcome = difference(folder)
    before, after = (exported(name, folder) for name in ("before", "after"))
    page = judged(truth, outcome, before, after) + wave_verbs.page(wave_verbs.judged(truth, folder))
    rig.write(folder / "wave.md", page)
    print(page)
    if typed.keep:
        run.keep(wave=page)
    return 0


def snapshot(name, hosts, window, folder, without=()):
    looked = looks.look(hosts, window, run.made(folder / name), without)
    run.say(f"{name}: {len(looked.batches)} agents in {looked.seconds:.0f} s; silent: {', '.join(looked.silent) or 'none'}")
    data = folder / "data"
    looks.must(["import", "--data", data, *looked.batches, *([run.DECLARED] if name == "before" else [])])
    looks.must(["snapshot", "take", f"{name}-w1", "--data", data])


def play(script):
    done = subprocess.run([script], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise rig.Trouble(f"the {script.name} did not work: {done.stderr.strip()}")
    run.say(done.stdout.strip().replace("\n", "; "))


def moment():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def dated(scenario, folder, begin, end):
    """The wave file with the window in which the change was made: what was used before it is of before."""
    lines = (scenario / "wave.toml").read_text().splitlines()
    window = f"window = {{ from = {begin}, to = {end} }}"
    text = "\n".join(window if line.startswith("window = ") else line for line in lines) + "\n"
    rig.write(folder / "wave.toml", text)


def difference(folder):
    words = ["diff", "before-w1", "after-w1", "--wave", folder / "wave.toml", "--data", folder / "data"]
    rig.write(folder / "diff.txt", looks.must(words, (0, 1)).out)
    text = looks.must([*words, "--format", "json"], (0, 1)).out
    rig.write(folder / "diff.json", text)
    return lists_of(json.loads(text))


def lists_of(document):
    """Word → lines, wherever in the document the outcome stands."""
    if "confirmed" not in document:
        document = next(value for value in document.values() if isinstance(value, dict) and "confirmed" in value)
    return {word: document.get(word.replace("-", "_"), []) for word in (*WORDS, "coverage-gaps")}


def exported(name, folder):
    file = folder / f"{name}.json"
    looks.must(["export", "--snapshot", f"{name}-w1", "--format", "json", "--data", folder / "data", "--out", file])
    return json.loads(file.read_text())


# ---- the judgement ---------------------------------------------------------------------------------------------------

def judged(truth, outcome, before, after):
    known = {**needs(before), **needs(after)}
    lines = [Line(word, line, known.get(line.get("dependency"))) for word in WORDS for line in outcome[word]]
    wanted = [one for entry in truth["outcome"] for one in spread(entry)]
    answers = [(one, answer(one, lines, wanted)) for one in wanted]
    spare = [line for line in lines if not any(line.about(one) for one in wanted)]
    gaps = Counter(gap["name"].split(".")[0] for gap in outcome["coverage-gaps"])
    return page(answers, spare, truth, Counter(line.word for line in lines), gaps)


def needs(inventory):
    """Dependency id → consumer, provider, port, kind; machines by the names of the lab."""
    called = names.of_entities(inventory)
    return {one["id"]: (called.get(one["consumer"]["entity"], one["consumer"]["name"]),
                        called.get(one["provider"]["entity"], one["provider"]["name"]),
                        one["provider"]["port"], one["kind"]) for one in inventory["dependencies"]}


class Line:
    """One line of the outcome, and the dependency it is about."""

    def __init__(self, word, line, need):
        self.word, self.says, self.need = word, line["says"], need

    def about(self, one):
        if "says" in one:
            return one["says"] in self.says
        if any(words in self.says for words in one.get("also", ())):
            return True
        if not self.need:
            return self.says.startswith(f"{one['kind']} from {one['consumer']} to {one['provider']}.")
        consumer, provider, port, kind = self.need
        if consumer != one["consumer"] or provider not in (one["provider"], one.get("was")):
            return False
        return kind == one["kind"] and (provider != one["provider"] or one.get("port", port) == port)


def spread(entry):
    consumers = entry.get("consumers") or [entry.get("consumer")]
    return [{**entry, "consumer": consumer} for consumer in consumers]


def answer(one, lines, wanted):
    """`right`, `fair`, the wrong words that were used (also beside the right one), or `silent`."""
    about = [line for line in lines if line.about(one)]
    words = {line.word for line in about}
    # What another outcome of the truth says of the same two machines is no contradiction.
    meant = lambda line: any(line.word in (other["word"], *other.get("fair", ())) and line.about(other) for other in wanted)  # noqa: E731
    beside = sorted({line.word for line in about if not meant(line)} - {one["word"]})
    if one["word"] in words:
        return f"said {', '.join(beside)} beside it" if beside else "right"
    if words & set(one.get("fair", ())):
        return "fair"
    return f"said {', '.join(sorted(words))}" if words else "silent"


def page(answers, spare, truth, said, gaps):
    counts = Counter((one["word"], given if given in ("right", "fair", "silent") else "wrong") for one, given in answers)
    lines = [run.WAVE_TITLE, "", f"- commit: {run.commit()}",
             f"- switched off for the look afterwards: {', '.join(truth['switched_off'])}", "",
             "| the truth | outcomes | right | fair | wrong word | silent | lines in all |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for word in WORDS:
        row = [counts[word, given] for given in ("right", "fair", "wrong", "silent")]
        if sum(row):
            lines.append(f"| {word} | {sum(row)} | {' | '.join(map(str, row))} | {said[word]} |")
    off = set(truth["switched_off"])
    lines.append(f"\nMachines looked at differently: {sum(gaps.values())} told; switched off and told: {len(off & set(gaps))} of {len(off)}")
    for word in ("confirmed", "missing", "moved", "unexpected"):
        lines.append(f"\nLines under \"{word}\" about nothing the truth knows: {sum(line.word == word for line in spare)}")
    wrong = [f"- {title(one)}: {given} — {one['why']}" for one, given in answers if given != "right"]
    lines += ["", "## Of the wave, not right", "", *(wrong or ["Nothing."])]
    noise = [f"- {line.word}: {line.says}" for line in spare]
    lines += ["", "## Of the wave, lines the truth does not know", "", *(noise or ["None."])]
    return "\n".join(lines) + "\n"


def title(one):
    if "says" in one:
        return f"{one['word']}: {one['says']}"
    port = f":{one['port']}" if "port" in one else ""
    return f"{one['word']}: {one['consumer']} needs {one['provider']}{port} for {one['kind']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
