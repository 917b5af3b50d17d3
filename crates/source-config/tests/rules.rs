//! Every rule against the files beside it, in `crates/knowledge/rules/fixtures/<rule>/`: a machine of its
//! own, made of these files alone, and the references it must give, in `expected.snap`.
//!
//! A directory `dot-git` stands for `.git`, which no repository keeps within itself; `drive-c` for the drive `C:` of Windows.
//! Whatever contains `ghost` stands where nothing reads it; whatever contains `canary` is a secret.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::path::{Path, PathBuf};

use groma_knowledge::RULES;
use groma_knowledge::rules::Rule;
use groma_model::Fact;
use groma_model::fact::Reference;
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_config::ConfigSource;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../knowledge/rules/fixtures")
}

/// The files below `directory` as a disk whose root it is.
fn disk(directory: &Path) -> FakeDisk {
    let mut disk = FakeDisk::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(at) = ahead.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let inside = format!("/{}", path.strip_prefix(directory).unwrap().display())
                .replace("/dot-git", "/.git");
            let inside = inside
                .strip_prefix("/drive-c/")
                .map_or(inside.clone(), |rest| format!("C:/{rest}"));
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                ahead.push(path);
            } else if kind.is_symlink() {
                disk = disk.link(
                    &inside,
                    std::fs::read_link(&path).unwrap().to_str().unwrap(),
                );
            } else if at != directory {
                disk = disk.file(&inside, std::fs::read(&path).unwrap());
            }
        }
    }
    disk
}

fn line(r: &Reference) -> String {
    let mut out = format!("{}:{} {} -> {} {}", r.file, r.line, r.key, r.kind, r.peer);
    out += &r
        .port
        .map_or_else(String::new, |p| format!(" {p}/{}", r.transport));
    out += &format!(
        "  [{}] by {:?} {}",
        r.rule, r.component.class, r.component.name
    );
    out += &r
        .account
        .as_ref()
        .map_or_else(String::new, |a| format!(", account {a}"));
    out += &r
        .resource
        .as_ref()
        .map_or_else(String::new, |a| format!(", resource {a}"));
    out += &r
        .mechanism
        .as_ref()
        .map_or_else(String::new, |m| format!(", mechanism {m}"));
    out += &r
        .protection
        .map_or_else(String::new, |p| format!(", protection {p:?}"));
    out += &r
        .rhythm
        .as_ref()
        .map_or_else(String::new, |w| format!(", {w}"));
    out += if r.has_secret { ", secret" } else { "" };
    out += if r.weak { ", weak" } else { "" };
    out
}

fn looked(disk: FakeDisk) -> Recorder {
    let world = world(disk);
    let window = window(&world);
    let mut source = ConfigSource::new(world).with_drives(vec!["C:/".into()]);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn what_is_said(directory: &Path) -> String {
    let recorder = looked(disk(directory));
    let mut lines: Vec<String> = recorder
        .facts()
        .map(|fact| match fact {
            Fact::Reference(reference) => line(reference),
            Fact::Name(answer) => format!("name {} = {:?}", answer.asked, answer.addresses),
            other => format!("{other:?}"),
        })
        .collect();
    lines.extend(
        recorder
            .gaps()
            .map(|gap| format!("gap {}: {}", gap.what, gap.reason)),
    );
    let all = format!("{:?}", recorder.records);
    assert!(
        !all.contains("canary"),
        "{}: a secret left the parser: {lines:#?}",
        directory.display()
    );
    lines.join("\n")
}

#[test]
fn every_rule_finds_what_stands_beside_it_and_nothing_else() {
    let mut names: Vec<PathBuf> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.retain(|path| path.is_dir());
    names.sort();
    assert!(names.len() >= 30, "rules have fixtures");
    let mut invented = Vec::new();
    for directory in names {
        let said = what_is_said(&directory);
        invented.extend(
            said.lines()
                .filter(|l| l.contains("ghost") || l.contains("10.99.99."))
                .map(str::to_owned),
        );
        insta::with_settings!({ snapshot_path => &directory, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("expected", said);
        });
    }
    assert!(invented.is_empty(), "decoys spoke: {invented:#?}");
}

/// The texts of all files below `directory`.
fn texts(directory: &Path) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(at) = ahead.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                ahead.push(entry.path());
            } else if kind.is_file() && at != directory {
                out.push(std::fs::read(entry.path()).unwrap());
            }
        }
    }
    out
}

/// A path a glob of Windows fits.
fn place(glob: &str) -> String {
    glob.replacen("*:/", "C:/", 1)
        .replace("Program Files*", "Program Files (x86)")
        .replace("SYSVOL*", "SYSVOL")
        .replace("**/", "Apps/Erp/")
        .replace('*', "a")
}

fn speaks(rule: &Rule, at: &str, text: &[u8]) -> bool {
    let recorder = looked(FakeDisk::new().file(at, text));
    recorder.facts().any(|fact| match fact {
        Fact::Reference(r) => rule.generic || r.rule.starts_with(&rule.id),
        _ => false,
    })
}

#[test]
fn every_rule_with_a_place_of_windows_is_heard_there_and_a_copy_beside_it_is_not() {
    let mut places = 0;
    let mut wrong = Vec::new();
    for rule in RULES.iter() {
        let globs = rule.files.iter().filter(|glob| glob.starts_with("*:/"));
        let globs: Vec<&String> = globs.collect();
        let texts = if globs.is_empty() {
            Vec::new()
        } else {
            texts(&fixtures().join(&rule.id))
        };
        for glob in globs {
            places += 1;
            let at = place(glob);
            match texts.iter().find(|text| speaks(rule, &at, text)) {
                None => wrong.push(format!("{}: nothing at {at}", rule.id)),
                Some(text) => {
                    let copy = format!("{at}.bak");
                    if speaks(rule, &copy, text) {
                        wrong.push(format!("{}: {copy} speaks", rule.id));
                    }
                }
            }
        }
    }
    assert!(places > 100, "{places}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
