//! The command line of the judge: what was typed, the files it names, and what is written.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use groma_model::inventory::Inventory;
use serde::Serialize;

use super::baseline::Baseline;
use super::finding::{PeerReport, entities_amiss, of_inventory, of_peer};
use super::judge::{Generosity, Invented, Score, Verdict, judge};
use super::ledger::{self, Told, Use};
use super::place::{Place, Places};
use super::table::Table;
use super::truth::{Entry, LabTruth};
use super::{Unreadable, canaries, markdown, text_of};

const USAGE: &str = "\
scoreboard: holds what was found in the lab against what is true there

    scoreboard --truth FILE… --hosts DIR --names FILE --inventory FILE [OPTIONS]

    --truth FILE            a truth file; may be given several times
    --hosts DIR             the folder with HOST/host.toml
    --names FILE            domains and aliases of the lab
    --inventory FILE        what `groma export --format json` wrote
    --peer FILE             what a peer found; may be given several times
    --ledgers FILE          the truth of the ledgers: who binds and who sends, as whom
    --text FILE             anything groma printed or sent, to look for secrets in; may be given several times
    --slice                 judge only what the hosts of the fast slice can tell
    --only HOST[,HOST…]     judge only what these hosts can tell
    --measuring ADDRESS     leave out what this machine did: it is the one that measures, and no part of the lab
    --about KEY=VALUE       a line for the head of the page; `seconds` and `version` go into the table
    --out DIR               write scoreboard.md and scoreboard.json there
    --require FILE          exit 1 if anything listed there as found is lost, or anything else is invented
    --write-baseline FILE   write what was found and invented
    --narrow-baseline FILE  take out of it what this run did not find, and add what it invented

Exit codes: 0 judged; 1 worse than the baseline, or a secret leaked (only with --require); 2 wrong usage;
3 an input could not be read.
";

/// What was typed.
#[derive(Default, Debug)]
struct Words {
    truth: Vec<PathBuf>,
    hosts: PathBuf,
    names: PathBuf,
    inventory: PathBuf,
    peers: Vec<PathBuf>,
    texts: Vec<PathBuf>,
    ledgers: Option<PathBuf>,
    slice: bool,
    only: BTreeSet<String>,
    measuring: BTreeSet<String>,
    about: Vec<(String, String)>,
    out: Option<PathBuf>,
    require: Option<PathBuf>,
    write_baseline: Option<PathBuf>,
    narrow_baseline: Option<PathBuf>,
}

