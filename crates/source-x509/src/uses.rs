//! `certificates.uses`: which program is set up to use which certificate, and where that is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_knowledge::certificate_settings::{CertificateSettings, certificate_settings};
use groma_model::fact::{
    CertificatePlace, CertificateRole, CertificateSighting, CertificateUse, Component,
    ComponentClass,
};
use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, EntryKind, Explanation, Sink, SinkExt, Source, Window, World};

use crate::installed::{self, Reader};
use crate::parse::{self, Found};
use crate::setting::{self, Setting};
use crate::{places, started};

/// A file of settings is not larger.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;
/// A file of certificates is not larger.
const CERTIFICATES_BYTES_MAX: u64 = 4 << 20;
/// Files of one program that are read, with everything it includes.
const FILES_MAX: usize = 2_000;
/// More certificates than this in one file of authorities are those of everybody, and of no use to say.
const AUTHORITIES_MAX: usize = 16;
/// Certificates a directive may name by naming a directory.
const DIRECTORY_MAX: usize = 500;

/// Settings that name certificates.
pub struct CertificateUses {
    world: World,
}

impl CertificateUses {
    /// The source over `world`'s disk.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for CertificateUses {
    fn name(&self) -> SourceName {
        SourceName::new("certificates.uses")
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let mut files: BTreeSet<&str> = BTreeSet::new();
        for program in certificate_settings() {
            files.extend(program.files.iter().map(String::as_str));
        }
        let files: Vec<&str> = files.into_iter().collect();
        Explanation {
            purpose:
                "Tells which program uses which certificate, so that a renewal reaches all of them."
                    .into(),
            reads: vec![
                format!(
                    "settings of programs that are installed, and what they include: {}",
                    files.join(", ")
                ),
                format!("unit files below {}", installed::UNITS.join(", ")),
                "the files those settings name as certificates, up to 4 MiB each".into(),
            ],
            contacts: Vec::new(),
            sends: lines(&[
                "per use: fingerprint and file of the certificate, the unit or executable, the directive, file and line",
            ]),
            never_sends: lines(&["anything else of those settings", "private keys"]),
            rights: lines(&[
                "none for most settings; root for closed ones, each of which is otherwise a gap",
            ]),
            cost: "some dozens of small files".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut look = Look {
            reader: Reader::new(&self.world, window, budget),
            said: BTreeSet::new(),
            window,
            sink,
            whole: true,
        };
        let mut products: Vec<&str> = certificate_settings()
            .iter()
            .map(|p| p.product.as_str())
            .collect();
        products.dedup();
        for product in products {
            let scope = Scope::new("certificate-use", product);
            look.whole = true;
            let mut met = false;
            for program in certificate_settings()
                .iter()
                .filter(|p| p.product == product)
            {
                met |= look.program(program, &scope);
            }
            if met {
                look.close(&scope);
            }
        }
        look.units();
    }
}

struct Look<'a> {
    reader: Reader<'a>,
    /// Certificates that were said because nothing else looks where they stand.
    said: BTreeSet<PathBuf>,
    window: &'a Window,
    sink: &'a mut dyn Sink,
    whole: bool,
}

/// What the settings of one program mean: where relative names begin, and who reads them.
struct Meaning<'a> {
    program: &'a CertificateSettings,
    base: PathBuf,
    component: Component,
}

