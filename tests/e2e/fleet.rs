//! The fleet: real agents, a real collector, everything on loopback; what is said of it is judged by curl, the store's own file and what stands
//! in the export, never by a count of the collector.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn program(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.exists())
}

fn lack() -> Option<String> {
    let has = |script: &str| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    };
    match () {
        () if program("GROMA_BIN").is_none() || program("GROMA_AGENT_BIN").is_none() => Some(
            "GROMA_BIN and GROMA_AGENT_BIN do not name built programs; `tests/run e2e` sets them"
                .to_owned(),
        ),
        () if !has("command -v curl sqlite3 zstd jq") => {
            Some("curl, sqlite3, zstd or jq is missing (tests/stages/packages.sh)".to_owned())
        }
        () => None,
    }
}

/// A collector with its store, and whatever agents a test makes; all are ended with this value.
struct Fleet {
    home: tempfile::TempDir,
    serving: Option<Child>,
    agents: Vec<Child>,
    /// Enrolment, agents, operators.
    ports: [u16; 3],
    /// Where the store is, if it is no file.
    database: Option<String>,
}

impl Fleet {
    fn begin() -> Option<Self> {
        if let Some(lack) = lack() {
            groma_tests::skip(&lack);
            return None;
        }
        Some(Self::over(None, None))
    }