impl Words {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut typed = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            if word == "--slice" {
                typed.slice = true;
                continue;
            }
            let value = words.next();
            typed.take(&word, value)?;
        }
        typed.complete()
    }

    fn take(&mut self, option: &str, value: Option<String>) -> Result<(), String> {
        if !OPTIONS.contains(&option) {
            return Err(format!("unknown option {option}"));
        }
        let value = value.ok_or_else(|| format!("{option} needs a value"))?;
        let path = || PathBuf::from(&value);
        match option {
            "--truth" => self.truth.push(path()),
            "--hosts" => self.hosts = path(),
            "--names" => self.names = path(),
            "--inventory" => self.inventory = path(),
            "--peer" => self.peers.push(path()),
            "--text" => self.texts.push(path()),
            "--ledgers" => self.ledgers = Some(path()),
            "--out" => self.out = Some(path()),
            "--require" => self.require = Some(path()),
            "--narrow-baseline" => self.narrow_baseline = Some(path()),
            "--write-baseline" => self.write_baseline = Some(path()),
            "--measuring" => drop(self.measuring.insert(value)),
            "--only" => self.only.extend(value.split(',').map(str::to_owned)),
            _ => {
                let (key, value) = value
                    .split_once('=')
                    .ok_or("--about is written KEY=VALUE")?;
                self.about.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Self, String> {
        let missing = [
            (self.truth.is_empty(), "--truth"),
            (self.hosts.as_os_str().is_empty(), "--hosts"),
            (self.names.as_os_str().is_empty(), "--names"),
            (self.inventory.as_os_str().is_empty(), "--inventory"),
        ];
        match missing.iter().find(|(is_missing, _)| *is_missing) {
            Some((_, option)) => Err(format!("{option} is missing")),
            None => Ok(self),
        }
    }

    fn about(&self, key: &str) -> Option<String> {
        let hit = self.about.iter().find(|(k, _)| k == key);
        hit.map(|(_, value)| value.clone())
    }
}

/// The options that take a value.
const OPTIONS: [&str; 14] = [
    "--ledgers",
    "--truth",
    "--hosts",
    "--names",
    "--inventory",
    "--peer",
    "--text",
    "--out",
    "--require",
    "--write-baseline",
    "--narrow-baseline",
    "--only",
    "--measuring",
    "--about",
];

/// One contestant and how it did.
#[derive(Debug)]
pub(crate) struct Contestant {
    /// Name.
    pub(crate) name: String,
    /// Version.
    pub(crate) version: String,
    /// Wall time in seconds.
    pub(crate) seconds: Option<f64>,
    /// False: it could not run.
    pub(crate) available: bool,
    /// Why it could not.
    pub(crate) why_not: Option<String>,
    /// True for all peers together.
    pub(crate) is_sum: bool,
    /// What a reader should know.
    pub(crate) note: Option<String>,
    /// Entry by entry.
    pub(crate) score: Score,
    /// Counted.
    pub(crate) table: Table,
    /// Secrets it let out, where the judge looked itself.
    pub(crate) leaks: BTreeSet<String>,
    /// Secrets it let out, where the peer's module counted.
    pub(crate) leaks_counted: usize,
}

/// Everything on the scoreboard.
#[derive(Debug)]
pub(crate) struct Board {
    /// Lines of the head.
    pub(crate) about: Vec<(String, String)>,
    /// Dependencies, hidden ones, decoys.
    pub(crate) truth: (usize, usize, usize),
    /// groma first, then the peers, then all peers together.
    pub(crate) contestants: Vec<Contestant>,
    /// Machines the inventory holds more than once.
    pub(crate) twice: Vec<String>,
    /// Entities that are several machines.
    pub(crate) merged: Vec<String>,
    /// What is wrong with the truth.
    pub(crate) amiss: Vec<String>,
}

/// Runs the judge with the words of a command line (without the program's name); the exit code. The page goes to
/// `out`, what a person should act on to `complaints`.
pub fn run(
    words: impl Iterator<Item = String>,
    out: &mut dyn Write,
    complaints: &mut dyn Write,
) -> u8 {
    let mut words = words.peekable();
    if words.peek().is_none_or(|w| w == "--help" || w == "-h") {
        say(out, USAGE);
        return 0;
    }
    let typed = match Words::parse(words) {
        Ok(typed) => typed,
        Err(wrong) => {
            complain(complaints, &format!("scoreboard: {wrong}; see --help"));
            return 2;
        }
    };
    match score(&typed, out, complaints) {
        Ok(code) => code,
        Err(unreadable) => {
            complain(complaints, &format!("scoreboard: {unreadable}"));
            3
        }
    }
}

fn score(typed: &Words, out: &mut dyn Write, complaints: &mut dyn Write) -> Result<u8, Unreadable> {
    let board = board(typed)?;
    let page = markdown(&board);
    say(out, &page);
    if let Some(folder) = &typed.out {
        write(&folder.join("scoreboard.md"), &page)?;
        write(&folder.join("scoreboard.json"), &json(&board))?;
    }
    let Some(own) = board.contestants.first() else {
        return Ok(0);
    };
    if let Some(file) = &typed.write_baseline {
        write(file, &Baseline::of(&own.score).text())?;
    }
    if let Some(file) = &typed.narrow_baseline {
        write(file, &Baseline::read(file)?.narrowed(&own.score).text())?;
    }
    match &typed.require {
        Some(file) => Ok(require(&Baseline::read(file)?, own, complaints)),
        None => Ok(leaked(own, complaints)),
    }
}

/// A secret in what was printed or sent is never a matter of scores.
fn leaked(own: &Contestant, complaints: &mut dyn Write) -> u8 {
    for leak in &own.leaks {
        complain(complaints, &format!("leaked: {leak}"));
    }
    u8::from(!own.leaks.is_empty())
}

fn require(baseline: &Baseline, own: &Contestant, complaints: &mut dyn Write) -> u8 {
    let mut wrong = baseline.worse(&own.score);
    wrong.extend(own.leaks.iter().map(|leak| format!("leaked: {leak}")));
    for line in &wrong {
        complain(complaints, line);
    }
    let better = baseline.better(&own.score);
    if wrong.is_empty() && better > 0 {
        complain(
            complaints,
            &format!("{better} better than the baseline: renew it with --write-baseline"),
        );
    }
    u8::from(!wrong.is_empty())
}

fn board(typed: &Words) -> Result<Board, Unreadable> {
    let places = Places::read(&typed.names, &typed.hosts)?;
    let whole = LabTruth::read(&typed.truth, &places)?;
    let truth = part(typed, &whole, &places);
    let mut contestants = vec![own(typed, &truth, &whole, &places)?];
    for file in &typed.peers {
        contestants.push(peer(file, &truth, &whole, &places)?);
    }
    if contestants.iter().skip(1).filter(|c| c.available).count() > 1 {
        contestants.push(together(contestants.get(1..).unwrap_or_default()));
    }
    let inventory = read_inventory(typed)?;
    let (twice, merged) = entities_amiss(&inventory, &places);
    let hidden = truth.entries.iter().filter(|e| e.is_hidden()).count();
    let in_table = |key: &str| matches!(key, "seconds" | "version");
    let about = typed.about.iter().filter(|(key, _)| !in_table(key));
    Ok(Board {
        about: about.cloned().collect(),
        truth: (truth.entries.len(), hidden, truth.decoys.len()),
        contestants,
        twice,
        merged,
        amiss: truth.amiss.clone(),
    })
}

fn part(typed: &Words, whole: &LabTruth, places: &Places) -> LabTruth {
    let up = judged_hosts(typed, places);
    if up.is_empty() {
        whole.clone()
    } else {
        whole.of(&up)
    }
}

fn read_inventory(typed: &Words) -> Result<Inventory, Unreadable> {
    let text = text_of(&typed.inventory)?;
    serde_json::from_str(&text).map_err(|e| Unreadable::new(&typed.inventory, e))
}

fn own(
    typed: &Words,
    truth: &LabTruth,
    whole: &LabTruth,
    places: &Places,
) -> Result<Contestant, Unreadable> {
    let inventory = read_inventory(typed)?;
    let mut findings = of_inventory(&inventory, places);
    findings.retain(|f| !typed.measuring.iter().any(|m| f.involves(m)));
    let mut score = judge(truth, whole, &findings, places, Generosity::Strict);
    score.uses = uses(typed, &inventory, places)?;
    let mut leaks = canaries(&text_of(&typed.inventory)?);
    for file in &typed.texts {
        leaks.extend(canaries(&text_of(file)?));
    }
    Ok(Contestant {
        name: "groma".into(),
        version: typed.about("version").unwrap_or_default(),
        seconds: typed.about("seconds").and_then(|s| s.parse().ok()),
        available: true,
        why_not: None,
        is_sum: false,
        note: None,
        table: Table::of(&score),
        score,
        leaks,
        leaks_counted: 0,
    })
}

/// What became of every use whose two machines are judged.
fn uses(
    typed: &Words,
    inventory: &Inventory,
    places: &Places,
) -> Result<Vec<(Use, Told)>, Unreadable> {
    let Some(file) = &typed.ledgers else {
        return Ok(Vec::new());
    };
    let mut uses = ledger::read(file, places)?;
    let up = judged_hosts(typed, places);
    let is_up = |place: &Place| up.is_empty() || up.contains(place.name());
    uses.retain(|one| is_up(&one.consumer) && is_up(&one.provider));
    let told = ledger::judge(&uses, inventory, places);
    Ok(uses.into_iter().zip(told).collect())
}

/// The hosts that are judged; none: all.
fn judged_hosts(typed: &Words, places: &Places) -> BTreeSet<String> {
    let mut up = typed.only.clone();
    if typed.slice {
        up.extend(places.slice().iter().cloned());
    }
    up
}

fn peer(
    file: &std::path::Path,
    truth: &LabTruth,
    whole: &LabTruth,
    places: &Places,
) -> Result<Contestant, Unreadable> {
    let report: PeerReport =
        serde_json::from_str(&text_of(file)?).map_err(|e| Unreadable::new(file, e))?;
    let findings = of_peer(&report, places);
    let score = judge(truth, whole, &findings, places, Generosity::Generous);
    Ok(Contestant {
        name: report.peer,
        version: report.version,
        seconds: Some(report.seconds),
        available: report.available,
        why_not: report.why_not,
        is_sum: false,
        note: report.note,
        table: Table::of(&score),
        score,
        leaks: BTreeSet::new(),
        leaks_counted: report.leaks,
    })
}

/// What somebody would know who ran every peer.
fn together(peers: &[Contestant]) -> Contestant {
    let able: Vec<&Contestant> = peers.iter().filter(|c| c.available).collect();
    let entries = able.first().map_or(Vec::new(), |c| c.score.entries.clone());
    let any = |at: usize, is: fn(&Verdict) -> bool| {
        able.iter()
            .any(|c| c.score.verdicts.get(at).is_some_and(is))
    };
    let verdicts = (0..entries.len())
        .map(|at| Verdict {
            found: any(at, |v| v.found),
            named: any(at, |v| v.named) && !any(at, |v| v.found),
            ..Verdict::default()
        })
        .collect();
    let mut invented: Vec<Invented> = able.iter().flat_map(|c| c.score.invented.clone()).collect();
    invented.sort_by(|a, b| a.line.cmp(&b.line));
    invented.dedup_by(|a, b| a.line == b.line);
    let score = Score {
        entries,
        verdicts,
        onward: Vec::new(),
        uses: Vec::new(),
        invented,
    };
    Contestant {
        name: "all peers together".into(),
        version: String::new(),
        seconds: None,
        available: true,
        why_not: None,
        is_sum: true,
        note: None,
        table: Table::of(&score),
        score,
        leaks: BTreeSet::new(),
        leaks_counted: able.iter().map(|c| c.leaks_counted).sum(),
    }
}

// ---- the scoreboard for a program ------------------------------------------------------------------------------------

#[derive(Serialize)]
struct BoardJson<'a> {
    schema: &'static str,
    about: std::collections::BTreeMap<&'a str, &'a str>,
    dependencies: usize,
    hidden: usize,
    decoys: usize,
    contestants: Vec<ContestantJson<'a>>,
    machines_twice: &'a [String],
    machines_merged: &'a [String],
    truth_amiss: &'a [String],
}

#[derive(Serialize)]
struct ContestantJson<'a> {
    name: &'a str,
    version: &'a str,
    seconds: Option<f64>,
    available: bool,
    why_not: Option<&'a str>,
    leaks: usize,
    table: &'a Table,
    entries: Vec<EntryJson<'a>>,
    invented: Vec<InventedJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<UseJson>,
}