impl Look<'_> {
    fn close(&mut self, scope: &Scope) {
        let state = match self.whole {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        self.sink.covered_now(self.window, scope, state);
    }

    fn missed(&mut self, scope: &Scope, what: String, reason: Reason, remedy: &str) {
        self.whole = false;
        self.sink.missed_because(scope, what, reason, remedy);
    }

    /// Reads the settings of one program; false where it is not here.
    fn program(&mut self, program: &CertificateSettings, scope: &Scope) -> bool {
        if program
            .unless
            .iter()
            .any(|path| self.reader.exists(Path::new(path)))
        {
            return false;
        }
        let mut met = false;
        for pattern in &program.files {
            for (main, stood_for) in self.reader.matching(pattern) {
                let Some(component) = self.reader.component(program, &stood_for) else {
                    continue;
                };
                met = true;
                let base = base_of(program, &main, &stood_for);
                let meaning = Meaning {
                    program,
                    base,
                    component,
                };
                self.instance(meaning, &main, scope);
            }
        }
        if self.reader.was_cut_short() && (met || self.reader.component(program, &[]).is_some()) {
            met = true;
            let what = format!("settings of {} not read any more", program.product);
            let remedy =
                "see what these settings include, or give the look more time or a larger budget";
            self.missed(scope, what, Reason::BudgetExhausted, remedy);
        }
        met
    }

    fn instance(&mut self, mut meaning: Meaning<'_>, main: &Path, scope: &Scope) {
        let settings = self.all_settings(&mut meaning, main, scope);
        let switched = meaning.program.only_if.as_ref().is_none_or(|switch| {
            let last = settings.iter().rev().find(|(_, s)| s.key == switch.key);
            last.is_some_and(|(_, s)| is_on(&s.value, &switch.value))
        });
        if !switched {
            return;
        }
        let program = meaning.program;
        for (file, setting) in &settings {
            let role = match &setting.key {
                key if program.presents.contains(key) => CertificateRole::Presents,
                key if program.trusts.contains(key) => CertificateRole::Trusts,
                _ => continue,
            };
            if setting.is_none() {
                continue;
            }
            if setting.is_no_file() {
                let what = format!(
                    "the certificate that {} line {} names, which is no file",
                    file.display(),
                    setting.line
                );
                let remedy =
                    "ask who runs the program which certificate its token, engine or store holds";
                self.missed(scope, what, Reason::Unsupported, remedy);
                continue;
            }
            if setting.value.contains('$') {
                let what = format!(
                    "the certificate that {} line {} names by a variable",
                    file.display(),
                    setting.line
                );
                self.missed(
                    scope,
                    what,
                    Reason::Unsupported,
                    "only the running program knows its value",
                );
                continue;
            }
            let base = match program.base.as_deref() {
                Some("file") if meaning.program.base_key.is_none() => {
                    file.parent().unwrap_or(main).to_owned()
                }
                _ => meaning.base.clone(),
            };
            let certificate_file = places::plain(&base.join(&setting.value));
            let named = Named {
                component: &meaning.component,
                role,
                file,
                line: setting.line,
                key: &setting.key,
            };
            self.used(&certificate_file, &named, scope);
        }
    }

    /// The settings of the first file and of all it includes, each with the file it stands in.
    fn all_settings(
        &mut self,
        meaning: &mut Meaning<'_>,
        main: &Path,
        scope: &Scope,
    ) -> Vec<(PathBuf, Setting)> {
        let program = meaning.program;
        let mut found = Vec::new();
        let mut waiting = vec![main.to_owned()];
        let mut seen = BTreeSet::new();
        let mut expanded = BTreeSet::new();
        while let Some(path) = waiting.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            if self.reader.is_spent() || seen.len() > FILES_MAX {
                self.reader.cut_short();
                break;
            }
            let text = match self.reader.text(&path, SETTINGS_BYTES_MAX) {
                Ok(text) => text,
                Err(error) if error.is_absent() => continue,
                Err(error) => {
                    let what = format!("which certificates {} names", path.display());
                    self.missed(scope, what, error.reason, installed::AS_ROOT);
                    continue;
                }
            };
            let mut further = Vec::new();
            for setting in setting::settings(&text, program) {
                if program.base_key.as_ref() == Some(&setting.key) {
                    meaning.base = meaning.base.join(&setting.value);
                } else if program.include.contains(&setting.key) {
                    let included = places::plain(&meaning.base.join(&setting.value));
                    // What is included twice is read once.
                    if !expanded.contains(&included) {
                        let room = FILES_MAX.saturating_sub(waiting.len() + further.len());
                        if expanded.len() >= FILES_MAX {
                            self.reader.cut_short();
                            continue;
                        }
                        further.extend(self.included(&included, room));
                        expanded.insert(included);
                    }
                    continue;
                }
                found.push((path.clone(), setting));
            }
            further.reverse();
            waiting.extend(further);
        }
        found
    }

    /// Files that an include means, `room` at most: one, those of a pattern, or those of a directory.
    fn included(&self, path: &Path, room: usize) -> Vec<PathBuf> {
        let Some(pattern) = path.to_str().filter(|_| !installed::is_of_kernel(path)) else {
            self.reader.cut_short();
            return Vec::new();
        };
        let named: Vec<PathBuf> = if pattern.contains(['*', '?', '[']) {
            let found = self.reader.matching(pattern).into_iter();
            found.map(|(path, _)| path).collect()
        } else {
            vec![path.to_owned()]
        };
        let mut files = Vec::new();
        for path in named {
            if files.len() >= room || self.reader.is_spent() {
                self.reader.cut_short();
                break;
            }
            match self.reader.entries(&path) {
                Some(entries) => files.extend(entries.into_iter().filter(|p| !is_set_aside(p))),
                None => files.push(path),
            }
        }
        if files.len() > room {
            self.reader.cut_short();
            files.truncate(room);
        }
        files
    }

    /// What a setting names: a file, or a directory with a file for each name.
    fn used(&mut self, path: &Path, named: &Named<'_>, scope: &Scope) {
        match self.reader.entries(path) {
            Some(entries) => {
                let read =
                    |p: &PathBuf| !is_set_aside(p) && p.extension().is_none_or(|e| e != "key");
                for entry in entries.into_iter().filter(read).take(DIRECTORY_MAX) {
                    self.used_file(&entry, named, scope, false);
                }
            }
            None => self.used_file(path, named, scope, true),
        }
    }

    fn used_file(&mut self, path: &Path, named: &Named<'_>, scope: &Scope, certain: bool) {
        let is_bundle = places::BUNDLES.iter().any(|b| Path::new(b) == path);
        if is_bundle && named.role == CertificateRole::Trusts {
            return;
        }
        let bytes = match self.reader.bytes(path, CERTIFICATES_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) => {
                let gone = error.is_absent() || error.reason == Reason::BrokenLink;
                let what = format!(
                    "the certificate {} that {} line {} names",
                    path.display(),
                    named.file.display(),
                    named.line
                );
                let remedy = match gone {
                    true => {
                        "nothing stands there: the program will not start again as it is set up"
                    }
                    false => installed::AS_ROOT,
                };
                let reason = if gone {
                    Reason::BrokenLink
                } else {
                    error.reason
                };
                return self.missed(scope, what, reason, remedy);
            }
        };
        let contents = parse::contents_with(&bytes, false, places::public_passwords(path));
        for found in meant(&contents.certificates, named.role) {
            self.sink.saw_now(
                self.window,
                scope,
                Fact::CertificateUse(CertificateUse {
                    sha256: found.parsed.certificate.sha256.clone(),
                    certificate_file: foreign(path),
                    role: named.role,
                    component: named.component.clone(),
                    file: foreign(named.file),
                    line: named.line,
                    key: named.key.to_owned(),
                }),
            );
        }
        if is_seen_by_nobody_else(path) && self.said.insert(path.to_owned()) {
            self.say(path, &contents, scope);
        }
        for missed in contents.missed.iter().filter(|_| certain) {
            let what = format!("{} in {}", missed.what, path.display());
            self.missed(scope, what, missed.reason.clone(), missed.remedy);
        }
    }

    /// A file outside the trees that `certificates.files` walks.
    fn say(&mut self, path: &Path, contents: &parse::Contents, scope: &Scope) {
        for found in &contents.certificates {
            let key_present = found.paired || contents.keys.contains(&found.parsed.public_half);
            let place = CertificatePlace::File {
                path: foreign(path),
                position: found.position,
            };
            let certificate = found.parsed.certificate.clone();
            self.sink.saw_now(
                self.window,
                scope,
                Fact::Certificate(CertificateSighting {
                    certificate,
                    place,
                    key_present,
                    key: None,
                    trust: None,
                }),
            );
        }
    }

    /// Units that hand a certificate to what they start.
    fn units(&mut self) {
        let scope = Scope::new("certificate-use", "units");
        self.whole = true;
        for (unit, file) in self.reader.unit_files() {
            if self.reader.is_spent() {
                let what = "unit files not read any more".to_owned();
                self.missed(
                    &scope,
                    what,
                    Reason::BudgetExhausted,
                    "give the look more time or a larger budget",
                );
                break;
            }
            let text = match self.reader.text(&file, SETTINGS_BYTES_MAX) {
                Ok(text) => text,
                Err(error) if error.is_absent() => continue,
                Err(error) => {
                    let what = format!("which certificates {} names", file.display());
                    self.missed(&scope, what, error.reason, installed::AS_ROOT);
                    continue;
                }
            };
            let component = Component {
                class: ComponentClass::Unit,
                name: unit.as_str().into(),
            };
            for one in started::named(&text) {
                let named = Named {
                    component: &component,
                    role: one.role,
                    file: &file,
                    line: one.line,
                    key: &one.key,
                };
                // A word of a command that looks like a certificate may be what the command makes.
                if self.reader.exists(Path::new(&one.path)) {
                    self.used(Path::new(&one.path), &named, &scope);
                }
            }
        }
        self.close(&scope);
    }
}

