//! What the world does to a program that reads it: each case gives a gap or a clear error,
//! never a hang, a panic or a loss.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::sync::OnceLock;

use groma_tests::{Kind, Machine};

fn bare() -> Option<&'static Machine> {
    static BARE: OnceLock<Option<Machine>> = OnceLock::new();
    BARE.get_or_init(|| Machine::start(Kind::Bare)).as_ref()
}

/// Surveys into fresh folders below `/root/NAME` and returns where the data lies.
fn survey(machine: &Machine, name: &str) -> String {
    let (data, out) = (format!("/root/{name}/data"), format!("/root/{name}/out"));
    machine
        .groma(&[
            "survey",
            "--offline",
            "--for",
            "1s",
            "--data",
            &data,
            "--out",
            &out,
        ])
        .expect_code(0);
    data
}

/// Every gap of an inventory as `what | reason`.
fn gaps(machine: &Machine, data: &str) -> Vec<String> {
    let inventory = machine.inventory(data);
    inventory
        .coverage
        .iter()
        .flat_map(|c| &c.gaps)
        .map(|g| format!("{} | {}", g.what, g.reason))
        .collect()
}

#[test]
fn odd_files_become_gaps_and_the_good_one_beside_them_is_read() {
    let Some(machine) = bare() else { return };
    machine.shell(
        r#"mkdir -p /opt/odd /etc/cron.d && cd /opt/odd
        printf 'DATABASE_URL=postgresql://u:p@good.corp.example:5432/x\n' > .env
        mkdir fifo socket device loop deep sparse
        mkfifo fifo/.env
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket/.env")'
        mknod device/.env c 1 5
        ln -s .env loop/.env
        ln -s /nowhere/at/all deep/.env
        ln -s . deep/again
        truncate -s 1T sparse/.env
        mkfifo /etc/cron.d/fifo
        printf 'DATABASE_URL=postgresql://u:p@strange.corp.example:5432/x\n' > "$(printf 'caf\351').env"
        mkdir "$(printf 'dir\377')" && cp .env "$(printf 'dir\377')/.env""#,
    );
    let data = survey(machine, "odd");
    let inventory = machine.inventory(&data);
    let names: Vec<_> = inventory
        .dependencies
        .iter()
        .map(|d| d.provider.name.clone())
        .collect();
    assert!(
        names.iter().any(|n| n.contains("good.corp.example")),
        "{names:?}"
    );
    let gaps = gaps(machine, &data);
    for reason in ["not-a-regular-file", "too-large", "broken-link"] {
        assert!(
            gaps.iter().any(|g| g.ends_with(reason)),
            "no gap says {reason}: {gaps:#?}"
        );
    }
    machine.shell("rm -rf /opt/odd /etc/cron.d/fifo");
}

#[test]
fn without_root_it_works_and_says_what_it_could_not_see() {
    let Some(machine) = bare() else { return };
    machine.shell(
        "mkdir -p /opt/locked && echo DATABASE_URL=postgresql://u:p@hidden.corp.example/x > /opt/locked/.env && chmod 600 /opt/locked/.env
         mkdir -p /tmp/nobody && chown 65534:65534 /tmp/nobody",
    );
    let as_nobody = |words: &str| {
        machine.try_shell(&format!("cd /; HOME=/tmp/nobody exec setpriv --reuid=65534 --regid=65534 --clear-groups -- {words}"))
    };
    as_nobody("groma survey --offline --for 1s --data /tmp/nobody/data --out /tmp/nobody/out")
        .expect_composed()
        .expect_code(0);
    let gaps = gaps(machine, "/tmp/nobody/data");
    let denied: Vec<_> = gaps
        .iter()
        .filter(|g| g.ends_with("permission-denied"))
        .collect();
    assert!(
        denied.iter().any(|g| g.contains("/opt/locked")),
        "nothing says that /opt/locked was refused: {gaps:#?}"
    );
    let report = machine.shell("cat /tmp/nobody/out/report.html");
    assert!(
        report.contains("/opt/locked"),
        "the report hides what could not be seen"
    );
    machine.shell("rm -rf /opt/locked");
}

