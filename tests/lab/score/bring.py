#!/usr/bin/env python3
"""Runs a command inside a host of the lab, with folders from outside in its sight: nobody else there sees them.

    bring.py PID [FROM:TO]… -- COMMAND…

PID is the host's first process. The command stands in all its namespaces but has a copy of its mounts, so what is
attached for it vanishes with it. TO is made if it is not there, and belongs below /run/lab.
"""
import ctypes
import os
import signal
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_RECURSIVE, OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = -100, 0x8000, 1, 4
OPEN_TREE, MOVE_MOUNT = 428, 429
CLONE_NEWNS, MS_REC_PRIVATE, PR_SET_PDEATHSIG = 0x20000, 0x4000 | 0x40000, 1
NAMESPACES = ("cgroup", "ipc", "uts", "net", "pid", "mnt")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
               "GROMA_STATE_DIR": "/run/lab/score/state"}


def must(result, doing):
    if result < 0:
        number = ctypes.get_errno()
        sys.exit(f"bring: {doing}: {os.strerror(number)}")
    return result


def tree(path):
    """A copy of a mount that belongs nowhere yet, so that it can be attached in another mount namespace."""
    return must(LIBC.syscall(OPEN_TREE, AT_FDCWD, path.encode(), OPEN_TREE_CLONE | AT_RECURSIVE), f"take {path}")


def attach(handle, target):
    os.makedirs(target, exist_ok=True)
    must(LIBC.syscall(MOVE_MOUNT, handle, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH), f"attach {target}")


def enter(pid):
    handles = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in NAMESPACES]
    for name, handle in zip(NAMESPACES, handles):
        must(LIBC.setns(handle, 0), f"enter the {name} namespace of {pid}")
    must(LIBC.unshare(CLONE_NEWNS), "copy the mounts")
    must(LIBC.mount(None, b"/", None, MS_REC_PRIVATE, None), "keep the mounts apart")
    os.chdir("/")


def become(command):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.execvpe(command[0], command, ENVIRONMENT)
    except OSError as error:
        print(f"bring: {command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def main(words):
    split = words.index("--")
    pid, folders, command = int(words[0]), [one.rsplit(":", 1) for one in words[1:split]], words[split + 1:]
    trees = [(tree(outside), inside) for outside, inside in folders]
    enter(pid)
    for handle, inside in trees:
        attach(handle, inside)
    child = os.fork()       # only a child stands in the new process namespace
    if child == 0:
        become(command)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