#[derive(Serialize)]
struct UseJson {
    ledger: &'static str,
    line: String,
    told: bool,
    differs: Option<String>,
}

#[derive(Serialize)]
struct EntryJson<'a> {
    line: String,
    why: &'a str,
    kind: &'a str,
    known_by: &'a [String],
    hidden: &'a [String],
    #[serde(rename = "where")]
    place: &'a str,
    found: bool,
    doubled: usize,
    witnesses: &'a [String],
    called_hidden: bool,
    nearly: Option<&'a str>,
}

#[derive(Serialize)]
struct InventedJson<'a> {
    line: &'a str,
    decoy: Option<&'a str>,
    nearly: Option<&'a str>,
    hidden: bool,
}

fn json(board: &Board) -> String {
    let (dependencies, hidden, decoys) = board.truth;
    let about = board.about.iter();
    let document = BoardJson {
        schema: "groma.scoreboard/1",
        about: about.map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        dependencies,
        hidden,
        decoys,
        contestants: board.contestants.iter().map(contestant_json).collect(),
        machines_twice: &board.twice,
        machines_merged: &board.merged,
        truth_amiss: &board.amiss,
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("a scoreboard has only text keys") + "\n"
}

fn contestant_json(c: &Contestant) -> ContestantJson<'_> {
    let entries = c.score.entries.iter().zip(&c.score.verdicts);
    ContestantJson {
        name: &c.name,
        version: &c.version,
        seconds: c.seconds,
        available: c.available,
        why_not: c.why_not.as_deref(),
        leaks: c.leaks.len().max(c.leaks_counted),
        table: &c.table,
        entries: entries.map(|(e, v)| entry_json(e, v)).collect(),
        invented: c.score.invented.iter().map(invented_json).collect(),
        uses: c.score.uses.iter().map(use_json).collect(),
    }
}

