"""A stranger's host as a room of its own: its files as `/`, its name, no network; and what groma says from in there."""
import json
import shutil
import subprocess
from pathlib import Path

DEVICES = ("null", "zero", "random", "urandom")
SECONDS_MAX = 120
SECRET_LETTERS_MIN = 6      # shorter ones stand in any file by chance
# A repository within this repository would be git's, not ours: it is kept under another name.
STORED_AS = {"dot-git": ".git"}


class Trouble(Exception):
    """The room could not be made, or groma failed in it."""


def survey(groma, host, scratch):
    """Runs groma as on `host` (a folder of hosts/) within `scratch`; the inventory document, and the secrets it let out."""
    root = furnished(groma, host, scratch)
    enter(root, host.name, "/groma survey --offline --for 0s --data /data --out /out")
    enter(root, host.name, "/groma export --format json --data /data --out /out/inventory.json")
    document = root / "out/inventory.json"
    return json.loads(document.read_text()), leaked(secrets(host), [root / "out", root / "data"])


def furnished(groma, host, scratch):
    """A copy of the host's files, with the program and what it is linked against."""
    root = Path(scratch) / "root"
    shutil.copytree(host / "root", root, symlinks=True)
    for stored, real in STORED_AS.items():
        for folder in sorted(root.rglob(stored)):
            folder.rename(folder.with_name(real))
    for folder in ("dev", "tmp", "data", "out", "proc", "sys"):
        (root / folder).mkdir(exist_ok=True)
    for device in DEVICES:
        (root / "dev" / device).touch()
    if not (root / "etc/hostname").exists():
        (root / "etc/hostname").write_text(f"{host.name}\n")
    for wanted, place in [(Path(groma), root / "groma"), *((one, root / str(one)[1:]) for one in libraries(groma))]:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, place)
    return root


def libraries(program):
    """The shared libraries `program` asks for; none if it is static."""
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.splitlines()
    return [Path(word) for line in lines for word in line.split() if word.startswith("/")]


def enter(root, name, command):
    """Runs `command` with `root` as its whole world."""
    steps = [
        f"hostname {name}",
        f"mount --bind {root} {root}",
        f"cd {root}",
        *(f"mount --bind /dev/{device} dev/{device}" for device in DEVICES),
        "mount -t proc proc proc",
        f"exec chroot {root} {command}",
    ]
    done = subprocess.run(
        ["unshare", "-n", "-m", "-u", "-p", "-f", "sh", "-ec", "\n".join(steps)],
        capture_output=True, text=True, timeout=SECONDS_MAX, stdin=subprocess.DEVNULL, check=False,
    )
    # A survey that could not see everything says so with its exit code; only one that gave no answer is trouble.
    if done.returncode and not any((root / "out").iterdir()):
        raise Trouble(f"{name}: {command.split()[1]} failed: {done.stderr[-600:]}")


def secrets(host):
    written = host / "secrets.txt"
    lines = written.read_text().splitlines() if written.exists() else []
    return [line.strip() for line in lines if len(line.strip()) >= SECRET_LETTERS_MIN]


def leaked(hidden, folders):
    """(secret, file) for every secret that stands in a file below `folders`, compressed ones opened."""
    found = []
    for file in sorted(one for folder in folders for one in folder.rglob("*") if one.is_file()):
        content = opened(file)
        found += [(secret, file.name) for secret in hidden if secret.encode() in content]
    return found


def opened(file):
    content = file.read_bytes()
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        content += subprocess.run(["zstd", "-dcq", file], capture_output=True, check=False).stdout
    return content
