//! The law of the house, held by a machine: who may depend on whom, where each outside crate lives,
//! what a pure crate may not ask, and what must never stand in the tree.
//!
//! It reads `cargo metadata` and `deny.toml`, so there is one list of homes and it is the one a person reads.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The star: every crate, and the crates of ours it may name. What is absent here is forbidden.
const STAR: &[(&str, &[&str])] = &[
    ("groma-model", &[]),
    ("groma-fuzz", &[]),
    // What three sources share of an outside crate: a handshake that believes nobody.
    ("groma-tls", &[]),
    // What sources share that log on over TLS: a handshake that believes whom the access file names. Not pure: a signature holds
    // for a time, and the library asks the clock itself.
    ("groma-trust", &["groma-model", "groma-source"]),
    // The operator's way onto many machines: knows hosts files and ssh, and nothing of the flow.
    ("groma-deploy", &[]),
    ("groma-knowledge", &["groma-model"]),
    ("groma-source", &["groma-model"]),
    ("groma-sys", &["groma-model", "groma-source"]),
    ("groma-source-forward", SOURCE),
    ("groma-source-log", SOURCE),
    ("groma-source-host", SOURCE),
    (
        "groma-source-device",
        &[
            "groma-model",
            "groma-source",
            "groma-knowledge",
            "groma-tls",
        ],
    ),
    (
        "groma-source-service",
        &[
            "groma-model",
            "groma-source",
            "groma-knowledge",
            "groma-tls",
        ],
    ),
    ("groma-source-snmp", SOURCE),
    ("groma-source-socket", SOURCE),
    ("groma-source-sweep", SOURCE),
    ("groma-source-packet", SOURCE),
    ("groma-source-time", SOURCE),
    (
        "groma-source-x509",
        &[
            "groma-model",
            "groma-source",
            "groma-knowledge",
            "groma-tls",
        ],
    ),
    (
        "groma-source-directory",
        &[
            "groma-model",
            "groma-source",
            "groma-knowledge",
            "groma-trust",
        ],
    ),
    // What platforms write is read alike, whether they are asked or their exports are imported.
    ("groma-platform", &["groma-model"]),
    // The calls of Windows live in `sys`, and what they return means something only here.
    (
        "groma-source-windows",
        &["groma-model", "groma-source", "groma-sys", "groma-windows"],
    ),
    // What a Windows machine writes, whether an agent asks it or a document of it is imported.
    ("groma-windows", &["groma-model", "groma-knowledge"]),
    (
        "groma-source-hypervisor",
        &[
            "groma-model",
            "groma-source",
            "groma-platform",
            "groma-trust",
        ],
    ),
    ("groma-source-dns", SOURCE),
    ("groma-source-config", SOURCE),
    ("groma-source-content", SOURCE),
    ("groma-wire", &["groma-model"]),
    // Pure mechanism: what it keeps is opaque bytes to it.
    ("groma-spool", &[]),
    // The two ends of one conversation share its words, and nothing else.
    ("groma-ship", &["groma-model", "groma-wire"]),
    ("groma-serve", &["groma-model", "groma-wire"]),
    ("groma-store", &["groma-model"]),
    ("groma-import", &["groma-model", "groma-platform"]),
    ("groma-resolve", STAGE),
    ("groma-graph", STAGE),
    ("groma-check", STAGE),
    ("groma-diff", STAGE),
    ("groma-estimate", STAGE),
    ("groma-export", STAGE),
    ("groma-wave", STAGE),
    ("groma-report", STAGE),
    ("groma-share", STAGE),
    ("groma-workbook", STAGE),
    (
        "groma-agent",
        &[
            "groma-model",
            "groma-source",
            "groma-sys",
            "groma-knowledge",
            "groma-wire",
            "groma-ship",
            "groma-spool",
            "groma-source-forward",
            "groma-source-log",
            "groma-source-host",
            "groma-source-device",
            "groma-source-service",
            "groma-source-snmp",
            "groma-source-socket",
            "groma-source-sweep",
            "groma-source-packet",
            "groma-source-time",
            "groma-source-x509",
            "groma-source-directory",
            "groma-source-dns",
            "groma-source-config",
            "groma-source-content",
            "groma-source-hypervisor",
            "groma-source-windows",
        ],
    ),
    (
        // `groma-agent` for `groma survey` alone, which looks in-process; the machine it looks through comes with it.
        "groma-collector",
        &[
            "groma-agent",
            "groma-deploy",
            "groma-model",
            "groma-source",
            "groma-sys",
            "groma-knowledge",
            "groma-wire",
            "groma-serve",
            "groma-deploy",
            "groma-store",
            "groma-import",
            "groma-resolve",
            "groma-graph",
            "groma-check",
            "groma-diff",
            "groma-estimate",
            "groma-export",
            "groma-wave",
            "groma-workbook",
            "groma-report",
            "groma-share",
            // What a script wrote on a Windows machine is read as its agent would read the machine.
            "groma-windows",
        ],
    ),
    ("groma-tests", &["groma-model", "groma-knowledge"]),
];

