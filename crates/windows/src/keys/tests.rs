use std::collections::BTreeSet;
use std::sync::Mutex;

use groma_model::Reason;

use super::{FILES, Pattern, ROOTS, Root, is_asked_for};
use crate::{
    AREAS, DeviceRow, Files, FolderEntry, Key, Machine, Registry, Rows, Said, Value, Volume,
    WrittenFiles, WrittenRegistry,
};

const SCRIPT: &str = include_str!("../../../../agent/packaging/windows/groma-collect.ps1");
const HOST: &str = include_str!("../../tests/fixtures/wine-8.0/host.reg");
const NEEDS: &str = include_str!("../../tests/fixtures/wine-8.0/needs.reg");
const MAIL: &str = include_str!("../../tests/fixtures/wine-8.0-mail/mail.reg");
const PERSON: &str = "S-1-5-21-1-2-3-1001";

/// A registry in which every key is there, so that an area asks for all it ever would.
#[derive(Default)]
struct Everything(Mutex<BTreeSet<String>>);

impl Registry for Everything {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        self.0.lock().unwrap().insert(path.to_owned());
        let names = [
            "16.0",
            "Tcpip_{1}",
            PERSON,
            "0ff1ce15-a989-479d-af46-f275c6370663",
        ];
        let is_deep = path.split('\\').count() > 13;
        let keys = names.iter().filter(|_| !is_deep);
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        let number = |name: &str, number| (name.to_owned(), Value::Number(number));
        if path.ends_with(r"Instance Names\SQL") {
            let values = vec![text("MSSQLSERVER", "MSSQL15.MSSQLSERVER")];
            return Ok(Some(Key {
                values,
                ..Key::default()
            }));
        }
        Ok(Some(Key {
            keys: keys.map(|name| (*name).to_owned()).collect(),
            values: vec![
                number("Start", 2),
                number("Type", 16),
                text("ImagePath", r"%SystemRoot%\System32\svchost.exe"),
                text("SystemRoot", r"C:\Windows"),
                text("ProfileImagePath", r"C:\Users\Ann"),
                text("ProgramFilesDir", r"C:\Program Files"),
                text("ProgramData", r"C:\ProgramData"),
                text("Data Directory", r"D:\data"),
                text("DataLocation", r"D:\data"),
                text("SQLDataRoot", r"D:\data"),
                text("Port", "IP_1,WSD-1"),
                text("UUID", "urn:uuid:00000000-0000-0000-0000-000000000000"),
                text("DataBasePath", r"C:\Windows\System32\drivers\etc"),
                text("Domain", "corp.example"),
            ],
            ..Key::default()
        }))
    }
}

/// Files that are all absent.
#[derive(Default)]
struct Asked(Mutex<BTreeSet<String>>);

impl Files for Asked {
    fn read(&self, path: &str, _: u64) -> Result<Option<Vec<u8>>, Reason> {
        self.0.lock().unwrap().insert(path.to_owned());
        Ok(None)
    }

    fn list(&self, path: &str, _: usize) -> Result<Vec<FolderEntry>, Reason> {
        self.0.lock().unwrap().insert(path.to_owned());
        Ok(Vec::new())
    }

    fn entry(&self, path: &str) -> Result<Option<FolderEntry>, Reason> {
        self.0.lock().unwrap().insert(path.to_owned());
        Ok(None)
    }
}

fn rows() -> Rows {
    let device = |instance: &str| DeviceRow {
        instance: instance.to_owned(),
        present: true,
        ..DeviceRow::default()
    };
    Rows {
        devices: ["USB", "SWD", "PCI", "SERENUM"]
            .map(|bus| device(&format!(r"{bus}\VID_0529&PID_0001\5&1")))
            .to_vec(),
        volumes: vec![Volume {
            mount_point: r"C:\".into(),
            ..Volume::default()
        }],
        ..Rows::default()
    }
}

fn said(registry: &dyn Registry, files: &dyn Files) -> Vec<Said> {
    let rows = rows();
    let machine = Machine {
        registry,
        files,
        rows: &rows,
        certificate: &|_| None,
    };
    AREAS
        .iter()
        .flat_map(|area| (area.read)(&machine))
        .collect()
}