    /// A collector over a database, with the authority of another one.
    fn over(database: Option<String>, authority: Option<&Path>) -> Self {
        let home = tempfile::tempdir().unwrap();
        if let Some(from) = authority {
            let to = home.path().join("data/authority");
            assert!(
                Command::new("mkdir")
                    .args(["-p", "-m", "700"])
                    .arg(home.path().join("data"))
                    .status()
                    .unwrap()
                    .success()
            );
            assert!(
                Command::new("cp")
                    .arg("-a")
                    .arg(from)
                    .arg(to)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let mut fleet = Self {
            home,
            serving: None,
            agents: Vec::new(),
            ports: [0; 3],
            database,
        };
        fleet.serve();
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts the collector, at the ports it had before if it had any.
    fn serve(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("serve.log"))
            .unwrap();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let serving = Command::new(program("GROMA_BIN").unwrap())
            .args(["serve", "--data"])
            .arg(self.path("data"))
            .args(self.database.iter().flat_map(|url| ["--database", url]))
            .args([
                "--listen",
                &at(self.ports[0]),
                "--agents",
                &at(self.ports[1]),
                "--operators",
                &at(self.ports[2]),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.serving = Some(serving);
        self.ports = eventually(Duration::from_secs(20), || self.announced()).expect("it serves");
        eventually(Duration::from_secs(20), || {
            self.operators("/ready")
                .filter(|text| text.contains("200 OK"))
        })
        .expect("it is ready");
    }

    /// The ports that the newest collector says it listens at.
    fn announced(&self) -> Option<[u16; 3]> {
        let text = fs::read_to_string(self.path("serve.log")).ok()?;
        let line = text.lines().rfind(|line| line.starts_with("serving:"))?;
        let ports: Vec<u16> = line
            .split("127.0.0.1:")
            .skip(1)
            .filter_map(|rest| {
                rest.split(|c: char| !c.is_ascii_digit())
                    .next()?
                    .parse()
                    .ok()
            })
            .collect();
        ports.try_into().ok()
    }

    fn kill_collector(&mut self) {
        let mut serving = self.serving.take().unwrap();
        serving.kill().unwrap();
        serving.wait().unwrap();
    }

    /// What an operator's monitoring is answered; nothing if nobody answers.
    fn operators(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[2])).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn groma(&self, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_BIN").unwrap());
        command
            .arg("--data")
            .arg(self.path("data"))
            .args(self.database.iter().flat_map(|url| ["--database", url]))
            .args(words)
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    fn token(&self, words: &[&str]) -> PathBuf {
        let file = self.path(&format!(
            "token-{}",
            self.home.path().read_dir().unwrap().count()
        ));
        let made =
            self.groma(&[&["token", "create", "--out", file.to_str().unwrap()], words].concat());
        assert!(made.status.success(), "{}", said(&made));
        file
    }

    fn agent(&self, state: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_AGENT_BIN").unwrap());
        command
            .args(words)
            .env("GROMA_STATE_DIR", self.path(state))
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    fn enroll(&self, state: &str, token: &Path) -> Output {
        let url = format!("https://127.0.0.1:{}", self.ports[0]);
        self.agent(
            state,
            &[
                "enroll",
                "--collector",
                &url,
                "--token-file",
                token.to_str().unwrap(),
            ],
        )
    }

    fn run(&mut self, state: &str, every: &str) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("agents.log"))
            .unwrap();
        let running = Command::new(program("GROMA_AGENT_BIN").unwrap())
            .args(["run", "--keep-free-mib", "16", "--look-every", every])
            .env("GROMA_STATE_DIR", self.path(state))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.agents.push(running);
    }

    fn listed(&self) -> Vec<Value> {
        let listed = self.groma(&["agents", "list", "--format", "json"]);
        serde_json::from_slice(&listed.stdout).unwrap_or_default()
    }

    /// What the file of the store says, asked by somebody else.
    fn sql(&self, query: &str) -> String {
        let file = self.path("data/groma.db");
        let asked = Command::new("sqlite3")
            .args(["-cmd", ".timeout 10000", "-readonly"])
            .arg(file)
            .arg(query)
            .output()
            .unwrap();
        assert!(asked.status.success(), "{}", said(&asked));
        String::from_utf8_lossy(&asked.stdout).trim().to_owned()
    }

    fn quick(&self) {
        let quick = self.groma(&[
            "agents",
            "policy",
            "--beat-every",
            "10s",
            "--watch",
            "0s",
            "--source",
            "host.system",
        ]);
        assert!(quick.status.success(), "{}", said(&quick));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in self.agents.iter_mut().chain(&mut self.serving) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_machine_is_let_in_and_what_it_sees_stands_in_the_inventory() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    let enrolled = fleet.enroll("a", &fleet.token(&[]));
    assert!(enrolled.status.success(), "{}", said(&enrolled));
    fleet.run("a", "1h");
    let seen = eventually(Duration::from_secs(60), || {
        let exported = fleet.groma(&["export", "--format", "json", "--out", "-"]);
        let document: Value = serde_json::from_slice(&exported.stdout).ok()?;
        document["entities"]
            .as_array()?
            .iter()
            .find(|entity| entity["has_agent"] == true)
            .cloned()
    });
    let seen = seen.expect("the machine stands in the inventory");
    assert_eq!(seen["kind"], "host", "{seen}");
    let status = said(&fleet.agent("a", &["status"]));
    for word in [
        "running      yes",
        "takes what is sent",
        "fingerprint",
        "ceiling",
    ] {
        assert!(status.contains(word), "{word}: {status}");
    }
    let metrics = fleet.operators("/metrics").unwrap();
    assert!(
        metrics.contains("groma_agents{state=\"active\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("groma_batches_total 1"), "{metrics}");
    let coverage = said(&fleet.groma(&["agents", "coverage"]));
    assert!(
        coverage.starts_with("1 agents report, 0 are silent"),
        "{coverage}"
    );
}

#[test]
fn wrong_tokens_are_refused_in_a_sentence_and_a_stranger_hears_nothing() {
    let Some(ours) = Fleet::begin() else { return };
    let token = ours.token(&[]);
    assert!(ours.enroll("a", &token).status.success());
    let refused = |state: &str, token: &Path, fleet: &Fleet| {
        let output = fleet.enroll(state, token);
        assert!(!output.status.success() && !fleet.path(state).join("identity.json").exists());
        (output.status.code(), said(&output))
    };
    let (code, used) = refused("b", &token, &ours);
    assert!(
        code == Some(3) && used.contains("was used as often as it may be"),
        "{code:?} {used}"
    );
    let short = ours.token(&["--ttl", "1s"]);
    std::thread::sleep(Duration::from_millis(1500));
    let (_, over) = refused("b", &short, &ours);
    assert!(over.contains("this token is over"), "{over}");
    let damaged = ours.path("damaged");
    let text = fs::read_to_string(&token).unwrap();
    let other_letter = if &text[20..21] == "0" { "1" } else { "0" };
    fs::write(
        &damaged,
        format!("{}{other_letter}{}", &text[..20], &text[21..]),
    )
    .unwrap();
    let (_, wrong) = refused("b", &damaged, &ours);
    assert!(wrong.contains("copy it again"), "{wrong}");
    // Another collector, with another authority: the token is ours, so it hears nothing.
    let Some(other) = Fleet::begin() else { return };
    let (code, stranger) = refused("b", &ours.token(&[]), &other);
    assert!(
        code == Some(5) && stranger.contains("is not the collector"),
        "{code:?} {stranger}"
    );
    let heard = other.operators("/metrics").unwrap();
    assert!(
        heard.contains("groma_enrolments_refused_total 0")
            && heard.contains("groma_handshakes_failed_total 1"),
        "{heard}"
    );
    // Nobody is there: waiting may help, and the code says so.
    let mut other = other;
    other.kill_collector();
    let (code, nobody) = refused("b", &ours.token(&[]), &other);
    assert!(
        code == Some(4) && nobody.contains("cannot be reached"),
        "{code:?} {nobody}"
    );
    let secret = text.split('.').nth(1).unwrap();
    for text in [used, over, wrong, stranger, nobody] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_hundred_who_come_at_once_with_one_token_are_one_agent() {
    let Some(fleet) = Fleet::begin() else { return };
    let token = fleet.token(&[]);
    let many = 24;
    let fleet_ref = &fleet;
    let token_ref = token.as_path();
    let let_in = std::thread::scope(|scope| {
        let each: Vec<_> = (0..many)
            .map(|n| {
                scope.spawn(move || {
                    fleet_ref
                        .enroll(&format!("s{n}"), token_ref)
                        .status
                        .success()
                })
            })
            .collect();
        each.into_iter()
            .map(|one| one.join().unwrap())
            .filter(|in_| *in_)
            .count()
    });
    assert_eq!((let_in, fleet.listed().len()), (1, 1));
}

#[test]
fn who_waits_is_kept_after_a_person_said_yes_and_who_is_revoked_not_any_more() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(
        fleet
            .enroll("a", &fleet.token(&["--approve"]))
            .status
            .success()
    );
    fleet.run("a", "1s");
    let waits = eventually(Duration::from_secs(60), || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        (doing["status"]["spool_batches"].as_u64()? >= 3).then_some(())
    });
    waits.expect("what it sees waits in its spool");
    assert_eq!(fleet.sql("SELECT count(*) FROM look"), "0");
    let id = fleet.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(fleet.groma(&["agents", "approve", &id]).status.success());
    let kept = |least: u64| {
        fleet
            .sql("SELECT count(*) FROM look")
            .parse::<u64>()
            .ok()
            .filter(|looks| *looks >= least)
    };
    eventually(Duration::from_secs(120), || kept(3)).expect("what waited is kept");
    assert!(
        fleet
            .groma(&["agents", "revoke", &id, "--because", "the test says so"])
            .status
            .success()
    );
    let after = fleet.sql("SELECT count(*) FROM look");
    std::thread::sleep(Duration::from_secs(15));
    let later: u64 = fleet.sql("SELECT count(*) FROM look").parse().unwrap();
    assert!(
        later <= after.parse::<u64>().unwrap() + 1,
        "{after} looks, then {later}: one may have been on its way"
    );
    let status = said(&fleet.agent("a", &["status"]));
    assert!(status.contains("this agent was revoked"), "{status}");
}

#[test]
fn copies_of_an_agent_become_agents_of_their_own_and_lose_nothing() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("first", &fleet.token(&[])).status.success());
    let copies = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        49
    } else {
        5
    };
    for copy in 1..=copies {
        let state = format!("copy{copy}");
        fs::create_dir(fleet.path(&state)).unwrap();
        fs::copy(
            fleet.path("first/identity.json"),
            fleet.path(&state).join("identity.json"),
        )
        .unwrap();
    }
    fleet.run("first", "1h");
    (1..=copies).for_each(|copy| fleet.run(&format!("copy{copy}"), "1h"));
    let all = copies + 1;
    let apart = eventually(Duration::from_secs(150), || {
        (fleet.listed().len() == all).then_some(())
    });
    assert!(
        apart.is_some(),
        "{} of {all}: {:?}",
        fleet.listed().len(),
        fleet.listed()
    );
    let looked = |fleet: &Fleet| fleet.sql("SELECT count(DISTINCT vantage) FROM look");
    let each = eventually(Duration::from_secs(180), || {
        (looked(&fleet) == all.to_string()).then_some(())
    });
    assert!(
        each.is_some(),
        "{} of {all} have a look of their own",
        looked(&fleet)
    );
    // No copy is told apart twice, and nobody speaks for another.
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(fleet.listed().len(), all);
    assert_eq!(fleet.sql("SELECT count(*) - count(DISTINCT vantage || '/' || epoch || '/' || sequence || '/' || source) FROM look"), "0");
}

#[test]
fn a_second_look_goes_as_what_is_new_in_it_and_is_kept_the_same() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("a", &fleet.token(&[])).status.success());
    fleet.run("a", "1s");
    let number = |fleet: &Fleet, name: &str| -> Option<u64> {
        let metrics = fleet.operators("/metrics")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let against = |fleet: &Fleet| {
        eventually(Duration::from_secs(90), || {
            number(fleet, "groma_batches_against_total ").filter(|many| *many >= 2)
        })
    };
    against(&fleet).expect("looks come as what is new in them");
    let (batches, came) = (
        number(&fleet, "groma_batches_total ").unwrap(),
        number(&fleet, "groma_batches_against_total ").unwrap(),
    );
    assert!(
        batches > came,
        "the first one came whole: {batches}, {came}"
    );
    assert_eq!(number(&fleet, "groma_bases_unknown_total "), Some(0));
    let spared = number(&fleet, "groma_bytes_spared_total ").unwrap();
    let bytes = number(&fleet, "groma_bytes_total ").unwrap();
    eprintln!("{batches} batches, {came} of them as what is new: {bytes} bytes, {spared} spared");
    assert!(spared > 0);
    // A collector that was started again remembers no batch before: it says so, is sent one whole, and it goes on.
    fleet.kill_collector();
    fleet.serve();
    against(&fleet).expect("looks come as what is new in them again");
    assert_eq!(number(&fleet, "groma_bases_unknown_total "), Some(1));
    let runs = fleet.sql("SELECT min(sequence), max(sequence) - count(*), count(DISTINCT sequence) - count(*) FROM look WHERE source = 'host.system' GROUP BY epoch");
    assert_eq!(runs, "1|0|0", "every look is there, once");
    // Each look says what the one before said; had one come out otherwise, there would be other facts than those of a look that is carried by hand.
    let file = fleet.path("b.batch");
    let by_hand = [
        "look",
        "--source",
        "host.system",
        "--for",
        "0s",
        "--format",
        "batch",
        "--out",
        file.to_str().unwrap(),
    ];
    let looked = fleet.agent("b", &by_hand);
    assert!(looked.status.success(), "{}", said(&looked));
    let mut import = Command::new(program("GROMA_BIN").unwrap());
    import
        .arg("--data")
        .arg(fleet.path("other"))
        .arg("import")
        .arg(&file);
    let imported = import.stdin(Stdio::null()).output().unwrap();
    assert!(imported.status.success(), "{}", said(&imported));
    let facts = |store: &str| {
        let mut asked = Command::new("sqlite3");
        asked
            .arg("-readonly")
            .arg(fleet.path(store))
            .arg("SELECT json FROM fact ORDER BY json");
        String::from_utf8(asked.output().unwrap().stdout).unwrap()
    };
    let (sent, carried) = (facts("data/groma.db"), facts("other/groma.db"));
    assert!(!sent.is_empty());
    assert_eq!(sent, carried);
}

/// Who hands over batches and writes down what was acknowledged: curl, with the certificate of an agent, and no line of ours.
struct Witness {
    agent: String,
    site: String,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
    header: Value,
    body: String,
}

impl Witness {
    fn of(fleet: &Fleet) -> Self {
        assert!(fleet.enroll("w", &fleet.token(&[])).status.success());
        let identity: Value =
            serde_json::from_str(&fs::read_to_string(fleet.path("w/identity.json")).unwrap())
                .unwrap();
        let file = |name: &str, field: &str| {
            fs::write(fleet.path(name), identity[field].as_str().unwrap()).unwrap();
            fleet.path(name)
        };
        let looked = fleet.agent(
            "w2",
            &[
                "look",
                "--source",
                "host.system",
                "--for",
                "0s",
                "--format",
                "batch",
                "--out",
                fleet.path("w.batch").to_str().unwrap(),
            ],
        );
        assert!(looked.status.success(), "{}", said(&looked));
        let unpacked = Command::new("zstd")
            .args(["-dcq"])
            .arg(fleet.path("w.batch"))
            .output()
            .unwrap();
        let text = String::from_utf8(unpacked.stdout).unwrap();
        let (header, body) = text.split_once('\n').unwrap();
        Self {
            agent: identity["agent"].as_str().unwrap().to_owned(),
            site: identity["site"].as_str().unwrap().to_owned(),
            certificate: file("w.pem", "certificate"),
            key: file("w.key", "key"),
            authority: file("w.ca", "authorities"),
            header: serde_json::from_str(header).unwrap(),
            body: body.to_owned(),
        }
    }

