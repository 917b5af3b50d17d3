"""What hosts run from: a base and one layer per role, built once and kept until what they are made of changes."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import estate
from trouble import Trouble

CACHE = Path(os.environ.get("GROMA_LAB_CACHE", "/var/cache/groma-lab")).absolute()
LAYER = estate.HERE / "core" / "layer"
BUILDS_AT_ONCE = 2
FREE_MB_NEEDED = 2000


def written():
    with open(estate.HERE / "images.toml", "rb") as file:
        return tomllib.load(file)


def roles():
    return sorted(written()["role"])


def release():
    """The code name of the Debian this machine runs; an image is made of the same."""
    lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    name = lines.get("VERSION_CODENAME", "").strip('"')
    if lines.get("ID", "").strip('"') != "debian" or not name:
        raise Trouble("images are made from this machine's own Debian release, and this machine is not Debian")
    return name


def key_of(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def base_key(images, codename):
    return key_of(codename, sorted(images["base"]["packages"]), LAYER.read_text())


def role_key(images, codename, role):
    if role not in images["role"]:
        raise Trouble(f"images.toml has no role {role} (known: {', '.join(sorted(images['role']))})")
    entry = images["role"][role]
    return key_of(base_key(images, codename), sorted(entry["packages"]), entry.get("preseed", []))


def layers(role):
    """The folders a host of this role stands on, uppermost first; they need not exist yet."""
    images, codename = written(), release()
    return [place("role-" + role, role_key(images, codename, role)) / "layer", base_place(images, codename) / "layer"]


def check_cache():
    if set(str(CACHE)) & set(":,\\"):
        raise Trouble(f"GROMA_LAB_CACHE={CACHE}: a mount cannot be told a path with a colon, a comma or a backslash")


def base_place(images, codename):
    return place("base", base_key(images, codename))


def place(name, key):
    return CACHE / "images" / f"{name}-{key}"


def missing(wanted):
    return sorted(role for role in set(wanted) if not all(layer.is_dir() for layer in layers(role)))


def build(wanted, say):
    """Builds what is not there yet, the base first, then at most two roles at a time."""
    check_cache()
    images, codename = written(), release()
    wanted = sorted(set(wanted))
    keys = {role: role_key(images, codename, role) for role in wanted}
    (CACHE / "images").mkdir(parents=True, exist_ok=True)
    base = base_place(images, codename)
    if base.is_dir() and all(place("role-" + role, keys[role]).is_dir() for role in wanted):
        say(f"every image is there: base and {len(wanted)} roles, {megabytes(CACHE / 'images')} MB in {CACHE}")
        return
    enough_room()
    install_builder(say)
    began = time.monotonic()
    once(base, ["base", codename], images["base"], say)
    build_roles(wanted, keys, images, base / "layer", say)
    say(f"images: {len(wanted)} roles on one base, {megabytes(CACHE / 'images')} MB in {CACHE}, {time.monotonic() - began:.0f} s")


def build_roles(wanted, keys, images, base, say):
    def one(role):
        once(place("role-" + role, keys[role]), ["role", str(base)], images["role"][role], say)

    with ThreadPoolExecutor(BUILDS_AT_ONCE) as builders:
        jobs = [builders.submit(one, role) for role in wanted]
        troubles = [str(job.exception()) for job in jobs if job.exception()]
    if troubles:
        raise Trouble("\n".join(troubles))


def once(final, recipe, entry, say):
    """Builds one layer beside its final place and moves it there whole; a second builder waits for the first."""
    with held(CACHE / "images" / f"{final.name}.lock"):
        if final.is_dir():
            return
        began = time.monotonic()
        for left in final.parent.glob(f"{final.name}.new*"):
            shutil.rmtree(left)
        new = final.with_name(f"{final.name}.new")
        new.mkdir()
        try:
            make(new, recipe, entry, final.name)
            os.rename(new, final)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        say(f"{final.name.rsplit('-', 1)[0]:24} {time.monotonic() - began:5.0f} s {megabytes(final):6} MB  {len(entry['packages'])} packages named")


def make(new, recipe, entry, name):
    what, below = recipe
    command = [
        "nice", "-n", "10", "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
        "bash", str(LAYER), what, below, str(new), str(CACHE / "archives"), ",".join(sorted(entry["packages"])),
        "\n".join(entry.get("preseed", [])),
    ]
    (CACHE / "archives").mkdir(exist_ok=True)
    log = CACHE / "images" / f"{name}.log"
    with open(log, "wb") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Trouble(f"the image {name} could not be built: {reason(log.read_text(errors='replace'))}\n  (whole log: {log})")
    subprocess.run(["sync", "-f", str(new)], check=True)      # the overlay it was made on did not wait for the disk
    log.unlink()


def reason(log):
    """The lines of a build log that a person needs."""
    if "No space left on device" in log:
        return f"the disk of {CACHE} is full"
    telling = [line for line in log.splitlines() if line.startswith(("E:", "W: Failed")) or "rror" in line]
    return "\n  ".join([""] + (telling or log.splitlines())[-6:])


def install_builder(say):
    if shutil.which("mmdebstrap"):
        return
    say("mmdebstrap is missing: installing it with apt")
    install = ["apt-get", "-q", "-y", "-o", "APT::Install-Recommends=false", "install", "mmdebstrap"]
    done = apt(install)
    if done.returncode:
        apt(["apt-get", "-q", "update"])
        done = apt(install)
    if done.returncode:
        raise Trouble(f"mmdebstrap is missing and could not be installed: {reason(done.stdout + done.stderr)}")


def apt(command):
    return subprocess.run(command, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), capture_output=True, text=True)


def enough_room():
    free = shutil.disk_usage(CACHE).free // 2**20
    if free < FREE_MB_NEEDED:
        raise Trouble(f"the disk of {CACHE} has {free} MB left, images need {FREE_MB_NEEDED}; GROMA_LAB_CACHE chooses another place")


def prune(say):
    """Removes what no entry of images.toml asks for any more, unless it is being built or a lab runs from it."""
    images, codename = written(), release()
    wanted = {base_place(images, codename)} | {place("role-" + role, role_key(images, codename, role)) for role in images["role"]}
    for old in sorted((CACHE / "images").iterdir()):
        ours = old.is_dir() and old.name.startswith(("base-", "role-")) and not old.name.endswith(".new")
        if ours and old not in wanted and not in_use(old):
            shutil.rmtree(old)
            say(f"removed {old.name}")
    for trace in sorted((CACHE / "images").glob("*.lo[cg]*")):
        if not trace.with_suffix("").exists() and not trace.with_suffix(".new").exists():
            trace.unlink()      # the lock or the log of an image that is no more


def in_use(image):
    """Whether a running host stands on it: its path is in that host's mount table."""
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            if str(image) in table.read_text():
                return True
        except OSError:
            pass
    return False


@contextmanager
def held(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def megabytes(folder):
    done = subprocess.run(["du", "-sxm", str(folder)], capture_output=True, text=True)
    return int(done.stdout.split()[0]) if done.stdout else 0