const SOURCE: &[&str] = &["groma-model", "groma-source", "groma-knowledge"];
const STAGE: &[&str] = &["groma-model", "groma-knowledge"];

/// What tests alone may name besides: the mutator, and the real machine to try a source on.
const FOR_TESTS: &[&str] = &["groma-fuzz", "groma-sys"];

/// Edges of tests alone, one by one: a stage that is tried on what the stage before it really makes, and a
/// crate that names itself to switch a feature on.
const TEST_EDGES: &[(&str, &str)] = &[
    ("groma-graph", "groma-resolve"),
    // A sheet of devices goes out through one and comes back through the other.
    ("groma-graph", "groma-report"),
    ("groma-graph", "groma-import"),
    // So do questionnaires and the risk register.
    ("groma-import", "groma-report"),
    // So does a document for NetBox.
    ("groma-import", "groma-export"),
    // So does a workbook in the layout of RVTools.
    ("groma-import", "groma-workbook"),
    // What may leave the house is tried in every format it leaves in.
    ("groma-share", "groma-report"),
    ("groma-share", "groma-export"),
    ("groma-share", "groma-workbook"),
    // A roll-over of the authority is seen from both ends of one handshake.
    ("groma-serve", "groma-ship"),
    ("groma-store", "groma-store"),
    ("groma-spool", "groma-spool"),
];

/// Crates that take time, bytes and chance as arguments. Their `clippy.toml` says so.
const PURE: &[&str] = &[
    "model",
    "wire",
    "resolve",
    "graph",
    "check",
    "diff",
    "estimate",
    "export",
    "wave",
    "knowledge",
    "platform",
    "windows",
    "report",
    "share",
    "workbook",
];

/// What a pure crate's `clippy.toml` must ban at least.
const BANNED: &[&str] = &[
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::fs::read",
    "std::fs::File::open",
    "std::env::var",
    "std::process::Command::new",
];

/// What asks the C library for the addresses of a name, or may. A static program that does loads the name-service modules of another
/// C library (docs/decisions/0089): names go through `Network::addresses`, and a connection to one that is known through
/// `connect_timeout` or a socket of its own.
const ASKS_FOR_NAMES: &[&str] = &[
    "ToSocketAddrs",
    "to_socket_addrs",
    "lookup_host",
    "getaddrinfo",
    "gethostbyname",
    "DefaultResolver",
    "TcpStream::connect(",
    "ureq::agent(",
    "Agent::new_with_",
];

/// Outside crates that are a language of their own and may be spoken anywhere.
const COMMON: &[&str] = &[
    "aho-corasick",
    "insta",
    "libc",
    "memchr",
    "proptest",
    "rayon",
    "regex",
    "rustls-pki-types",
    "serde",
    "serde_json",
    "sha2",
    "tempfile",
    "thiserror",
    "toml",
    "windows-sys",
];

/// How many outside crates stand in the lock file in more than one version. It may only fall.
const DOUBLED_MAX: usize = 16;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    kind: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    wrappers: Option<BTreeSet<String>>,
    reason: String,
}

/// Everything cargo knows, for this platform: nothing is fetched for platforms we do not build here.
fn metadata() -> Metadata {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .expect("rustc names its host");
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn deny(root: &Path) -> Deny {
    toml::from_str(&std::fs::read_to_string(root.join("deny.toml")).unwrap())
        .expect("deny.toml is understood")
}

impl Metadata {
    fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|p| self.workspace_members.contains(&p.id))
    }
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path
            .parent()
            .expect("a manifest lies in a folder")
    }
}