fn use_json((one, told): &(Use, Told)) -> UseJson {
    UseJson {
        ledger: one.ledger.name(),
        line: one.line(),
        told: *told == Told::Whole,
        differs: match told {
            Told::Differs(what) => Some(what.clone()),
            _ => None,
        },
    }
}

fn entry_json<'a>(entry: &'a Entry, verdict: &'a Verdict) -> EntryJson<'a> {
    EntryJson {
        line: entry.line(),
        why: &entry.why,
        kind: &entry.kind,
        known_by: &entry.known_by,
        hidden: &entry.hidden,
        place: &entry.place,
        found: verdict.found,
        doubled: verdict.doubled,
        witnesses: &verdict.witnesses,
        called_hidden: verdict.called_hidden,
        nearly: verdict.nearly.as_deref(),
    }
}

fn invented_json(invented: &Invented) -> InventedJson<'_> {
    InventedJson {
        line: &invented.line,
        decoy: invented.decoy.as_deref(),
        nearly: invented.nearly.as_deref(),
        hidden: invented.hidden,
    }
}

// ---- words out -------------------------------------------------------------------------------------------------------

fn write(file: &std::path::Path, text: &str) -> Result<(), Unreadable> {
    if let Some(folder) = file.parent() {
        // If it cannot be made, writing the file says so.
        let _ = std::fs::create_dir_all(folder);
    }
    std::fs::write(file, text).map_err(|e| Unreadable::new(file, e))
}