    fn curl(&self, fleet: &Fleet, path: &str, words: &[&str]) -> Option<u16> {
        let asked = Command::new("curl")
            .args([
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "--max-time",
                "20",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(&self.authority)
            .arg("--cert")
            .arg(&self.certificate)
            .arg("--key")
            .arg(&self.key)
            .args([
                "--connect-to",
                &format!("collector.groma.internal:443:127.0.0.1:{}", fleet.ports[1]),
            ])
            .args(words)
            .arg(format!("https://collector.groma.internal{path}"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&asked.stdout)
            .parse()
            .ok()
            .filter(|code| *code != 0)
    }

    fn beat(&self, fleet: &Fleet) -> bool {
        let said = r#"{"run":7,"host":{"name":"w","system":"","fingerprint":"f","version":"0"},"status":{"spool_batches":0,"spool_bytes":0,"spool_losses":0},"policy":0,"now":"2026-01-01T00:00:00Z"}"#;
        self.curl(
            fleet,
            "/v1/beat",
            &[
                "-H",
                "content-type: application/json",
                "--data-binary",
                said,
            ],
        ) == Some(200)
    }

    fn batch(&self, fleet: &Fleet, sequence: u64) -> PathBuf {
        let mut header = self.header.clone();
        header["agent"] = self.agent.clone().into();
        header["site"] = self.site.clone().into();
        header["epoch"] = 7.into();
        header["sequence"] = sequence.into();
        let (plain, packed) = (fleet.path("next.jsonl"), fleet.path("next.zst"));
        fs::write(&plain, format!("{header}\n{}", self.body)).unwrap();
        assert!(
            Command::new("zstd")
                .args(["-qf", "-3"])
                .arg(&plain)
                .arg("-o")
                .arg(&packed)
                .status()
                .unwrap()
                .success()
        );
        packed
    }

    fn send(&self, fleet: &Fleet, packed: &Path, words: &[&str]) -> Option<u16> {
        let data = format!("@{}", packed.display());
        let all = [
            &[
                "-H",
                "groma-run: 7",
                "-H",
                "content-type: application/zstd",
                "--data-binary",
                &data,
            ],
            words,
        ]
        .concat();
        self.curl(fleet, "/v1/batches", &all)
    }
}

#[test]
fn a_collector_killed_again_and_again_keeps_what_it_acknowledged_once_each() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    let witness = Witness::of(&fleet);
    assert!(witness.beat(&fleet));
    let rounds = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        200
    } else {
        12
    };
    let mut acknowledged: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut sequence, mut slowest) = (1, Duration::ZERO);
    for round in 0..rounds {
        // The killer comes at another moment each round, in the middle of whatever there is.
        let process = fleet.serving.as_ref().unwrap().id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40 + round * 37 % 400));
            let _ = Command::new("kill").args(["-9", &process]).status();
        });
        while !killer.is_finished() {
            let packed = witness.batch(&fleet, sequence);
            if witness.send(&fleet, &packed, &[]) == Some(200) {
                *acknowledged.entry(sequence).or_default() += 1;
                sequence += 1;
            }
        }
        killer.join().unwrap();
        let _ = fleet.serving.as_mut().unwrap().wait();
        let begun = Instant::now();
        fleet.serve();
        slowest = slowest.max(begun.elapsed());
        // What was not acknowledged comes again, as an agent would send it: it may be there already.
        let packed = witness.batch(&fleet, sequence);
        if witness.send(&fleet, &packed, &[]) == Some(200) {
            *acknowledged.entry(sequence).or_default() += 1;
            sequence += 1;
        }
    }
    let kept = fleet.sql(&format!("SELECT sequence, count(*) FROM look WHERE vantage = '{}' AND source = 'host.system' GROUP BY sequence", witness.agent));
    let kept: BTreeMap<u64, u64> = kept
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(s, n)| (s.parse().unwrap(), n.parse().unwrap()))
        .collect();
    let lost: Vec<&u64> = acknowledged
        .keys()
        .filter(|sequence| !kept.contains_key(sequence))
        .collect();
    assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
    assert!(kept.values().all(|times| *times == 1), "{kept:?}");
    eprintln!(
        "{rounds} kills, {} acknowledged, 0 lost, 0 twice; serving again within {slowest:?} at most",
        acknowledged.len()
    );
    assert!(acknowledged.len() >= rounds as usize);
    let exported = fleet.groma(&["export", "--format", "json", "--out", "-"]);
    assert!(exported.status.success(), "{}", said(&exported));
}