#[test]
fn what_is_found_is_never_run() {
    let Some(machine) = bare() else { return };
    machine.shell(
        r#"mkdir -p /opt/trap/bin /etc/systemd/system/multi-user.target.wants
        printf '#!/bin/sh\ntouch /run/lab/it-ran\n' > /opt/trap/bin/trap && chmod 755 /opt/trap/bin/trap
        printf '* * * * * root /opt/trap/bin/trap $(touch /run/lab/it-ran)\n' > /etc/cron.d/trap
        printf '[Service]\nExecStart=/opt/trap/bin/trap\nEnvironment="URL=http://x.example/`touch /run/lab/it-ran`"\n' > /etc/systemd/system/trap.service
        ln -s /etc/systemd/system/trap.service /etc/systemd/system/multi-user.target.wants/trap.service
        printf 'URL=http://$(touch${IFS}/run/lab/it-ran).example/\n' > /opt/trap/.env
        for name in rpm dpkg dpkg-query docker podman java psql systemctl ss ip; do cp /opt/trap/bin/trap /usr/local/bin/$name; done"#,
    );
    survey(machine, "trap");
    let ran = machine.try_shell("test -e /run/lab/it-ran").code == 0;
    machine.shell(
        "for name in rpm dpkg dpkg-query docker podman java psql systemctl ss ip; do rm -f /usr/local/bin/$name; done
         rm -rf /opt/trap /etc/cron.d/trap /etc/systemd/system/trap.service /etc/systemd/system/multi-user.target.wants/trap.service",
    );
    assert!(!ran, "something that was found was run");
}

#[test]
fn a_closed_pipe_is_no_reason_to_panic() {
    let Some(machine) = bare() else { return };
    let data = survey(machine, "pipe");
    for words in [
        format!("groma export --format json --out - --data {data}"),
        format!("groma report --format markdown --out - --data {data}"),
        "groma-agent explain".to_owned(),
        "groma-agent look --for 1s --format json --out -".to_owned(),
        "groma --help".to_owned(),
    ] {
        let said = machine.try_shell(&format!(
            "{words} 2>/tmp/pipe.err | head -c 1 >/dev/null; cat /tmp/pipe.err"
        ));
        assert!(
            !said.stdout.contains("panicked") && !said.stdout.contains("os error 32"),
            "{words}: {}",
            said.stdout
        );
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_missing_file_with_3() {
    let Some(machine) = bare() else { return };
    machine.groma(&["no-such-command"]).expect_code(2);
    machine.groma(&["survey", "--for", "soon"]).expect_code(2);
    machine
        .groma(&["export", "--format", "papyrus", "--out", "-"])
        .expect_code(2);
    machine
        .run(&["groma-agent", "look", "--source", "no.such.source"])
        .expect_composed()
        .expect_code(2);
    let said = machine
        .groma(&["import", "/no/such/file", "--data", "/root/usage"])
        .expect_code(3);
    assert!(said.stderr.contains("/no/such/file"), "{}", said.stderr);
}

/// A good batch of this machine, made once.
fn batch(machine: &Machine) -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        machine.shell("groma-agent look --for 1s --out /root/good.batch");
    });
    "/root/good.batch"
}

/// What `groma import` makes of a hostile file: a clear error that names the file, and a store that still works.
fn refused(machine: &Machine, name: &str, make: &str) -> String {
    let good = batch(machine);
    let data = format!("/root/hostile-{name}");
    let file = format!("/root/{name}.batch");
    machine
        .groma(&["import", good, "--data", &data])
        .expect_code(0);
    let before = serde_json::to_string(&machine.inventory(&data).evidence).unwrap();
    machine
        .run(&[
            "python3",
            "-c",
            &format!("good, bad = '{good}', '{file}'\n{make}"),
        ])
        .expect_code(0);
    let said = machine
        .groma(&["import", &file, "--data", &data])
        .expect_code(3);
    assert!(
        said.stderr.contains(&file),
        "the error does not name the file: {}",
        said.stderr
    );
    let after = serde_json::to_string(&machine.inventory(&data).evidence).unwrap();
    assert_eq!(before, after, "half of a refused batch stayed in the store");
    said.stderr
}

