//! `--share`: nothing of a store's names in any document, the same pseudonyms in all of them, and the way back.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use groma_model::inventory::Inventory;

const REPORTS: [&str; 5] = ["html", "markdown", "json", "csv", "xlsx"];
const EXPORTS: [&str; 10] = [
    "json",
    "csv",
    "mail-routes-csv",
    "graphml",
    "dot",
    "mermaid",
    "ansible",
    "prometheus-sd",
    "netbox",
    "glpi",
];
const TABLES: [&str; 5] = ["dependencies", "ledger", "mail-ledger", "devices", "risks"];

struct House {
    groma: PathBuf,
    home: tempfile::TempDir,
}

impl House {
    /// A generated estate with an owner, a wave and a snapshot; nothing where no program was built.
    fn built() -> Option<Self> {
        let Some(groma) = std::env::var_os("GROMA_BIN")
            .map(PathBuf::from)
            .filter(|p| p.is_file())
        else {
            groma_tests::skip("GROMA_BIN names no built program; `tests/run e2e` sets it");
            return None;
        };
        let house = Self {
            groma,
            home: tempfile::tempdir().unwrap(),
        };
        house.done(&["generate", "--hosts", "30", "--dependencies", "300"]);
        house.done(&[
            "annotate",
            "slapd00001.generated.invalid",
            "--owner",
            "Zephyrine Quux",
            "--by",
            "xaverk",
        ]);
        house.done(&["snapshot", "take", "before-frankfurt"]);
        let wave =
            "name = \"frankfurt\"\norder = 1\nmembers = [\"postfix00002.generated.invalid\"]\n";
        fs::write(house.path("frankfurt.toml"), wave).unwrap();
        Some(house)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.groma);
        command.arg("--data").arg(self.path("data")).args(words);
        command
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        said
    }

    fn refused(&self, words: &[&str], code: i32, why: &str) {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(why), "{words:?}: {said}");
    }
}

/// Words of the store that must not leave it.
fn names() -> Vec<String> {
    let services = ["postgresql", "slapd", "postfix", "nginx", "smbd"];
    let hosts = (0..30).map(|host| format!("{}{host:05}", services[host % 5]));
    let addresses = (0..30).map(|host| format!("10.0.0.{}", host + 1));
    let others = [
        "generated.invalid",
        "zephyrine",
        "quux",
        "xaverk",
        "frankfurt",
        "00000000000000000000000000000007",
    ];
    hosts
        .chain(addresses)
        .chain(others.map(str::to_owned))
        .collect()
}

fn leaks(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let stands = |name: &String| {
        let ends = |at: usize| {
            lower
                .get(at + name.len()..)
                .and_then(|rest| rest.chars().next())
        };
        lower.match_indices(name.as_str()).any(|(at, _)| {
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            let is_more = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            !is_more(before) && !is_more(ends(at))
        })
    };
    names().into_iter().filter(stands).collect()
}

