#!/usr/bin/env python3
"""Holds what two builds of the config scan find against each other: a change for speed must not change a fact.

usage: samefacts.py OLD NEW [TREE]…     (default: /etc, /usr/share, /usr/lib/systemd, and the two trees of `survey.py scan`)

OLD and NEW are the example configscan of crates/source-config, built before and after. Of each tree every reference and gap
that is printed is compared, as a first look tells it, as a look tells it that keeps it, and as the next one remembers it."""
import subprocess
import sys
import tempfile

import gb

if len(sys.argv) < 3:
    sys.exit(__doc__)
old, new = sys.argv[1:3]
trees = sys.argv[3:] or ["/etc", "/usr/share", "/usr/lib/systemd", gb.conf_tree(10000), gb.conf_tree(10000, 100)]


def told(program, tree, memory=None):
    """What a look prints, line by line, in its order."""
    words = [program, *(["--memory", memory] if memory else []), tree]
    return subprocess.run(words, capture_output=True, check=True).stdout.split(b"\n")


def differences(one, other):
    """Lines only one of them has; one mark where they differ in their order alone."""
    here, there = set(one), set(other)
    only = [b"- " + line for line in one if line not in there] + [b"+ " + line for line in other if line not in here]
    return only or ([b"another order or number"] if one != other else [])


is_same = True
for tree in trees:
    with tempfile.TemporaryDirectory() as folder:
        before = told(old, tree)
        looks = {"first": told(new, tree), "kept": told(new, tree, folder + "/memory"), "remembered": told(new, tree, folder + "/memory")}
    print(f"{tree}: {len(before) - 1} lines")
    for name, look in looks.items():
        found = differences(before, look)
        is_same &= not found
        for line in found[:5]:
            print(f"  {name}: {line.decode(errors='replace')}")
sys.exit(0 if is_same else "what is found has changed")