#[test]
fn an_agent_killed_again_and_again_leaves_no_hole_in_what_it_sent() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("a", &fleet.token(&[])).status.success());
    let rounds = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        200
    } else {
        6
    };
    for round in 0..rounds {
        fleet.run("a", "1s");
        std::thread::sleep(Duration::from_millis(1500 + round * 211 % 1700));
        let mut agent = fleet.agents.pop().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }
    fleet.run("a", "1s");
    let drained = eventually(Duration::from_secs(180), || {
        let doing: Value =
            serde_json::from_str(&fs::read_to_string(fleet.path("a/status.json")).ok()?).ok()?;
        let waits = doing["status"]["spool_batches"].as_u64()?;
        (waits <= 1 && doing["takes"] == true && doing["process"] == fleet.agents[0].id())
            .then_some(())
    });
    drained.expect("what waited is sent");
    // Each run counts from one: what it appended it numbered, and what it numbered is there, without a hole and once.
    let runs = fleet.sql("SELECT epoch, min(sequence), max(sequence), count(*), count(DISTINCT sequence) FROM look WHERE source = 'host.system' GROUP BY epoch");
    let runs: Vec<Vec<u64>> = runs
        .lines()
        .map(|line| line.split('|').map(|n| n.parse().unwrap()).collect())
        .collect();
    assert!(!runs.is_empty());
    for run in &runs {
        assert_eq!((run[1], run[2], run[3]), (1, run[4], run[4]), "{runs:?}");
    }
}