#[test]
fn no_document_names_what_is_in_the_store() {
    let Some(house) = House::built() else { return };
    let mut commands: Vec<Vec<&str>> = Vec::new();
    commands.extend(REPORTS.map(|format| vec!["report", "--format", format]));
    commands.extend(EXPORTS.map(|format| vec!["export", "--format", format]));
    commands.extend(TABLES.map(|table| vec!["export", "--format", "csv", "--table", table]));
    let more: [&[&str]; 3] = [
        &[],
        &["--snapshot", "before-frankfurt"],
        &["--wave", "frankfurt.toml"],
    ];
    let mut open = 0;
    for command in &commands {
        for more in more {
            let words = [command.as_slice(), more, &["--out", "open"]].concat();
            house.done(&words);
            let text = fs::read(house.path("open")).unwrap();
            open += leaks(&String::from_utf8_lossy(&text)).len();
            let words = [command.as_slice(), more, &["--share", "--out", "shared"]].concat();
            let said = house.done(&words);
            let text = fs::read(house.path("shared")).unwrap();
            let found = leaks(&(said + &String::from_utf8_lossy(&text)));
            assert!(found.is_empty(), "{words:?} has {found:?}");
        }
    }
    assert!(open > 500, "without --share the names are found: {open}");
    let mode = |name: &str| fs::metadata(house.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data/share.key"), mode("shared")), (0o600, 0o600));
    assert_eq!(fs::read(house.path("data/share.key")).unwrap().len(), 32);
}

fn document(house: &House, words: &[&str]) -> Inventory {
    let words = [&["export", "--format", "json", "--out", "document"], words].concat();
    house.done(&words);
    serde_json::from_slice(&fs::read(house.path("document")).unwrap()).unwrap()
}

#[test]
fn the_structure_stays_and_a_name_is_the_same_everywhere() {
    let Some(house) = House::built() else { return };
    let open = document(&house, &[]);
    let shared = document(&house, &["--share"]);
    let again = document(&house, &["--share", "--snapshot", "before-frankfurt"]);
    let sizes = |i: &Inventory| {
        (
            i.entities.len(),
            i.dependencies.len(),
            i.findings.len(),
            i.evidence.len(),
            i.listeners.len(),
        )
    };
    assert_eq!(sizes(&open), sizes(&shared));
    let hosts = |i: &Inventory| {
        i.entities
            .iter()
            .map(|e| e.name.clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(hosts(&shared), hosts(&again));
    assert_eq!(hosts(&shared).len(), hosts(&open).len());
    let ports = |i: &Inventory| {
        let mut all: Vec<_> = i
            .dependencies
            .iter()
            .map(|d| (d.kind.clone(), d.provider.port))
            .collect();
        all.sort();
        all
    };
    assert_eq!(ports(&open), ports(&shared));
    assert!(shared.shared.is_some() && open.shared.is_none());
    // With another key everything has another name.
    fs::remove_file(house.path("data/share.key")).unwrap();
    let other = document(&house, &["--share"]);
    assert!(hosts(&other).is_disjoint(&hosts(&shared)));
}

#[test]
fn the_way_back_is_the_owners_and_is_never_replaced() {
    let Some(house) = House::built() else { return };
    let shared = document(&house, &["--share", "--names", "names.csv"]);
    let table = fs::read_to_string(house.path("names.csv")).unwrap();
    let host = shared.entities.iter().find(|e| e.kind == "host").unwrap();
    let line = table
        .lines()
        .find(|line| line.starts_with(&format!("{},", host.name)))
        .unwrap();
    let open = document(&house, &[]);
    let original = line.rsplit(',').next().unwrap();
    assert!(open.entities.iter().any(|e| e.name == original), "{line}");
    let mode = fs::metadata(house.path("names.csv"))
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o600);
    house.refused(
        &["export", "--share", "--names", "names.csv", "--out", "x"],
        5,
        "is there",
    );
    assert!(
        !house.path("x").exists(),
        "nothing is written where the way back is refused"
    );
    assert_eq!(fs::read_to_string(house.path("names.csv")).unwrap(), table);
    house.refused(
        &["report", "--share", "--names", "./y", "--out", "y"],
        2,
        "both",
    );
    house.refused(&["report", "--names", "z"], 2, "--share");
    house.refused(
        &["report", "--share", "--names", "-", "--out", "z"],
        2,
        "file",
    );
}

#[test]
fn sheets_that_come_back_are_not_shared() {
    let Some(house) = House::built() else { return };
    for words in [
        [
            "report",
            "--share",
            "--format",
            "questionnaire",
            "--out",
            "sheets",
        ],
        [
            "report",
            "--share",
            "--format",
            "device-sheet",
            "--out",
            "sheet",
        ],
    ] {
        house.refused(&words, 2, "cannot be shared");
    }
    assert!(!house.path("sheets").exists());
    let words = [
        "export",
        "--share",
        "--format",
        "csv",
        "--table",
        "device-sheet",
    ];
    house.refused(&words, 2, "cannot be shared");
}

#[test]
fn a_key_that_others_may_read_is_none() {
    let Some(house) = House::built() else { return };
    house.done(&["export", "--share", "--out", "x"]);
    let key = house.path("data/share.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    house.refused(
        &["export", "--share", "--out", "y"],
        3,
        "others may read it",
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, b"short").unwrap();
    house.refused(&["export", "--share", "--out", "y"], 3, "32 bytes");
    assert!(!house.path("y").exists());
}
