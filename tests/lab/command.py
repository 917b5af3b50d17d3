"""What was typed, and what it means."""
import argparse
import os
import subprocess
import sys

import estate
import image
import lifecycle
import live
import truth
from trouble import Trouble


def run(arguments):
    """Runs one command and returns its exit code: 0 done, 1 it did not work, 2 wrong usage."""
    os.umask(0o022)      # what hosts see must not depend on who brought them up
    try:
        if arguments[:1] == ["score"]:
            return run_score(arguments[1:])
        typed = parser().parse_args(arguments)
        return typed.meaning(typed) or 0
    except Trouble as trouble:
        print(f"lab: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # whoever read us has seen enough
        return 1
    except OSError as error:
        print(f"lab: {in_plain_words(error)}", file=sys.stderr)
        return 1


def in_plain_words(error):
    if error.errno == 28:
        return f"the disk is full ({error.filename or 'writing'}); GROMA_LAB_CACHE chooses another place"
    return str(error)


def parser():
    top = argparse.ArgumentParser(prog="lab", description="An estate of real daemons, with its truth.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(name, meaning, text):
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(meaning=meaning)
        return one

    images = add("images", build_images, "build what the hosts run from, and say what it costs")
    images.add_argument("--role", action="append", metavar="NAME", help="only this role (may be repeated)")
    images.add_argument("--prune", action="store_true", help="remove images no entry of images.toml asks for any more")
    up = add("up", bring_up, "bring the estate up; returns when every host is ready")
    up.add_argument("--slice", action="store_true", help="only the hosts of the fast slice")
    up.add_argument("--only", metavar="A,B", help="only these hosts")
    up.add_argument("--keep", action="store_true", help="leave everything standing when something fails, to look at it")
    add("down", take_down, "take everything down, whatever state it is in")
    status = add("status", show_status, "what is up")
    status.add_argument("--json", action="store_true")
    enter = add("enter", enter_host, "run a command inside a host, or a shell")
    enter.add_argument("host")
    enter.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    held = add("check", check, "whether hosts and truth fit together; needs no rights and no lab")
    held.add_argument("--live", action="store_true", help="hold the truth against the lab that is up (needs root)")
    add("score", run_score, "the scoreboard; its own words follow")
    return top


def needs_root():
    if os.geteuid() != 0:
        raise Trouble("this needs root: it makes namespaces and mounts (lab check and lab status do not)")


def build_images(typed):
    needs_root()
    image.build(typed.role or image.roles(), say=print)
    if typed.prune:
        image.prune(say=print)


def bring_up(typed):
    needs_root()
    everything = estate.read()
    if typed.slice:
        chosen = {name: host for name, host in everything.items() if host.slice}
    elif typed.only:
        chosen = estate.only(everything, typed.only.split(","))
    else:
        chosen = everything
    if not chosen:
        raise Trouble("there is no host to bring up")
    return lifecycle.up(chosen, whole=len(chosen) == len(everything), keep=typed.keep)


def take_down(_typed):
    needs_root()
    return lifecycle.down()


def show_status(typed):
    return lifecycle.status(typed.json)


def enter_host(typed):
    needs_root()
    return lifecycle.enter(typed.host, typed.words)


def check(typed):
    if typed.live:
        needs_root()
        return live.check(estate.HERE)
    return truth.check()


def run_score(words):
    """The scoreboard is a program of its own; it finds the lab through `lab status --json`."""
    return subprocess.call([sys.executable, str(estate.HERE / "score" / "score"), *words])
