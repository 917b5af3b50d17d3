"""What is known about a running lab, and which processes are its own. Everything is under /run, gone after a reboot."""
import fcntl
import json
import os
import re
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import image
from trouble import Trouble

NAME = os.environ.get("GROMA_LAB_NAME", "main")
PREFIX = f"groma-lab-{NAME}-"
ROOT = Path("/run/groma-lab")
STATE = ROOT / NAME
LAB = STATE / "lab.json"
LOGS = STATE / "log"
SHARED = STATE / "shared"
SCRATCH = image.CACHE / "running" / NAME
LOCK = ROOT / f"{NAME}.lock"


def check_name():
    if not re.fullmatch(r"[a-z0-9]{1,16}", NAME):
        raise Trouble(f"GROMA_LAB_NAME={NAME!r}: only small letters and digits, at most 16")


@contextmanager
def alone(otherwise):
    """Holds the lab for one command at a time. `otherwise` is called when another command has it, until it is free."""
    check_name()
    while not (file := lock()):
        otherwise()
    with file:
        try:
            yield
        finally:
            if not STATE.exists():
                LOCK.unlink(missing_ok=True)
                empty(ROOT)


def lock():
    """The lock file, held; or nothing when somebody else holds it, or removed it meanwhile."""
    ROOT.mkdir(mode=0o755, exist_ok=True)
    file = open(LOCK, "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(LOCK).st_ino == os.fstat(file.fileno()).st_ino:
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "born": born(os.getpid())}))
            file.flush()
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None


def holder():
    """The process that has the lab to itself."""
    try:
        return json.loads(LOCK.read_text())
    except (OSError, ValueError):
        return {}


def empty(folder):
    """Removes a folder that holds nothing any more."""
    try:
        folder.rmdir()
    except OSError:
        pass


def begin(selection):
    for folder in (STATE, LOGS, SHARED, STATE / "host"):
        folder.mkdir(mode=0o755, exist_ok=True)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    save({"state": "starting", "pid": os.getpid(), "born": born(os.getpid()), "selection": selection})


def save(lab):
    write(LAB, lab)


def load():
    """What the last `up` wrote, or nothing."""
    try:
        return json.loads(LAB.read_text())
    except (OSError, ValueError):
        return {}


def save_host(name, facts):
    write(STATE / "host" / f"{name}.json", facts)


def load_hosts():
    found = {}
    for file in sorted((STATE / "host").glob("*.json")):
        try:
            found[file.stem] = json.loads(file.read_text())
        except (OSError, ValueError):
            pass
    return found


def write(path, value):
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value, indent=1))
    os.replace(new, path)


def born(pid):
    """When a process began, in clock ticks since boot: with its number it is that process and no later one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return None if fields[0] in "ZX" else int(fields[19])


def alive(facts):
    return bool(facts) and facts.get("pid") is not None and born(facts["pid"]) == facts.get("born")


def end(facts, number=signal.SIGKILL):
    """Signals a process only if it is still the one that was written down."""
    if alive(facts):
        try:
            os.kill(facts["pid"], number)
        except ProcessLookupError:
            pass


def wait_until(done, seconds, step=0.05):
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(step)
    return True


def tail(log, lines=15):
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "  (it wrote nothing)"
    return "\n".join("  " + line for line in text.splitlines()[-lines:]) or "  (it wrote nothing)"


def forget():
    """Removes what the lab had on disk and in /run; everything of it must have ended before."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    shutil.rmtree(STATE, ignore_errors=True)
    empty(SCRATCH.parent)