fn say(out: &mut dyn Write, text: &str) {
    // A reader that went away is no error.
    let _ = out.write_all(text.as_bytes());
}

fn complain(complaints: &mut dyn Write, text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(complaints, "{text}");
}

#[cfg(test)]
mod tests {
    use super::super::examples::*;
    use super::*;

    /// The exit code, and what the page and the complaints say.
    fn judged(words: &[String]) -> (u8, String, String) {
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let code = run(words.iter().cloned(), &mut out, &mut complaints);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(complaints))
    }

    /// The example lab as files, and the words that name them.
    fn files(inventory: &Inventory) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            file.to_string_lossy().into_owned()
        };
        put(
            "hosts/app1/host.toml",
            "address = '10.61.1.31'\nslice = true",
        );
        put("hosts/ns1/host.toml", "address = '10.61.1.5'\nwhy = 'x'");
        let truth = "[[dependency]]\nwhy='orders'\nconsumer='app1'\nprovider='ns1'\nport=5433\nkind='sql'\n\
                     known_by=['written']\nhidden=['config-only']\nwhere='app1:/etc/erp.env'\n";
        let peer = r#"{"peer": "sampling", "available": false, "why_not": "no ss"}"#;
        let words = [
            ("--truth", put("expected.toml", truth)),
            ("--names", put("names.toml", "domains = []")),
            (
                "--inventory",
                put("inventory.json", &serde_json::to_string(inventory).unwrap()),
            ),
            ("--peer", put("peer.json", peer)),
            (
                "--hosts",
                folder.path().join("hosts").to_string_lossy().into_owned(),
            ),
            (
                "--out",
                folder.path().join("out").to_string_lossy().into_owned(),
            ),
        ];
        let words = words.into_iter().flat_map(|(o, v)| [o.to_owned(), v]);
        (folder, words.collect())
    }

    #[test]
    fn a_lost_dependency_fails_and_a_baseline_is_what_was_found() {
        let (folder, mut words) = files(&inventory(&[edge(APP1, NS1, 5433, "sql")]));
        let baseline = folder.path().join("baseline.toml");
        words.extend([
            "--write-baseline".into(),
            baseline.to_string_lossy().into_owned(),
        ]);
        assert_eq!(judged(&words).0, 0);
        let (_folder, mut words) = files(&inventory(&[]));
        words.extend(["--require".into(), baseline.to_string_lossy().into_owned()]);
        assert_eq!(judged(&words).0, 1);
        let (_folder, mut words) = files(&inventory(&[edge(APP1, NS1, 5433, "sql")]));
        words.extend(["--require".into(), baseline.to_string_lossy().into_owned()]);
        assert_eq!(judged(&words).0, 0);
        let page = std::fs::read_to_string(folder.path().join("out/scoreboard.md")).unwrap();
        assert!(
            page.contains("| sampling | not available: no ss |"),
            "{page}"
        );
        assert!(page.contains("100.0 %"), "{page}");
    }

    #[test]
    fn a_secret_in_what_was_printed_fails_the_slice() {
        let (folder, mut words) = files(&inventory(&[]));
        let (baseline, text) = (
            folder.path().join("baseline.toml"),
            folder.path().join("report.html"),
        );
        std::fs::write(&baseline, Baseline::default().text()).unwrap();
        std::fs::write(&text, "<td>lab-erp</td>").unwrap();
        words.extend(["--require".into(), baseline.to_string_lossy().into_owned()]);
        assert_eq!(judged(&words).0, 0);
        words.extend(["--text".into(), text.to_string_lossy().into_owned()]);
        assert_eq!(judged(&words).0, 1);
    }

    #[test]
    fn what_cannot_be_read_or_meant_is_said_with_its_exit_code() {
        let (folder, mut words) = files(&inventory(&[]));
        std::fs::write(folder.path().join("inventory.json"), "{}").unwrap();
        assert_eq!(judged(&words).0, 3);
        words.push("--frobnicate".into());
        assert_eq!(judged(&words).0, 2);
        assert_eq!(judged(&["--truth".to_owned()]).0, 2);
        assert_eq!(judged(&["--slice".to_owned()]).0, 2);
        assert_eq!(judged(&[]).0, 0);
    }
}