fn patterns() -> Vec<Pattern> {
    ROOTS
        .iter()
        .map(|root| Pattern::parse(&line(root)).unwrap())
        .collect()
}

fn line(root: &Root) -> String {
    format!("{}|{}|{}", root.path, root.depth, root.values.join(","))
}

#[test]
fn whatever_an_area_asks_for_lies_below_a_root() {
    let (registry, files) = (Everything::default(), Asked::default());
    said(&registry, &files);
    let patterns = patterns();
    let asked = registry.0.into_inner().unwrap();
    assert!(asked.len() > 300, "{} keys", asked.len());
    let outside: Vec<&String> = asked
        .iter()
        .filter(|path| {
            let lower = path.trim_end_matches('\\').to_lowercase();
            let parts: Vec<&str> = lower.split('\\').collect();
            !patterns.iter().any(|pattern| pattern.holds(&parts))
        })
        .collect();
    let shown: Vec<_> = outside.iter().take(400).collect();
    assert!(
        shown.is_empty(),
        "add them to ROOTS, and to the script: {shown:#?}"
    );
    let files = files.0.into_inner().unwrap();
    let known = |path: &&String| {
        FILES
            .iter()
            .any(|(file, _)| is_of(&path.to_lowercase(), file))
    };
    let unknown: Vec<&String> = files.iter().filter(|path| !known(path)).collect();
    assert!(unknown.is_empty(), "add them to FILES: {unknown:#?}");
}

/// True if a file of the list is this one, or a folder it lies in.
fn is_of(path: &str, listed: &str) -> bool {
    let listed = listed
        .to_lowercase()
        .replace("%systemroot%", r"c:\windows")
        .replace("%programdata%", r"c:\programdata")
        .replace("%programfiles%", r"c:\program files")
        .replace("%databasepath%", r"c:\windows\system32\drivers\etc")
        .replace("%profile%", r"c:\users\ann")
        .replace("%application%", r"c:\inetpub")
        .replace("%data%", r"d:\data")
        .replace("%drive%", "c:");
    // A drive is read for mail alone.
    path == listed || path == r"c:\" || (listed != "c:" && path.starts_with(&format!(r"{listed}\")))
}

/// A registry of which only what the roots let through is left.
struct Through(WrittenRegistry);

impl Registry for Through {
    fn key(&self, path: &str) -> Result<Option<Key>, Reason> {
        let mut key = self.0.key(path)?;
        if let Some(key) = &mut key {
            key.values.retain(|(name, _)| is_asked_for(path, name));
        }
        Ok(key)
    }
}

#[test]
fn what_the_roots_let_through_says_the_same_as_the_whole_registry() {
    for export in [HOST, NEEDS, MAIL] {
        let (whole, _) = WrittenRegistry::of_export(export);
        let files = WrittenFiles::default();
        assert_eq!(said(&Through(whole.clone()), &files), said(&whole, &files));
    }
}

#[test]
fn the_script_exports_exactly_this() {
    let between = |begin: &str| -> BTreeSet<String> {
        let rest = SCRIPT.split(begin).nth(1).unwrap();
        let rest = rest.split("'@").next().unwrap();
        let lines = rest.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let roots: BTreeSet<String> = ROOTS.iter().map(line).collect();
    assert_eq!(between("$RootLines = @'"), roots);
    let files = FILES.iter().map(|(path, what)| format!("{path}|{what}"));
    assert_eq!(between("$FileLines = @'"), files.collect());
}

#[test]
fn a_root_holds_as_many_levels_as_it_says() {
    let pattern = Pattern::parse(r"HKU\*\Network|1|RemotePath").unwrap();
    for (path, held) in [
        (r"hku\a\network", true),
        (r"hku\a\network\z", true),
        (r"hku\a\network\z\deeper", false),
        (r"hku\a", false),
        (r"hku\a\software", false),
    ] {
        let parts: Vec<&str> = path.split('\\').collect();
        assert_eq!(pattern.holds(&parts), held, "{path}");
    }
    assert!(Pattern::parse("HKLM").is_none());
}
