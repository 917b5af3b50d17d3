//! Traps among files.

use std::time::Duration;

use super::Expect::{Gap, NeverRead, Read, Silence};
use super::{Look, Trap, machine, pass, trap};

#[test]
fn a_look_passes_every_trap_among_files() {
    let Some(machine) = machine() else { return };
    pass(
        &machine,
        TRAPS,
        "--for 0s --deadline 60s",
        Duration::from_secs(90),
    );
}

#[test]
fn a_look_changes_nothing_and_leaves_no_access_time() {
    let Some(machine) = machine() else { return };
    machine.shell(
        r#"mkdir -p /opt/app /home/anna/app /etc/nginx && for at in /opt/app /home/anna/app /etc/nginx; do
             echo DATABASE_URL=postgresql://u@db.corp.example/x > $at/.env; printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' > $at/certificate.pem; ln -s .env $at/other.env; done
           chown -R anna /home/anna; chmod 600 /home/anna/app/*
           find /opt /etc /home /srv /var -xdev | sort > /run/lab/paths; xargs -d '\n' touch -h -a -d 2001-01-01 < /run/lab/paths"#,
    );
    // Of paths written down beforehand: listing a directory would itself leave an access time.
    let manifest = "xargs -d '\\n' stat -c '%n %F %s %a %U %G %X %Y %Z %h' < /run/lab/paths";
    let before = machine.shell(manifest);
    let look = Look::at(&machine, "--for 0s");
    let after = machine.shell(manifest);
    assert_eq!(look.code, 0, "{}", look.stderr);
    assert!(look.hosts().contains("db.corp.example"), "nothing was read");
    let changed: Vec<_> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        // Following a link leaves a time on the link itself; no kernel can be asked not to.
        .filter(|(a, _)| !a.contains(" symbolic link "))
        .collect();
    assert!(
        changed.is_empty(),
        "{} of {}: {changed:#?}",
        changed.len(),
        before.lines().count()
    );
    assert_eq!(before.lines().count(), after.lines().count());
}

const SPECIAL: &str = "not a regular file";

/// A link to what is no file is rightly no gap: `.env -> /dev/null` is how people switch a file off.
const TRAPS: &[Trap] = &[
    // ---- what is no file
    trap(
        "a FIFO that holds the tokens of a make jobserver keeps them",
        r#"mkdir -p /opt/t/jobs && cd /opt/t/jobs && mkfifo .env
           python3 -c 'import os, time; f = os.open(".env", os.O_RDWR); os.write(f, b"+" * 7); time.sleep(600)' >/dev/null 2>&1 & sleep 0.2"#,
        &[Gap("/opt/t/jobs/.env", SPECIAL)],
        r#"python3 -c 'import os, fcntl, array; f = os.open("/opt/t/jobs/.env", os.O_RDWR | os.O_NONBLOCK); n = array.array("i", [0]); fcntl.ioctl(f, 21531, n); assert n[0] == 7, n'"#,
    ),
    trap(
        "a running make -j keeps every token of its pipe",
        r#"mkdir -p /opt/t/make && cd /opt/t/make && printf 'all: a b c\na b c:\n\t@sleep 300\n' > Makefile
           make -j3 >/dev/null 2>&1 & echo $! > /run/lab/make; sleep 0.3
           ln -s /proc/$(cat /run/lab/make)/fd/3 .env"#,
        &[Silence("/opt/t/make/.env")],
        "kill -0 $(cat /run/lab/make); test $(pgrep -c -P $(cat /run/lab/make)) = 3",
    ),
    trap(
        "a writer that waits for a reader goes on waiting",
        r#"mkdir -p /opt/t/writer && cd /opt/t/writer && mkfifo .env; rm -f /run/lab/woken
           sh -c 'echo x > /opt/t/writer/.env; touch /run/lab/woken' >/dev/null 2>&1 & sleep 0.1"#,
        &[Gap("/opt/t/writer/.env", SPECIAL)],
        "sleep 0.1; test ! -e /run/lab/woken",
    ),
    trap(
        "a socket is not connected to",
        r#"mkdir -p /opt/t/socket && cd /opt/t/socket
           python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind(".env"); s.listen(); s.accept(); open("/run/lab/accepted", "w")' >/dev/null 2>&1 & sleep 0.2"#,
        &[Gap("/opt/t/socket/.env", SPECIAL)],
        "test ! -e /run/lab/accepted",
    ),
    trap(
        "a character device is not opened",
        "mkdir -p /opt/t/character && mknod /opt/t/character/.env c 1 5",
        &[Gap("/opt/t/character/.env", SPECIAL)],
        "",
    ),
    trap(
        "a watchdog is not started by opening it",
        "mkdir -p /opt/t/watchdog && mknod /opt/t/watchdog/.env c 10 130",
        &[Gap("/opt/t/watchdog/.env", SPECIAL)],
        "",
    ),
    trap(
        "a block device is not opened",
        "mkdir -p /opt/t/block && mknod /opt/t/block/.env b 7 0",
        &[Gap("/opt/t/block/.env", SPECIAL)],
        "",
    ),
    // ---- links
    trap(
        "a link to a FIFO leads to a FIFO",
        "mkdir -p /opt/t/link-fifo && mkfifo /run/lab/pipe && ln -s /run/lab/pipe /opt/t/link-fifo/.env",
        &[Silence("/opt/t/link-fifo/.env")],
        "",
    ),
    trap(
        "the kernel's log is not drained through a link",
        "mkdir -p /opt/t/kmsg && ln -s /proc/kmsg /opt/t/kmsg/.env",
        &[Silence("/opt/t/kmsg/.env")],
        "",
    ),
    trap(
        "the kernel's log is not drained through a mount of it on a configuration file",
        "mkdir -p /opt/t/kmsg-bound && touch /opt/t/kmsg-bound/.env && mount --bind /proc/kmsg /opt/t/kmsg-bound/.env",
        &[Gap("/opt/t/kmsg-bound/.env", SPECIAL)],
        "",
    ),
    trap(
        "the kernel's memory is not read through a link",
        "mkdir -p /opt/t/kcore && ln -s /proc/kcore /opt/t/kcore/.env",
        &[Silence("/opt/t/kcore/.env")],
        "",
    ),
    trap(
        "a link to the surroundings of the reader shows nothing",
        "mkdir -p /opt/t/environ && ln -s /proc/self/environ /opt/t/environ/.env",
        &[Silence("/opt/t/environ/.env")],
        "",
    ),
    trap(
        "a link to standard input takes nothing from it",
        "mkdir -p /opt/t/stdin && ln -s /dev/fd/0 /opt/t/stdin/.env",
        &[Silence("/opt/t/stdin/.env")],
        "",
    ),
    trap(
        "a link through the root of a process is not a way out of sight",
        "mkdir -p /opt/t/root && ln -s /proc/1/root/etc/shadow /opt/t/root/.env",
        &[Silence("/opt/t/root/.env")],
        "",
    ),
    trap(
        "links in a circle end",
        "mkdir -p /opt/t/circle && cd /opt/t/circle && ln -s b .env && ln -s .env b",
        &[Gap("/opt/t/circle/.env", "broken link")],
        "",
    ),
    trap(
        "a link that contains itself ends",
        "mkdir -p /opt/t/itself && cd /opt/t/itself && ln -s .env/.env/.env .env",
        &[Gap("/opt/t/itself/.env", "broken link")],
        "",
    ),
    trap(
        "a chain of fifty links ends",
        r#"mkdir -p /opt/t/chain /run/lab/chain && cd /run/lab/chain && echo DATABASE_URL=postgresql://u@chain.corp.example/x > 0
           for n in $(seq 49); do ln -s $((n - 1)) $n; done; ln -s /run/lab/chain/49 /opt/t/chain/.env"#,
        &[
            Gap("/opt/t/chain/.env", "broken link"),
            NeverRead("chain.corp.example"),
        ],
        "",
    ),
    trap(
        "a short chain of links is followed",
        r#"mkdir -p /opt/t/short /opt/t-real && cd /opt/t/short && echo DATABASE_URL=postgresql://u@short-chain.corp.example/x > /var/tmp/real
           ln -s ../../../var/tmp/real one && ln -s one .env"#,
        &[
            Silence("/opt/t/short/.env"),
            Read("short-chain.corp.example"),
        ],
        "",
    ),
    trap(
        "a dangling link is broken",
        "mkdir -p /opt/t/dangling && ln -s /nowhere/at/all /opt/t/dangling/.env",
        &[Gap("/opt/t/dangling/.env", "broken link")],
        "",
    ),
    trap(
        "a directory that links to itself is walked once",
        "mkdir -p /opt/t/again && cd /opt/t/again && ln -s . here && ln -s .. up && echo DATABASE_URL=postgresql://u@again.corp.example/x > .env",
        &[
            Read("again.corp.example"),
            Silence("/opt/t/again/here/.env"),
        ],
        "",
    ),
    // ---- mounts
    trap(
        "a FUSE file system that never answers is never asked",
        r#"mkdir -p /opt/t/fuse; python3 /run/lab/answerless.py fuse /opt/t/fuse/mount /run/lab/fuse.log >/run/lab/fuse.out 2>&1 & sleep 0.5; grep -q ready /run/lab/fuse.out; : > /run/lab/fuse.log"#,
        &[NeverRead("behind-the-mount.corp.example")],
        "test ! -s /run/lab/fuse.log",
    ),
    trap(
        "a link whose way leads through such a mount does not touch it",
        "mkdir -p /opt/t/through && ln -s /opt/t/fuse/mount/deep/.env /opt/t/through/.env && ln -s /opt/t/fuse/mount /opt/t/through/conf.d",
        &[Gap("/opt/t/through/.env", "remote file system")],
        "test ! -s /run/lab/fuse.log",
    ),
    trap(
        "an automounter is not triggered",
        r#"mkdir -p /opt/t/auto; python3 /run/lab/answerless.py autofs /opt/t/auto/mount /run/lab/auto.log >/run/lab/auto.out 2>&1 & sleep 0.5; grep -q ready /run/lab/auto.out
           mkdir -p /opt/t/auto-link && ln -s /opt/t/auto/mount/anna/.env /opt/t/auto-link/.env"#,
        &[Gap("/opt/t/auto-link/.env", "remote file system")],
        "test ! -s /run/lab/auto.log",
    ),
    trap(
        "an overlay over such a mount is as silent as it",
        r#"mkdir -p /opt/t/overlay/mount /opt/t/overlay/empty /run/lab/lower; rm -f /run/lab/overlay-stop
           python3 /run/lab/answerless.py fuse /run/lab/lower /run/lab/overlay.log --until /run/lab/overlay-stop >/run/lab/overlay.out 2>&1 & sleep 0.5
           mount -t overlay overlay -o lowerdir=/run/lab/lower:/opt/t/overlay/empty /opt/t/overlay/mount; touch /run/lab/overlay-stop; sleep 0.1; : > /run/lab/overlay.log"#,
        &[NeverRead("behind-the-mount.corp.example")],
        "test ! -s /run/lab/overlay.log",
    ),
    trap(
        "what is mounted over is not seen, and what is mounted is",
        r#"mkdir -p /opt/t/over/x && echo DATABASE_URL=postgresql://u@below.corp.example/x > /opt/t/over/x/.env
           mount -t tmpfs tmpfs /opt/t/over/x && echo DATABASE_URL=postgresql://u@above.corp.example/x > /opt/t/over/x/.env"#,
        &[Read("above.corp.example"), NeverRead("below.corp.example")],
        "",
    ),
    trap(
        "a directory mounted into itself is walked once",
        "mkdir -p /opt/t/loop/inner && mount --bind /opt/t/loop /opt/t/loop/inner && echo DATABASE_URL=postgresql://u@loop.corp.example/x > /opt/t/loop/.env",
        &[Read("loop.corp.example")],
        "",
    ),
    trap(
        "a full temporary file system stops nothing",
        "mkdir -p /opt/t/full && mount -t tmpfs -o size=64k tmpfs /opt/t/full && echo DATABASE_URL=postgresql://u@full.corp.example/x > /opt/t/full/.env && { dd if=/dev/zero of=/opt/t/full/ballast bs=4k 2>/dev/null || true; }",
        &[Read("full.corp.example")],
        "",
    ),
    // ---- sizes and shapes
    trap(
        "a sparse file of a terabyte is refused by what it claims",
        "mkdir -p /opt/t/sparse && truncate -s 1T /opt/t/sparse/.env",
        &[Gap("/opt/t/sparse/.env", "too large")],
        "",
    ),
    trap(
        "a file that grows while it is read ends at the budget or at its end",
        r#"mkdir -p /opt/t/grows && cd /opt/t/grows && echo DATABASE_URL=postgresql://u@grows.corp.example/x > .env
           sh -c 'while test -e /opt/t/grows/.env; do printf "%0800d\n" 1 >> /opt/t/grows/.env; sleep 0.01; done' >/dev/null 2>&1 &"#,
        &[Read("grows.corp.example")],
        "rm /opt/t/grows/.env",
    ),
    trap(
        "a file that is cut while it is read is no trouble",
        r#"mkdir -p /opt/t/cut && cd /opt/t/cut && echo x > .env
           python3 -c '
import os
while os.path.exists("/opt/t/cut"):
    with open("/opt/t/cut/.env", "w") as f: f.write("DATABASE_URL=postgresql://u@cut.corp.example/x\n" * 20000)
    os.truncate("/opt/t/cut/.env", 10)' >/dev/null 2>&1 &"#,
        &[],
        "until rm -rf /opt/t/cut 2>/dev/null; do :; done",
    ),
    trap(
        "a directory of a hundred thousand files is read up to a bound",
        r#"mkdir -p /opt/t/many && cd /opt/t/many && python3 -c '
for n in range(110_000): open(f"f{n}.png", "w").close()'"#,
        &[Gap("/opt/t/many", "budget exhausted")],
        "rm -rf /opt/t/many",
    ),
    trap(
        "a path four thousand directories deep is left at a bound",
        r#"mkdir -p /opt/t/deep && cd /opt/t/deep && python3 -c '
import os
for n in range(4096): os.mkdir("d"); os.chdir("d")
open(".env", "w").write("DATABASE_URL=postgresql://u@deep.corp.example/x\n")'"#,
        &[NeverRead("deep.corp.example")],
        "",
    ),
    trap(
        "a line of three mebibytes is read",
        r#"mkdir -p /opt/t/line && cd /opt/t/line && python3 -c 'open(".env", "w").write("A=" + "x" * (3 << 20) + "\nDATABASE_URL=postgresql://u@long-line.corp.example/x\n")'"#,
        &[Read("long-line.corp.example")],
        "",
    ),
    trap(
        "bytes that are no text are no trouble",
        r#"mkdir -p /opt/t/bytes && cd /opt/t/bytes && { printf 'A=\000\377\376\000'; head -c 65536 /dev/urandom; } > .env"#,
        &[],
        "",
    ),
    trap(
        "a compressed bomb is not unpacked",
        r#"mkdir -p /opt/t/bomb && cd /opt/t/bomb && head -c 200m /dev/zero | gzip -9 > application.yml.gz && cp application.yml.gz .env"#,
        &[],
        "",
    ),
    // ---- names
    trap(
        "names that are no text, or more than text, are read like any other",
        r#"mkdir -p /opt/t/names && cd /opt/t/names && python3 -c '
import os
for n, name in enumerate([b"\xff\xfe", b"a\nb", b"\x1b[31mred", b"\xe2\x80\xaeevil", b"-rf", b"x" * 250, b"<script>"]):
    os.mkdir(name); open(name + b"/.env", "w").write(f"DATABASE_URL=postgresql://u@name{n}.corp.example/x\n")'"#,
        &[
            Read("name0.corp.example"),
            Read("name1.corp.example"),
            Read("name2.corp.example"),
            Read("name3.corp.example"),
            Read("name4.corp.example"),
            Read("name5.corp.example"),
            Read("name6.corp.example"),
        ],
        "",
    ),
    // ---- rights and locks
    trap(
        "a locked file is read, and its lock stays",
        r#"mkdir -p /opt/t/lock && cd /opt/t/lock && echo DATABASE_URL=postgresql://u@lock.corp.example/x > .env
           python3 -c 'import fcntl, time; f = open(".env", "r+"); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(600)' >/dev/null 2>&1 & sleep 0.2"#,
        &[Read("lock.corp.example")],
        "! flock -n /opt/t/lock/.env true",
    ),
    trap(
        "a file under a lease is not waited for",
        r#"mkdir -p /opt/t/lease && cd /opt/t/lease && echo DATABASE_URL=postgresql://u@lease.corp.example/x > .env
           python3 -c '
import fcntl, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
f = open(".env", "r+"); fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); time.sleep(600)' >/dev/null 2>&1 & sleep 0.2"#,
        &[Gap("/opt/t/lease/.env", "timed out")],
        "",
    ),
    trap(
        "a file nobody may change is read, and stays as it is",
        r#"mkdir -p /opt/t/fixed && cd /opt/t/fixed && echo DATABASE_URL=postgresql://u@fixed.corp.example/x > .env && { chattr +i .env 2>/dev/null || true; }"#,
        &[Read("fixed.corp.example")],
        "chattr -i /opt/t/fixed/.env 2>/dev/null || true",
    ),
    trap(
        "a file without any permission is read by root, and its mode stays",
        "mkdir -p /opt/t/closed && cd /opt/t/closed && echo DATABASE_URL=postgresql://u@closed.corp.example/x > .env && chmod 0 .env && chown anna .env",
        &[Read("closed.corp.example")],
        "test \"$(stat -c %a%U /opt/t/closed/.env)\" = 0anna",
    ),
    trap(
        "a second name of somebody's closed file says no more than its endpoints",
        "mkdir -p /opt/t/second && echo DATABASE_URL=postgresql://u:Xq7canarySECONDZw@second.corp.example/x > /home/anna/closed && chmod 600 /home/anna/closed && ln /home/anna/closed /opt/t/second/.env",
        &[Read("second.corp.example")],
        "",
    ),
    trap(
        "a file whose reading fails is one gap",
        "mkdir -p /opt/t/error && touch /opt/t/error/.env && mount --bind /proc/1/mem /opt/t/error/.env",
        &[Gap("/opt/t/error/.env", SPECIAL)],
        "",
    ),
    trap(
        "a program with the right to become root is not run",
        r#"mkdir -p /opt/t/setuid && cd /opt/t/setuid && for name in java postgres nginx run.sh .env; do printf '#!/bin/sh\ntouch /run/lab/was-run\n' > $name; chmod 4755 $name; done
           printf '[Service]\nExecStart=/opt/t/setuid/run.sh\n' > /etc/systemd/system/setuid.service; echo '* * * * * root /opt/t/setuid/run.sh' > /etc/cron.d/setuid"#,
        &[],
        "test ! -e /run/lab/was-run",
    ),
    // ---- what moves
    trap(
        "a directory that is swapped with a link to a shadow, again and again, hurts nobody",
        r#"mkdir -p /opt/t/swap/d /var/tmp/shadow && touch /opt/t/swap.on && cd /opt/t/swap && echo DATABASE_URL=postgresql://u@swap.corp.example/x > d/.env && ln -s /proc/kmsg /var/tmp/shadow/.env && ln -s /var/tmp/shadow link
           python3 -c '
import os
os.chdir("/opt/t/swap")
while os.path.exists("/opt/t/swap.on"):
    for a, b in (("d", "aside"), ("link", "d"), ("d", "link"), ("aside", "d")):
        try: os.rename(a, b)
        except OSError: pass' >/dev/null 2>&1 &"#,
        &[],
        "rm /opt/t/swap.on; for turn in $(seq 100); do rm -rf /opt/t/swap /var/tmp/shadow 2>/dev/null && exit 0; sleep 0.1; done; exit 1",
    ),
    trap(
        "a file that is swapped with a FIFO, again and again, is never waited for",
        r#"mkdir -p /opt/t/swap-fifo && touch /opt/t/swap-fifo.on && cd /opt/t/swap-fifo && echo x > file && mkfifo pipe
           python3 -c '
import os
os.chdir("/opt/t/swap-fifo")
while os.path.exists("/opt/t/swap-fifo.on"):
    for a, b in (("file", ".env"), (".env", "file"), ("pipe", ".env"), (".env", "pipe")):
        try: os.rename(a, b)
        except OSError: pass' >/dev/null 2>&1 &"#,
        &[],
        "rm /opt/t/swap-fifo.on; for turn in $(seq 100); do rm -rf /opt/t/swap-fifo 2>/dev/null && exit 0; sleep 0.1; done; exit 1",
    ),
    trap(
        "a tree that is removed and made again while it is walked is no trouble",
        r#"mkdir -p /opt/t/flicker && touch /opt/t/flicker.on
           python3 -c '
import os, shutil
while os.path.exists("/opt/t/flicker.on"):
    os.makedirs("/opt/t/flicker/a/b/c", exist_ok=True); open("/opt/t/flicker/a/b/c/.env", "w").close(); shutil.rmtree("/opt/t/flicker/a", ignore_errors=True)' >/dev/null 2>&1 &"#,
        &[],
        "rm /opt/t/flicker.on; for turn in $(seq 100); do rm -rf /opt/t/flicker 2>/dev/null && exit 0; sleep 0.1; done; exit 1",
    ),
    trap(
        "whatever stands beside all of this is read as ever",
        "mkdir -p /opt/t/zz-good && echo DATABASE_URL=postgresql://u@good.corp.example/x > /opt/t/zz-good/.env",
        &[Read("good.corp.example"), Silence("/opt/t/zz-good/.env")],
        "",
    ),
];