#[test]
fn whoever_sends_what_is_no_batch_of_his_own_is_refused_and_nothing_of_it_is_kept() {
    let Some(fleet) = Fleet::begin() else { return };
    let mut witness = Witness::of(&fleet);
    assert!(witness.beat(&fleet));
    let send = |witness: &Witness, bytes: Option<&[u8]>| {
        let packed = witness.batch(&fleet, 1);
        if let Some(bytes) = bytes {
            fs::write(&packed, bytes).unwrap();
        }
        witness.send(&fleet, &packed, &[])
    };
    // A name of somebody else, a batch that breaks off, one that is none, and one that unpacks to a gigabyte.
    let own = std::mem::replace(&mut witness.agent, format!("agt-{}", "0".repeat(32)));
    assert_eq!(send(&witness, None), Some(403));
    witness.agent = own;
    let whole = fs::read(witness.batch(&fleet, 1)).unwrap();
    for cut in (0..whole.len()).step_by(whole.len() / 40 + 1) {
        assert_eq!(
            send(&witness, Some(&whole[..cut])),
            Some(400),
            "cut at {cut}"
        );
    }
    assert_eq!(send(&witness, Some(b"GIF89a")), Some(400));
    let bomb = Command::new("sh")
        .args(["-c", "head -c 1000000000 /dev/zero | zstd -q -3 -c"])
        .output()
        .unwrap()
        .stdout;
    assert_eq!(send(&witness, Some(&bomb)), Some(413));
    let large = vec![b'x'; (4 << 20) + 1];
    assert_eq!(send(&witness, Some(&large)), Some(413));
    // A run nobody heard of, and none at all.
    let packed = witness.batch(&fleet, 1);
    let data = format!("@{}", packed.display());
    assert_eq!(
        witness.curl(
            &fleet,
            "/v1/batches",
            &["-H", "groma-run: 8", "--data-binary", &data]
        ),
        Some(503)
    );
    assert_eq!(
        witness.curl(&fleet, "/v1/batches", &["--data-binary", &data]),
        Some(400)
    );
    // No certificate: not even a handshake.
    let none = Command::new("curl")
        .args([
            "-sk",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--noproxy",
            "*",
            &format!("https://127.0.0.1:{}/v1/beat", fleet.ports[1]),
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&none.stdout), "000");
    assert_eq!(fleet.sql("SELECT count(*) FROM look"), "0");
    // And its own batch, twice.
    assert_eq!(send(&witness, None), Some(200));
    assert_eq!(send(&witness, None), Some(200));
    assert_eq!(
        fleet.sql("SELECT count(*) FROM look WHERE source = 'host.system'"),
        "1"
    );
}

