//! The vocabulary is that of this program: whoever writes a new sentence is told to have its words written down.
//!
//! `GROMA_BLESS=1 cargo test -p groma-share --test words` writes `src/words.txt` anew.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "this test reads the sources it is about"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Whose sentences reach a document.
const FOLDERS: [&str; 12] = [
    "model",
    "resolve",
    "graph",
    "check",
    "estimate",
    "diff",
    "wave",
    "report",
    "workbook",
    "import",
    "knowledge",
    "sys",
];

/// Names that stand in examples of messages.
const NO_WORDS: [&str; 12] = [
    "anna", "mark", "karl", "acme", "corp", "boss", "aurora", "anton", "berlin", "alice", "bob",
    "contoso",
];

#[test]
fn every_word_of_our_sentences_is_in_the_vocabulary() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut words = BTreeSet::new();
    let sources = std::fs::read_dir(root.join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_spoken = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        FOLDERS.contains(&name.as_str()) || name.starts_with("source")
    };
    for folder in sources
        .filter(is_spoken)
        .chain([root.join("agent"), root.join("collector")])
    {
        files(&folder.join("src"), "rs")
            .iter()
            .for_each(|file| literals(file, &mut words));
    }
    for folder in [
        "crates/knowledge/data",
        "crates/knowledge/banners",
        "crates/model/registry",
    ] {
        files(&root.join(folder), "toml").iter().for_each(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            lines.for_each(|line| add(line, &mut words));
        });
    }
    words.retain(|word| !NO_WORDS.contains(&word.as_str()));
    let file = root.join("crates/share/src/words.txt");
    if std::env::var_os("GROMA_BLESS").is_some() {
        let text: String = words.iter().map(|word| format!("{word}\n")).collect();
        return std::fs::write(file, text).unwrap();
    }
    let known = std::fs::read_to_string(file).unwrap();
    let known: BTreeSet<&str> = known.lines().collect();
    let missing: Vec<_> = words
        .iter()
        .filter(|word| !known.contains(word.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "these words of our sentences would be hidden as names; run GROMA_BLESS=1 cargo test -p groma-share --test words: {missing:?}"
    );
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        // Made-up estates have names in them.
        if name.starts_with("tests") || name == "generate.rs" {
            continue;
        }
        if entry.is_dir() {
            out.extend(files(&entry, ending));
        } else if entry.extension().is_some_and(|e| e == ending) {
            out.push(entry);
        }
    }
    out
}

/// The words of the texts in a source file, without its tests, comments and places to fill.
fn literals(file: &Path, words: &mut BTreeSet<String>) {
    let text = std::fs::read_to_string(file).unwrap();
    let own = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = own
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let (mut inside, mut place, mut escaped, mut literal) = (false, 0, false, String::new());
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                inside = !inside;
                add(&std::mem::take(&mut literal), words);
                place = 0;
            }
            '{' if inside => place += 1,
            '}' if inside && place > 0 => place -= 1,
            c if inside && place == 0 => literal.push(c),
            _ => {}
        }
        if escaped && inside {
            literal.push(' ');
        }
    }
}

/// Words of letters only; those with digits are written by hand, so that no `mail1` becomes a word.
fn add(text: &str, words: &mut BTreeSet<String>) {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    let fits = |word: &&str| {
        (2..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic())
    };
    words.extend(parts.filter(fits).map(str::to_lowercase));
}