/// Where something was named, and by whom.
struct Named<'a> {
    component: &'a Component,
    role: CertificateRole,
    file: &'a Path,
    line: u32,
    key: &'a str,
}

/// The certificates of a file that a role means: what a program shows is the first, or those with a key in a keystore.
fn meant(all: &[Found], role: CertificateRole) -> Vec<&Found> {
    let paired: Vec<&Found> = all.iter().filter(|found| found.paired).collect();
    match role {
        CertificateRole::Presents if !paired.is_empty() => paired,
        CertificateRole::Presents => all.iter().take(1).collect(),
        CertificateRole::Trusts if all.len() <= AUTHORITIES_MAX => all.iter().collect(),
        CertificateRole::Trusts => Vec::new(),
    }
}

fn is_seen_by_nobody_else(path: &Path) -> bool {
    let walked = places::is_within(path, places::ROOTS) && places::interest(path).is_some();
    let passed = path.ancestors().any(places::is_passed_over);
    (!walked || passed) && !path.starts_with("/etc/letsencrypt")
}

fn is_on(value: &str, wanted: &str) -> bool {
    let value = value.to_lowercase();
    let on = |word: &str| matches!(word, "on" | "yes" | "true" | "1");
    value == wanted || (on(&value) && on(wanted))
}

/// What editors and packages leave in a directory of settings; programs that read whole directories pass it over.
fn is_set_aside(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_none_or(|name| name.starts_with('.') || places::is_left_over(name))
}

fn base_of(program: &CertificateSettings, main: &Path, stood_for: &[String]) -> PathBuf {
    let beside = main.parent().unwrap_or(Path::new("/"));
    match program.base.as_deref() {
        Some("above") => beside.parent().unwrap_or(beside).to_owned(),
        Some(path) if path.starts_with('/') => installed::filled(path, stood_for).into(),
        _ => beside.to_owned(),
    }
}

/// True for what may be read as a file or a link to one.
pub(crate) fn is_file(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::File | EntryKind::Link)
}