#[test]
fn connections_that_say_nothing_keep_nobody_else_waiting() {
    let Some(fleet) = Fleet::begin() else { return };
    let silent: Vec<TcpStream> = (0..120)
        .flat_map(|_| {
            [
                TcpStream::connect(("127.0.0.1", fleet.ports[0])),
                TcpStream::connect(("127.0.0.1", fleet.ports[1])),
            ]
        })
        .map(Result::unwrap)
        .collect();
    let enrolled = fleet.enroll("a", &fleet.token(&[]));
    assert!(enrolled.status.success(), "{}", said(&enrolled));
    drop(silent);
}

/// A PostgreSQL server of its own, reached by a socket in its own directory alone, and ended with this value.
struct Cluster {
    home: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    fn begin() -> Option<Self> {
        let programs = fs::read_dir("/usr/lib/postgresql")
            .ok()
            .and_then(|all| all.flatten().map(|one| one.path().join("bin")).max());
        let is_root = fs::metadata("/proc/self")
            .is_ok_and(|met| std::os::unix::fs::MetadataExt::uid(&met) == 0);
        let (Some(programs), true) = (programs, is_root) else {
            groma_tests::skip(
                "a PostgreSQL server needs its package, and root to start it as another user",
            );
            return None;
        };
        let cluster = Self {
            home: tempfile::tempdir().unwrap(),
            programs,
        };
        cluster.must(&["chown", "postgres", cluster.home.path().to_str().unwrap()]);
        let (files, socket) = (cluster.files(), cluster.home.path().display().to_string());
        cluster.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--encoding=UTF8", "-D", &files],
        );
        cluster.run(
            "pg_ctl",
            &[
                "-D",
                &files,
                "-w",
                "-l",
                &format!("{socket}/log"),
                "-o",
                &format!("-c listen_addresses='' -c unix_socket_directories={socket}"),
                "start",
            ],
        );
        cluster.run("createdb", &["-h", &socket, "groma"]);
        Some(cluster)
    }

    fn files(&self) -> String {
        self.home.path().join("files").display().to_string()
    }

    fn must(&self, words: &[&str]) -> String {
        let done = Command::new(words[0])
            .args(&words[1..])
            .current_dir("/")
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}: {}", said(&done));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn run(&self, program: &str, words: &[&str]) -> String {
        let program = self.programs.join(program).display().to_string();
        self.must(
            &[
                &[
                    "setpriv",
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    &program,
                ],
                words,
            ]
            .concat(),
        )
    }

    fn url(&self) -> String {
        format!(
            "postgres:///groma?host={}&user=postgres",
            self.home.path().display()
        )
    }

    fn sql(&self, query: &str) -> String {
        self.run(
            "psql",
            &[
                "-h",
                &self.home.path().display().to_string(),
                "-At",
                "-d",
                "groma",
                "-c",
                query,
            ],
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let program = self.programs.join("pg_ctl");
        let _ = Command::new("setpriv")
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
            .arg(program)
            .args(["-D", &self.files(), "-m", "immediate", "stop"])
            .current_dir("/")
            .output();
    }
}

#[test]
fn two_collectors_on_one_database_are_one_to_their_agents() {
    if let Some(lack) = lack() {
        groma_tests::skip(&lack);
        return;
    }
    let Some(cluster) = Cluster::begin() else {
        return;
    };
    let mut one = Fleet::over(Some(cluster.url()), None);
    let other = Fleet::over(Some(cluster.url()), Some(&one.path("data/authority")));
    // Let in by the one, heard by the other.
    let witness = Witness::of(&one);
    assert!(witness.beat(&other));
    for sequence in 1..=20 {
        let to = if sequence % 2 == 0 { &one } else { &other };
        assert_eq!(
            witness.send(to, &witness.batch(to, sequence), &[]),
            Some(200),
            "{sequence}"
        );
        // And again at the other one, as an agent does whose answer was lost.
        let again = if sequence % 2 == 0 { &other } else { &one };
        assert_eq!(
            witness.send(again, &witness.batch(again, sequence), &[]),
            Some(200)
        );
    }
    one.kill_collector();
    assert_eq!(
        witness.send(&other, &witness.batch(&other, 21), &[]),
        Some(200)
    );
    let kept = cluster.sql("SELECT count(*), count(DISTINCT sequence), max(sequence) FROM groma.look WHERE source = 'host.system'");
    assert_eq!(kept, "21|21|21");
    // What the one revokes the other refuses.
    one.serve();
    let id = other.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(
        one.groma(&["agents", "revoke", &id, "--because", "sold"])
            .status
            .success()
    );
    assert_eq!(
        witness.send(&other, &witness.batch(&other, 22), &[]),
        Some(403)
    );
    let exported = other.groma(&["export", "--format", "json", "--out", "-"]);
    assert!(exported.status.success(), "{}", said(&exported));
}

