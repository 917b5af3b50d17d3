"""Control groups as a service manager would have made them: on a real Debian every service says there which unit it is.

No manager runs in the lab, so after its start each host's processes are put where their units would have put them: a process
belongs to the unit whose ExecStart it looks like. `/run/lab/unit NAME COMMAND…` inside a host says it outright.
"""
import os
import re
import shlex
from pathlib import Path

import state

SESSION = "user.slice/user-0.slice/session-1.scope"      # where the lab's own commands inside a host stand
FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system")
INTERPRETERS = re.compile(r"(python|perl|php|ruby|bash|sh|dash|node|java|env)[0-9.]*$")
# Units that start their program by way of another one.
BY_PROGRAM = (
    (re.compile(r".*/postgresql/(\d+)/bin/postgres$"), r"postgresql@\1-main.service"),
    (re.compile(r".*/postfix/sbin/master$"), "postfix@-.service"),
    (re.compile(r".*/chronyd$"), "chrony.service"),
)


def mounted():
    """Where this machine has its unified control groups; nothing when it has none, and then hosts have none."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return Path(fields[1])
    return None


def all_groups():
    top = mounted()
    return top / "groma-lab" / state.NAME if top else None


def make(name):
    """The host's own group, with places for its first process and for the lab's commands; nothing where there are none."""
    top = all_groups()
    if not top:
        return None
    for below in ("init.scope", SESSION):
        (top / name / below).mkdir(parents=True, exist_ok=True)
    return top / name


def joined(group, command):
    """The command, standing in this group from its first moment."""
    return ["sh", "-c", 'echo 0 > "$0/cgroup.procs"; exec "$@"', str(group), *command] if group else command


def session(name):
    top = all_groups()
    return top / name / SESSION if top and (top / name).is_dir() else None


def clear():
    """Removes the groups of this lab; their processes have ended."""
    top = all_groups()
    if not top or not top.exists():
        return
    for folder, _, _ in os.walk(top, topdown=False):
        state.empty(Path(folder))
    state.empty(top.parent)


def assign(name, init):
    """Puts every process of the host that has no unit yet into the group of the unit it looks like."""
    top = all_groups()
    if not top:
        return
    root = Path(f"/proc/{init}/root")
    units, scripts = written_units(root), old_scripts(root)
    processes = unplaced(top / name / "init.scope", init)
    children = {}
    for pid, (parent, _, _) in processes.items():
        children.setdefault(parent, []).append(pid)

    def place(pid, inherited):
        _, program, words = processes[pid]
        unit = inherited or unit_of(program, words, units, scripts)
        if unit:
            move(pid, top / name / "system.slice" / unit)
        for child in children.get(pid, []):
            place(child, unit)

    for pid, (parent, _, _) in processes.items():
        if parent not in processes:
            place(pid, unit_now(parent))


def unit_now(pid):
    """The unit a process stands in already."""
    try:
        group = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return None
    found = re.search(r"^0::.*/system\.slice/([^/\n]+)$", group, re.MULTILINE)
    return found and found[1]


def move(pid, group):
    group.mkdir(parents=True, exist_ok=True)
    try:
        (group / "cgroup.procs").write_text(str(pid))
    except OSError:
        pass      # it ended meanwhile


def unplaced(group, init):
    """pid → parent, program and words of every process still beside the first one."""
    found = {}
    for text in (group / "cgroup.procs").read_text().split():
        pid = int(text)
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
        except OSError:
            continue
        if pid != init:
            found[pid] = (int(stat[stat.rindex(")") + 2:].split()[1]), program, words)
    return found


def written_units(root):
    """Unit → the words of its ExecStart, and whether something wants it started."""
    found = {}
    for folder in reversed(FOLDERS):      # what the administrator wrote wins
        for file in sorted((root / folder).glob("*.service")):
            if file.is_file() and not file.is_symlink():
                words = exec_start(file.read_text(errors="replace"))
                if words:
                    found[file.name] = words
    return {unit: (words, is_wanted(root, unit)) for unit, words in found.items()}


def exec_start(text):
    for line in text.replace("\\\n", " ").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "ExecStart" and value.strip():
            try:
                words = shlex.split(value)
            except ValueError:
                words = value.split()
            words[0] = words[0].lstrip("-@:+!")
            return [word for word in words if "$" not in word and "%" not in word]
    return []


def is_wanted(root, unit):
    return any(os.path.lexists(link) for folder in FOLDERS for link in (root / folder).glob(f"*.wants/{unit}"))


def old_scripts(root):
    """Start scripts of the old kind: the manager makes a unit of the same name from each."""
    found = {}
    for file in sorted((root / "etc/init.d").glob("*")):
        if file.is_file():
            found[file.name] = set(re.findall(r"/[\w./@-]+", file.read_text(errors="replace")))
    return found


def unit_of(program, words, units, scripts):
    for pattern, unit in BY_PROGRAM:
        if pattern.match(program):
            return pattern.sub(unit, program)
    fitting = sorted(((likeness(program, words, wanted), is_enabled, unit) for unit, (wanted, is_enabled) in units.items()
                      if "@." not in unit), reverse=True)
    if fitting and fitting[0][0] > 0:
        return fitting[0][2]
    if INTERPRETERS.search(program):
        return None
    named = [name for name, paths in scripts.items() if name == os.path.basename(program) or same_path(program) & paths]
    return f"{named[0]}.service" if named else None


def likeness(program, words, wanted):
    """0 when it cannot be this unit's process; else the more words they share, the more."""
    first, rest = wanted[0], wanted[1:]
    shared = sum(word in words for word in rest)
    if INTERPRETERS.search(first):
        script = next((word for word in rest if not word.startswith("-")), None)
        return 2 + shared if script in words else 0
    names = {program, words[0].split(" ")[0]}      # programs that rename themselves put everything into one word
    if INTERPRETERS.search(program):
        names |= set(words[1:2])
    if any(same_path(first) & same_path(name) for name in names):
        return 2 + shared
    return 1 + shared if os.path.basename(first) in {os.path.basename(name) for name in names} else 0


def same_path(path):
    """A path as it may also be written where /bin is a link to /usr/bin."""
    return {path, path.removeprefix("/usr"), "/usr" + path} if path.startswith("/") else set()