#[test]
fn no_crate_of_ours_names_another_outside_the_star() {
    let star: BTreeMap<_, _> = STAR.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata().ours() {
        let Some(allowed) = star.get(package.name.as_str()) else {
            wrong.push(format!(
                "{} is not in the star of tests/layering.rs",
                package.name
            ));
            continue;
        };
        for named in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let edge = (package.name.as_str(), named.name.as_str());
            let for_tests = named.kind.as_deref() == Some("dev")
                && (FOR_TESTS.contains(&edge.1) || TEST_EDGES.contains(&edge));
            if !allowed.contains(&named.name.as_str()) && !for_tests {
                wrong.push(format!("{} names {}", package.name, named.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "new edges (no stage depends on another stage): {wrong:#?}"
    );
}

/// The agent, and every crate of ours it is made of.
fn made_into_the_agent(metadata: &Metadata) -> Vec<&Package> {
    let mut names = BTreeSet::from(["groma-agent"]);
    loop {
        let all: Vec<&Package> = metadata
            .ours()
            .filter(|package| names.contains(package.name.as_str()))
            .collect();
        let named = all.iter().flat_map(|package| &package.dependencies);
        let named = named.filter(|d| d.path.is_some() && d.kind.as_deref() != Some("dev"));
        let before = names.len();
        names.extend(named.map(|d| d.name.as_str()));
        if names.len() == before {
            return all;
        }
    }
}

/// The lines of a source file that ask the C library for names; comments may speak of it.
fn asking_for_names(text: &str) -> Vec<(usize, &str)> {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let asks = |line: &str| ASKS_FOR_NAMES.iter().any(|word| code(line).contains(word));
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| asks(line)).collect()
}

#[test]
fn the_agent_asks_the_c_library_for_no_name() {
    let metadata = metadata();
    let all = made_into_the_agent(&metadata);
    assert!(
        all.len() > 20,
        "the agent is made of more than {}",
        all.len()
    );
    let mut wrong = Vec::new();
    for (file, text) in tree(&metadata.workspace_root) {
        let file = metadata.workspace_root.join(file);
        let is_code = file.extension().is_some_and(|e| e == "rs")
            && all.iter().any(|p| file.starts_with(p.folder().join("src")));
        let lines = match is_code {
            true => asking_for_names(&text),
            false => Vec::new(),
        };
        wrong.extend(
            lines
                .iter()
                .map(|(at, line)| format!("{}:{at}: {}", file.display(), line.trim())),
        );
    }
    assert!(
        wrong.is_empty(),
        "ask `Network::addresses` instead (docs/decisions/0089): {wrong:#?}"
    );
}

#[test]
fn a_line_that_asks_for_a_name_is_found_and_one_that_speaks_of_it_is_not() {
    for line in [
        "use std::net::ToSocketAddrs;",
        "let found = (name, 0).to_socket_addrs();",
        "tokio::net::lookup_host(name).await",
        "TcpStream::connect((\"db1\", 5432))",
    ] {
        assert_eq!(asking_for_names(line), [(1, line)]);
    }
    let silent = "// to_socket_addrs would ask\nTcpStream::connect_timeout(&to, timeout)\nsocket.connect(to)\n";
    assert!(asking_for_names(silent).is_empty());
}

#[test]
fn every_crate_of_the_star_exists() {
    let metadata = metadata();
    let names: BTreeSet<_> = metadata.ours().map(|p| p.name.as_str()).collect();
    let missing: Vec<_> = STAR
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !names.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "in the star but not in the workspace: {missing:?}"
    );
}

#[test]
fn a_folder_is_its_package_without_groma() {
    for package in metadata().ours() {
        let folder = package.folder().file_name().unwrap().to_str().unwrap();
        assert_eq!(format!("groma-{folder}"), package.name);
    }
}

#[test]
fn every_outside_crate_lives_at_home() {
    let metadata = metadata();
    let deny = deny(&metadata.workspace_root);
    let homes: BTreeMap<_, _> = deny
        .bans
        .deny
        .iter()
        .map(|b| (b.name.as_str(), b))
        .collect();
    let mut wrong = Vec::new();
    for package in metadata.ours() {
        for named in package.dependencies.iter().filter(|d| d.path.is_none()) {
            match homes.get(named.name.as_str()) {
                Some(Ban {
                    wrappers: Some(wrappers),
                    reason,
                    ..
                }) if !wrappers.contains(&package.name) => {
                    let dev = named.kind.as_deref() == Some("dev");
                    if !dev {
                        wrong.push(format!(
                            "{} names {} ({reason}; homes: {wrappers:?})",
                            package.name, named.name
                        ));
                    }
                }
                Some(Ban {
                    wrappers: None,
                    reason,
                    ..
                }) => {
                    wrong.push(format!(
                        "{} names {}, which nobody may ({reason})",
                        package.name, named.name
                    ));
                }
                Some(_) => {}
                None if COMMON.contains(&named.name.as_str()) => {}
                None => wrong.push(format!(
                    "{} names {}, which has no home in deny.toml",
                    package.name, named.name
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_nobody_may_name_is_not_brought_along_either() {
    let metadata = metadata();
    let unwanted: Vec<_> = deny(&metadata.workspace_root)
        .bans
        .deny
        .into_iter()
        .filter(|b| b.wrappers.is_none())
        .filter(|b| metadata.packages.iter().any(|p| p.name == b.name))
        .map(|b| format!("{} ({})", b.name, b.reason))
        .collect();
    assert!(unwanted.is_empty(), "{unwanted:#?}");
}

#[test]
fn a_home_nobody_lives_in_is_removed_from_the_list() {
    let metadata = metadata();
    let named: BTreeSet<_> = metadata
        .ours()
        .flat_map(|p| &p.dependencies)
        .map(|d| d.name.as_str())
        .collect();
    let empty: Vec<_> = deny(&metadata.workspace_root)
        .bans
        .deny
        .into_iter()
        .filter(|b| b.wrappers.is_some() && !named.contains(b.name.as_str()))
        .map(|b| b.name)
        .collect();
    assert!(
        empty.is_empty(),
        "deny.toml gives a home to crates we do not use: {empty:?}"
    );
}

#[test]
fn every_licence_is_one_we_allow() {
    let metadata = metadata();
    let allow = deny(&metadata.workspace_root).licenses.allow;
    let wrong: Vec<_> = metadata
        .packages
        .iter()
        .filter(|p| !p.license.as_deref().is_some_and(|l| permitted(l, &allow)))
        .map(|p| format!("{} {}: {:?}", p.name, p.version, p.license))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Judges an SPDX expression: `OR` needs one side, `AND` both; `/` is the old way to write `OR`.
fn permitted(expression: &str, allow: &BTreeSet<String>) -> bool {
    let flat = expression.replace('/', " OR ");
    let depth_free = |text: &str, word: &str| -> Option<(String, String)> {
        let mut depth = 0_i32;
        for (at, c) in text.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ if depth == 0 && text[at..].starts_with(word) => {
                    return Some((text[..at].to_owned(), text[at + word.len()..].to_owned()));
                }
                _ => {}
            }
        }
        None
    };
    if let Some((left, right)) = depth_free(&flat, " OR ") {
        return permitted(&left, allow) || permitted(&right, allow);
    }
    if let Some((left, right)) = depth_free(&flat, " AND ") {
        return permitted(&left, allow) && permitted(&right, allow);
    }
    let one = flat.trim();
    match one.strip_prefix('(').and_then(|o| o.strip_suffix(')')) {
        Some(inner) => permitted(inner, allow),
        None => allow.contains(one),
    }
}

#[test]
fn licence_expressions_are_judged_as_spdx_means_them() {
    let allow: BTreeSet<String> = ["MIT", "ISC"].map(String::from).into();
    assert!(permitted("GPL-3.0 OR MIT", &allow));
    assert!(permitted("(GPL-3.0 OR MIT) AND ISC", &allow));
    assert!(permitted("GPL-3.0/MIT", &allow));
    assert!(!permitted("GPL-3.0 AND MIT", &allow));
    assert!(!permitted("(MIT OR ISC) AND GPL-3.0", &allow));
    assert!(!permitted("", &allow));
}

#[test]
fn the_number_of_doubled_crates_only_falls() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &metadata.packages {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    let doubled: Vec<_> = versions.iter().filter(|(_, v)| v.len() > 1).collect();
    assert!(
        doubled.len() <= DOUBLED_MAX,
        "{} doubled crates, {DOUBLED_MAX} were enough: {doubled:#?}",
        doubled.len()
    );
}

#[test]
fn every_pure_crate_bans_clock_disk_and_surroundings() {
    let root = metadata().workspace_root;
    for name in PURE {
        let file = root.join("crates").join(name).join("clippy.toml");
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let settings: toml::Table = toml::from_str(&text).unwrap();
        let banned: BTreeSet<_> = settings["disallowed-methods"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["path"].as_str().unwrap())
            .collect();
        for path in BANNED {
            assert!(
                banned.contains(path),
                "{} does not ban {path}",
                file.display()
            );
        }
        let outer: toml::Table =
            toml::from_str(&std::fs::read_to_string(root.join("clippy.toml")).unwrap()).unwrap();
        for (key, value) in &outer {
            assert_eq!(
                settings.get(key),
                Some(value),
                "{} replaces the root file and lost {key}",
                file.display()
            );
        }
    }
}

#[test]
fn no_crate_but_sys_may_contain_unsafe_code() {
    for package in metadata().ours() {
        if package.name == "groma-sys" {
            continue;
        }
        let file = package.folder().join("src/lib.rs");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("#![forbid(unsafe_code)]"),
            "{} does not forbid unsafe code",
            file.display()
        );
    }
}

#[test]
fn a_program_is_a_few_lines_over_its_library() {
    for package in metadata()
        .ours()
        .filter(|p| ["groma-agent", "groma-collector"].contains(&p.name.as_str()))
    {
        let text = std::fs::read_to_string(package.folder().join("src/main.rs")).unwrap();
        let lines = text
            .lines()
            .filter(|l| !l.trim().is_empty() && !l.trim().starts_with("//"))
            .count();
        assert!(
            lines <= 8,
            "{}: main.rs has {lines} lines of code",
            package.name
        );
    }
}

/// Every text file of the tree that is ours: what git knows, or would.
fn tree(root: &Path) -> Vec<(PathBuf, String)> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .expect("git runs");
    String::from_utf8(output.stdout)
        .unwrap()
        .split_terminator('\0')
        .filter_map(|name| Some((name.into(), std::fs::read_to_string(root.join(name)).ok()?)))
        .collect()
}

#[test]
fn the_tree_names_no_registry_host_and_no_path_of_a_workplace() {
    let root = metadata().workspace_root;
    let workplace = ["/ro", "ot/"].concat();
    let words = [
        "static.crates",
        "index.crates",
        "artifact-registry",
        "pkg.dev",
        "pypi.org",
        "/home/runner",
    ];
    let mut found = Vec::new();
    for (file, text) in tree(&root) {
        // Public registries are names the product must know, to fold them away.
        let exempt = [
            "Cargo.lock",
            "tests/layering.rs",
            "crates/knowledge/data/public.toml",
        ];
        if exempt.iter().any(|e| file.ends_with(e)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let own = line.contains(root.to_str().unwrap()) && root.components().count() > 2;
            if own
                || words.iter().any(|w| line.contains(w))
                || (line.contains(&workplace) && line.contains(".cargo"))
            {
                found.push(format!(
                    "{}:{}: {}",
                    file.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_lock_file_takes_crates_from_the_public_index_only() {
    let lock = std::fs::read_to_string(metadata().workspace_root.join("Cargo.lock")).unwrap();
    let strange: Vec<_> = lock
        .lines()
        .filter(|l| l.starts_with("source = "))
        .filter(|l| *l != "source = \"registry+https://github.com/rust-lang/crates.io-index\"")
        .collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn every_decision_says_context_decision_consequences_and_roads_not_taken() {
    let folder = metadata().workspace_root.join("docs/decisions");
    let mut numbers = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let number = name.split('-').next().unwrap();
        assert!(
            number.len() == 4 && numbers.insert(number.to_owned()),
            "{name} has no number of its own"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        for heading in [
            "# ",
            "## Context",
            "## Decision",
            "## Consequences",
            "## Roads not taken",
        ] {
            assert!(
                text.lines().any(|l| l.starts_with(heading)),
                "{name} lacks {heading:?}"
            );
        }
        assert!(text.lines().count() <= 80, "{name} is longer than a page");
    }
    assert!(numbers.len() >= 8, "decisions went missing: {numbers:?}");
}

#[test]
fn every_link_between_our_pages_leads_somewhere() {
    let root = metadata().workspace_root;
    let mut dead = Vec::new();
    for (file, text) in tree(&root) {
        if file.extension().is_none_or(|e| e != "md") {
            continue;
        }
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.contains(' ') {
                continue;
            }
            let base = root.join(&file);
            if !base.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn the_readme_names_only_files_and_stages_that_exist() {
    let root = metadata().workspace_root;
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(
        readme.contains("cargo run --release --bin groma -- survey"),
        "the first command is gone"
    );
    assert!(
        readme.lines().any(|l| l.trim().starts_with("tests/run")),
        "the second command is gone"
    );
    let run = root.join("tests/run");
    use std::os::unix::fs::PermissionsExt as _;
    for program in [run.clone(), root.join(".ci/run")] {
        let mode = std::fs::metadata(&program).unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{} cannot be run", program.display());
    }
    let binaries: BTreeSet<_> = ["agent", "collector"]
        .iter()
        .flat_map(|folder| {
            let manifest = std::fs::read_to_string(root.join(folder).join("Cargo.toml")).unwrap();
            let manifest: toml::Table = toml::from_str(&manifest).unwrap();
            manifest["bin"]
                .as_array()
                .unwrap()
                .iter()
                .map(|b| b["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(binaries, ["groma", "groma-agent"].map(String::from).into());
}