/// What an import says: its exit code and words.
fn imported(fleet: &Fleet, file: &Path) -> (Option<i32>, String) {
    let output = fleet.groma(&["import", file.to_str().unwrap()]);
    (output.status.code(), said(&output))
}

/// A look by hand of the machine with this state.
fn look_by_hand(fleet: &Fleet, state: &str, file: &str) -> PathBuf {
    let path = fleet.path(file);
    let out = path.to_str().unwrap();
    let words = [
        "look",
        "--source",
        "host.system",
        "--for",
        "0s",
        "--out",
        out,
    ];
    let looked = fleet.agent(state, &words);
    assert!(looked.status.success(), "{}", said(&looked));
    path
}

#[test]
fn what_an_agent_signed_is_carried_by_hand_and_counts_once_and_no_forgery_counts() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    for state in ["a", "b"] {
        let enrolled = fleet.enroll(state, &fleet.token(&["--site", "north"]));
        assert!(enrolled.status.success(), "{}", said(&enrolled));
    }
    let identity = |state: &str| -> Value {
        let text = fs::read_to_string(fleet.path(state).join("identity.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (a, b) = (identity("a"), identity("b"));
    fleet.kill_collector();
    let looks = |fleet: &Fleet| fleet.sql("SELECT count(*) FROM look");
    let first = look_by_hand(&fleet, "a", "first.batch");

    // Anybody reads it, as every batch.
    let read = Command::new("sh")
        .args([
            "-c",
            "zstd -dcq \"$1\" | jq -r 'select(.schema).agent, select(.schema).site'",
            "sh",
        ])
        .arg(&first)
        .output()
        .unwrap();
    let names = String::from_utf8_lossy(&read.stdout).into_owned();
    let own = format!("{}\nnorth\n", a["agent"].as_str().unwrap());
    assert_eq!(names, own, "{}", said(&read));

    // Every forgery is refused in a sentence, and nothing of it is kept.
    let whole = fs::read(&first).unwrap();
    let forged = |name: &str, bytes: &[u8]| {
        let path = fleet.path(name);
        fs::write(&path, bytes).unwrap();
        let (code, text) = imported(&fleet, &path);
        assert_eq!(text.trim().lines().count(), 1, "{text}");
        assert_eq!(looks(&fleet), "0", "{text}");
        (code, text)
    };
    let mut changed = whole.clone();
    changed[40] ^= 1;
    let (code, text) = forged("changed.batch", &changed);
    assert!(
        code == Some(5) && text.contains("changed after it was signed"),
        "{code:?} {text}"
    );
    let frame = whole
        .windows(4)
        .rposition(|at| at == [0x5b, 0x2a, 0x4d, 0x18])
        .unwrap();
    let (code, text) = forged("stripped.batch", &whole[..frame]);
    assert!(
        code == Some(5) && text.contains("is not signed"),
        "{code:?} {text}"
    );
    let other = fs::read(look_by_hand(&fleet, "b", "other.batch")).unwrap();
    let of_other = other
        .windows(4)
        .rposition(|at| at == [0x5b, 0x2a, 0x4d, 0x18])
        .unwrap();
    let (code, text) = forged(
        "mixed.batch",
        &[&whole[..frame], &other[of_other..]].concat(),
    );
    assert!(
        code == Some(5) && text.contains("changed after it was signed"),
        "{code:?} {text}"
    );
    // The second agent signs in the name of the first.
    let mut liar = b.clone();
    liar["agent"] = a["agent"].clone();
    fs::create_dir(fleet.path("liar")).unwrap();
    let keep = |state: &str, identity: &Value| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = fleet.path(state).join("identity.json");
        fs::write(&path, identity.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    keep("liar", &liar);
    let lie = fs::read(look_by_hand(&fleet, "liar", "lie.batch")).unwrap();
    let (code, text) = forged("lie.batch", &lie);
    assert!(
        code == Some(5) && text.contains("has signed it"),
        "{code:?} {text}"
    );
    // An agent of another fleet, under another authority.
    let Some(stranger) = Fleet::begin() else {
        return;
    };
    assert!(stranger.enroll("a", &stranger.token(&[])).status.success());
    let strange = fs::read(look_by_hand(&stranger, "a", "strange.batch")).unwrap();
    let (code, text) = forged("strange.batch", &strange);
    assert!(
        code == Some(5) && text.contains("under another authority"),
        "{code:?} {text}"
    );
    let (code, text) = forged("cut.batch", &whole[..whole.len() - 1]);
    assert!(
        code == Some(3) && text.contains("signature is damaged"),
        "{code:?} {text}"
    );

    // What is true is kept, once.
    let (code, text) = imported(&fleet, &first);
    assert!(
        code == Some(0) && text.contains("signed batch of"),
        "{code:?} {text}"
    );
    assert_eq!(looks(&fleet), "1");
    let (code, text) = imported(&fleet, &first);
    assert!(
        code == Some(0) && text.contains("was kept before; nothing changed"),
        "{code:?} {text}"
    );
    let second = look_by_hand(&fleet, "a", "second.batch");
    let (code, text) = imported(&fleet, &second);
    assert!(
        code == Some(0) && text.contains("signed batch of"),
        "{code:?} {text}"
    );
    assert_eq!(
        fleet.sql("SELECT count(DISTINCT epoch) || ' ' || count(DISTINCT vantage) FROM look"),
        "2 1"
    );
    let listed = fleet.listed();
    let shown = listed
        .iter()
        .find(|agent| agent["agent"] == a["agent"])
        .unwrap();
    assert!(shown["status"]["looked_at"].is_string(), "{shown}");
    let coverage = said(&fleet.groma(&["agents", "coverage"]));
    assert!(
        coverage.contains("1 machines are known, 1 of them with an agent"),
        "{coverage}"
    );

    // A store of somebody else, where nobody is enrolled, takes it as it takes any file, and says so.
    let alone = Command::new(program("GROMA_BIN").unwrap())
        .arg("--data")
        .arg(fleet.path("elsewhere"))
        .arg("import")
        .arg(&first)
        .output()
        .unwrap();
    let text = said(&alone);
    assert!(
        alone.status.success() && text.contains("not looked at") && text.contains("batch kept"),
        "{text}"
    );
    assert!(!fleet.path("elsewhere/authority").exists());

    // Who is revoked is refused by hand too.
    let id = a["agent"].as_str().unwrap();
    let third = look_by_hand(&fleet, "a", "third.batch");
    assert!(
        fleet
            .groma(&["agents", "revoke", id, "--because", "sold"])
            .status
            .success()
    );
    let (code, text) = imported(&fleet, &third);
    assert!(
        code == Some(5) && text.contains("was revoked: sold"),
        "{code:?} {text}"
    );
    assert_eq!(looks(&fleet), "2");
}

#[test]
fn what_waits_in_a_spool_is_carried_by_hand_and_a_second_way_changes_nothing() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(
        fleet
            .enroll("a", &fleet.token(&["--approve"]))
            .status
            .success()
    );
    fleet.run("a", "1s");
    let waits = || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        doing["status"]["spool_batches"]
            .as_u64()
            .filter(|waits| *waits >= 3)
    };
    eventually(Duration::from_secs(90), waits).expect("what it sees waits in its spool");
    let out = fleet.path("stick");
    let carry = |fleet: &Fleet| fleet.agent("a", &["carry", "--out", out.to_str().unwrap()]);
    let busy = carry(&fleet);
    assert!(
        busy.status.code() == Some(3) && said(&busy).contains("stop it"),
        "{}",
        said(&busy)
    );
    let mut running = fleet.agents.pop().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let carried = carry(&fleet);
    assert!(carried.status.success(), "{}", said(&carried));
    let files = |out: &Path| {
        let mut files: Vec<PathBuf> = fs::read_dir(out)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let batches = files(&out);
    assert!(batches.len() >= 3, "{batches:?}");

    let words = |files: &[PathBuf]| -> Vec<String> {
        let files = files.iter().map(|file| file.to_str().unwrap().to_owned());
        std::iter::once("import".to_owned()).chain(files).collect()
    };
    let import = |fleet: &Fleet| {
        let words = words(&batches);
        fleet.groma(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let early = import(&fleet);
    assert!(
        early.status.code() == Some(5) && said(&early).contains("groma agents approve"),
        "{}",
        said(&early)
    );
    let id = fleet.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(fleet.groma(&["agents", "approve", &id]).status.success());
    let taken = import(&fleet);
    assert!(taken.status.success(), "{}", said(&taken));
    let number = "SELECT count(DISTINCT vantage || '/' || epoch || '/' || sequence) FROM look";
    assert_eq!(fleet.sql(number), batches.len().to_string());

    // The same comes over the network as well: it is acknowledged, and nothing is there twice.
    fleet.run("a", "1h");
    let empty = || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        (doing["takes"] == true && doing["status"]["spool_batches"] == 0).then_some(())
    };
    eventually(Duration::from_secs(120), empty).expect("the spool is empty");
    let mut running = fleet.agents.pop().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let all: usize = fleet.sql(number).parse().unwrap();
    assert!(
        all <= batches.len() + 1,
        "{all}: one look of the new run besides {}",
        batches.len()
    );
    let nothing = fleet.agent(
        "a",
        &["carry", "--out", fleet.path("empty").to_str().unwrap()],
    );
    assert!(
        nothing.status.success() && said(&nothing).contains("nothing waits"),
        "{}",
        said(&nothing)
    );
}