#[test]
fn a_truncated_batch_is_refused_whole() {
    let Some(machine) = bare() else { return };
    refused(
        machine,
        "truncated",
        "b = open(good, 'rb').read(); open(bad, 'wb').write(b[:len(b) * 2 // 3])",
    );
}

#[test]
fn a_batch_with_a_flipped_byte_is_refused_whole() {
    let Some(machine) = bare() else { return };
    refused(
        machine,
        "flipped",
        "b = bytearray(open(good, 'rb').read()); b[len(b) // 2] ^= 0x41; open(bad, 'wb').write(b)",
    );
}

/// Python that packs `text` the way a batch is packed.
const PACK: &str = "import subprocess
def pack(feed): 
    p = subprocess.Popen(['zstd', '-q', '-19', '-f', '-o', bad], stdin=subprocess.PIPE)
    for piece in feed: p.stdin.write(piece)
    p.stdin.close(); assert p.wait() == 0
lines = subprocess.run(['zstd', '-dc', good], capture_output=True).stdout.splitlines(True)
";

#[test]
fn a_bomb_is_refused_before_it_unfolds() {
    let Some(machine) = bare() else { return };
    // 8 GiB of blanks after an honest header: a few hundred KiB on the wire.
    let make = format!("{PACK}pack([lines[0]] + [b' ' * (1 << 20)] * 8192)");
    let make = make.replace("-19", "-3");
    refused(machine, "bomb", &make);
    let peak = machine.try_shell(
        "python3 - <<'E'
import resource, subprocess
subprocess.run(['groma', 'import', '/root/bomb.batch', '--data', '/root/hostile-bomb'], capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
E",
    );
    let peak_kib: u64 = peak.stdout.trim().parse().unwrap();
    assert!(peak_kib < 300 * 1024, "the bomb took {peak_kib} KiB");
}

#[test]
fn a_batch_nested_ten_thousand_deep_is_refused() {
    let Some(machine) = bare() else { return };
    refused(
        machine,
        "deep",
        &format!("{PACK}pack([lines[0], b'[' * 10000 + b']' * 10000 + b'\\n'] + lines[1:])"),
    );
}

#[test]
fn a_batch_of_a_version_we_do_not_know_is_refused_by_name() {
    let Some(machine) = bare() else { return };
    let said = refused(
        machine,
        "version",
        &format!(
            "{PACK}assert b'groma.batch/1' in lines[0]\npack([lines[0].replace(b'groma.batch/1', b'groma.batch/7')] + lines[1:])"
        ),
    );
    assert!(
        said.contains("groma.batch/7"),
        "the error does not name the version: {said}"
    );
}

#[test]
fn the_same_batch_twice_is_stored_once() {
    let Some(machine) = bare() else { return };
    let good = batch(machine);
    machine
        .groma(&["import", good, "--data", "/root/twice"])
        .expect_code(0);
    let once = machine.inventory("/root/twice");
    machine
        .groma(&["import", good, "--data", "/root/twice"])
        .expect_code(0);
    let twice = machine.inventory("/root/twice");
    assert_eq!(once.evidence, twice.evidence);
    assert_eq!(once.dependencies, twice.dependencies);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let Some(machine) = bare() else { return };
    let data = survey(machine, "newer");
    machine
        .run(&[
            "python3",
            "-c",
            &format!(
                "import sqlite3, glob
found = [f for f in glob.glob('{data}/*') if open(f, 'rb').read(15) == b'SQLite format 3']
assert len(found) == 1, found
base = sqlite3.connect(found[0])
base.execute(\"insert into refinery_schema_history (version, name, applied_on, checksum) values (999, 'from_the_future', '2030-01-01T00:00:00Z', '1')\")
base.execute('pragma user_version = 999')
base.commit(); base.execute('pragma wal_checkpoint(truncate)'); base.close()"
            ),
        ])
        .expect_code(0);
    let sums = format!("cat {data}/*.db {data}/*.sqlite* 2>/dev/null | sha256sum");
    let before = machine.shell(&sums);
    let said = machine
        .groma(&[
            "survey",
            "--offline",
            "--for",
            "1s",
            "--data",
            &data,
            "--out",
            "/root/newer/out",
        ])
        .expect_code(3);
    assert!(
        said.stderr.contains("999") && said.stderr.contains("upgrade"),
        "{}",
        said.stderr
    );
    machine
        .groma(&["export", "--format", "json", "--out", "-", "--data", &data])
        .expect_code(3);
    assert_eq!(
        before,
        machine.shell(&sums),
        "a store of a newer version was written to"
    );
}

#[test]
fn a_full_disk_is_a_clear_error_and_the_store_survives_it() {
    let Some(machine) = bare() else { return };
    machine.shell("mkdir -p /mnt/small && mount -t tmpfs -o size=3m tmpfs /mnt/small");
    let first = machine.groma(&[
        "survey",
        "--offline",
        "--for",
        "1s",
        "--data",
        "/mnt/small/data",
        "--out",
        "/root/small-out",
    ]);
    machine.shell("head -c 8m /dev/zero > /mnt/small/ballast 2>/dev/null || true");
    let full = machine.groma(&[
        "survey",
        "--offline",
        "--for",
        "1s",
        "--data",
        "/mnt/small/data",
        "--out",
        "/mnt/small/out",
    ]);
    assert!(
        [3, 4].contains(&full.code),
        "exit {} on a full disk: {}",
        full.code,
        full.stderr
    );
    let words = full.stderr.to_lowercase();
    assert!(
        words.contains("full") || words.contains("no space"),
        "{}",
        full.stderr
    );
    machine.shell("rm /mnt/small/ballast && mount -o remount,size=256m /mnt/small");
    let again = machine.groma(&[
        "survey",
        "--offline",
        "--for",
        "1s",
        "--data",
        "/mnt/small/data",
        "--out",
        "/mnt/small/out",
    ]);
    assert_eq!(
        again.code, 0,
        "the store did not survive a full disk (first try: {}): {}",
        first.code, again.stderr
    );
    machine.shell("umount /mnt/small");
}

#[test]
fn two_surveys_at_once_do_not_lose_or_corrupt_anything() {
    let Some(machine) = bare() else { return };
    machine.shell(
        "for i in 1 2; do (groma survey --offline --for 2s --data /root/both/data --out /root/both/out$i; echo $? > /root/both-$i) & done; wait
         grep -qx 0 /root/both-1 && grep -qx 0 /root/both-2",
    );
    let check = machine.shell(
        "python3 -c \"
import sqlite3, glob
for f in glob.glob('/root/both/data/*'):
    if open(f, 'rb').read(15) == b'SQLite format 3': print(sqlite3.connect(f).execute('pragma integrity_check').fetchone()[0])\"",
    );
    assert_eq!(check.trim(), "ok");
}

#[test]
fn a_hostile_name_stays_text_at_every_sink() {
    let Some(machine) = bare() else { return };
    machine.run(&["bash", "-euc", r#"mkdir -p /opt/hostile
        printf '[Unit]\nDescription=<script>alert(1)</script>\033[31m=cmd|calc\n[Service]\nExecStart=/opt/hostile/run\nEnvironment=DATABASE_URL=postgresql://u@evil.corp.example/%%3Cscript%%3E\n[Install]\nWantedBy=multi-user.target\n' > '/etc/systemd/system/<img src=x onerror=alert(1)>.service'
        ln -s '/etc/systemd/system/<img src=x onerror=alert(1)>.service' '/etc/systemd/system/multi-user.target.wants/<img src=x onerror=alert(1)>.service'"#]).expect_code(0);
    let data = survey(machine, "hostile-name");
    let report = machine.shell("cat /root/hostile-name/out/report.html");
    let markdown = machine
        .groma(&[
            "report", "--format", "markdown", "--out", "-", "--data", &data,
        ])
        .expect_code(0)
        .stdout;
    machine.shell("rm -rf /opt/hostile /etc/systemd/system/*img* /etc/systemd/system/multi-user.target.wants/*img*");
    assert!(
        !report.contains("<script>alert(1)") && !report.contains("<img src=x"),
        "the report would run it"
    );
    assert!(
        !markdown.contains("<script>alert(1)") && !markdown.contains("<img src=x"),
        "{markdown}"
    );
    assert!(
        !report.contains('\u{1b}') && !markdown.contains('\u{1b}'),
        "an escape sequence reached a sink"
    );
}
