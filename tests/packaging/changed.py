#!/usr/bin/env python3
"""What stands in the upper layer of an overlay and differs from what lies below it.

usage: changed.py LOWER UPPER [--but PATH-PREFIX]…

Whatever was touched was copied up, so what is equal above and below was put back: kind, mode, owner, content, attributes.
Prints one line for each difference and ends with 1 if there is one. Times are not compared: a folder remembers that
something came and went.
"""
import hashlib
import os
import stat
import sys


def attributes(path):
    names = [name for name in os.listxattr(path, follow_symlinks=False) if not name.startswith("trusted.overlay.")]
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}


def looks(path):
    """Everything of an entry that a package could have changed."""
    met = os.lstat(path)
    about = [stat.S_IFMT(met.st_mode), stat.S_IMODE(met.st_mode), met.st_uid, met.st_gid, attributes(path)]
    if stat.S_ISREG(met.st_mode):
        with open(path, "rb") as file:
            about.append(hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest())
    elif stat.S_ISLNK(met.st_mode):
        about.append(os.readlink(path))
    return about


def is_gone(path):
    met = os.lstat(path)
    return stat.S_ISCHR(met.st_mode) and met.st_rdev == 0


def differences(lower, upper, but):
    for folder, folders, files in os.walk(upper):
        for name in sorted(folders + files):
            above = os.path.join(folder, name)
            place = "/" + os.path.relpath(above, upper)
            if any(place == one or place.startswith(one.rstrip("/") + "/") for one in but):
                continue
            below = os.path.join(lower, place.lstrip("/"))
            there = os.path.lexists(below)
            if is_gone(above):
                if there:
                    yield "removed", place
            elif not there:
                yield "added", place
            elif looks(above) != looks(below):
                yield "changed", place
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]


def main():
    words = sys.argv[1:]
    but = [words[at + 1] for at, word in enumerate(words) if word == "--but"]
    lower, upper = words[:2]
    found = list(differences(lower, upper, but))
    for what, place in found:
        print(what, place)
    return 1 if found else 0


sys.exit(main())
