use groma_model::{CoverageState, Fact, Reason};
use serde_json::{Map, Value as Json, json};

use super::{Document, NotRead, is_one};
use crate::keys::ROOTS;
use crate::{Machine, Registry, Rows, Said, Value, WrittenFiles, WrittenRegistry, look};

const HOST: &str = include_str!("../../tests/fixtures/wine-8.0/host.reg");

fn roots() -> Vec<String> {
    let line = |root: &crate::keys::Root| format!("{}|{}", root.path, root.depth);
    ROOTS.iter().map(line).collect()
}

/// Every key of an export, as a script writes it.
fn keys(registry: &WrittenRegistry) -> Map<String, Json> {
    let mut open = vec!["HKLM".to_owned(), "HKU".to_owned()];
    let mut keys = Map::new();
    while let Some(path) = open.pop() {
        let Ok(Some(key)) = registry.key(&path) else {
            continue;
        };
        open.extend(key.keys.iter().map(|name| format!(r"{path}\{name}")));
        let values = key.values.iter().map(|(name, value)| {
            let written = match value {
                Value::Text(text) => json!({ "sz": text }),
                Value::Expandable(text) => json!({ "expand": text }),
                Value::List(lines) => json!({ "multi": lines }),
                Value::Number(number) => json!({ "number": number }),
                Value::Bytes(bytes) => json!({ "hex": groma_model::foreign::hex(bytes) }),
            };
            (name.clone(), written)
        });
        let values: Map<String, Json> = values.collect();
        keys.insert(path, json!({ "keys": key.keys, "values": values }));
    }
    keys
}

fn document(registry: &WrittenRegistry) -> Json {
    json!({
        "schema": "groma.windows/1", "version": "1", "host": "app01",
        "collected": { "started": 1_790_000_000, "ended": 1_790_000_060 },
        "roots": roots(),
        "looked": { "files": [], "folders": [r"C:\windows\System32\Tasks"], "drives": [r"C:\"], "passed": [] },
        "rows": { "system": { "host_name": "app01" } },
        "registry": keys(registry),
        "refused": { "keys": {}, "files": {} },
        "files": [],
        "of tomorrow": { "deep": [1, { "a": null }] },
    })
}

fn read(json: &Json) -> Document {
    Document::read(json.to_string().as_bytes()).unwrap()
}

fn said(document: &Document, area: &str) -> Vec<Said> {
    let all = document.look(&|_| None);
    let found = all.into_iter().find(|(name, _)| *name == area);
    found.unwrap().1
}

fn facts(all: Vec<(&'static str, Vec<Said>)>) -> Vec<Fact> {
    let said = all.into_iter().flat_map(|(_, said)| said);
    said.flat_map(|said| said.facts).collect()
}

fn missed(said: &[Said]) -> Vec<String> {
    let gaps = said.iter().flat_map(|said| &said.gaps);
    gaps.map(|gap| format!("{}: {}", gap.what, gap.reason))
        .collect()
}

#[test]
fn a_document_says_what_the_machine_it_was_made_on_says() {
    let (registry, _) = WrittenRegistry::of_export(HOST);
    let mut rows = Rows::default();
    rows.system.host_name = "app01".into();
    let machine = Machine {
        registry: &registry,
        files: &WrittenFiles::default(),
        rows: &rows,
        certificate: &|_| None,
    };
    let document = read(&document(&registry));
    assert_eq!(document.collected, (1_790_000_000, 1_790_000_060));
    let told = facts(document.look(&|_| None));
    assert!(told.len() > 15, "{} facts", told.len());
    assert_eq!(told, facts(look(&machine)));
}

#[test]
fn what_windows_powershell_writes_is_read_in_every_encoding() {
    let registry = WrittenRegistry::default().with_text(
        r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",
        "Hostname",
        "größe",
    );
    let mut json = document(&registry);
    json.as_object_mut().unwrap().remove("schema");
    let rest = json.to_string();
    let text = format!("{{\"schema\":\"groma.windows/1\",{}", &rest[1..]);
    let units = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
    let little: Vec<u8> = units(u16::to_le_bytes);
    let big: Vec<u8> = units(u16::to_be_bytes);
    let expected = facts(Document::read(text.as_bytes()).unwrap().look(&|_| None));
    for (mark, bytes) in [
        (b"\xef\xbb\xbf".as_slice(), text.as_bytes()),
        (b"\xff\xfe", little.as_slice()),
        (b"\xfe\xff", big.as_slice()),
    ] {
        let bytes = [mark, bytes].concat();
        assert!(is_one(&bytes));
        assert_eq!(
            facts(Document::read(&bytes).unwrap().look(&|_| None)),
            expected
        );
    }
    for other in [
        "",
        "[]",
        "{\"schema\": \"groma.platform/1\"}",
        "name,ip\na,b",
    ] {
        assert!(!is_one(other.as_bytes()), "{other}");
    }
}

#[test]
fn a_damaged_document_names_the_place_and_what_to_do() {
    let told = |text: &str| Document::read(text.as_bytes()).unwrap_err().to_string();
    let cut = told("{\"schema\": \"groma.windows/1\",\n \"host\": \"a");
    assert!(
        cut.starts_with("line 2, column 11: the document ends here, before its end: copy the file"),
        "{cut}"
    );
    let other = told("{\"schema\": \"groma.windows/1\",\n \"files\": {\"secret\": 1}}");
    assert!(
        other.starts_with("line 2, column ") && !other.contains("secret"),
        "{other}"
    );
    assert_eq!(
        Document::read(b"{\"schema\": \"groma.windows/9\"}").unwrap_err(),
        NotRead::Schema("groma.windows/9".into())
    );
}

#[test]
fn below_a_root_absent_is_absent_and_outside_it_is_a_gap() {
    let registry = WrittenRegistry::default();
    let mut json = document(&registry);
    assert_eq!(missed(&said(&read(&json), "host.packages")), [""; 0]);
    let fewer: Vec<String> = roots()
        .into_iter()
        .filter(|root| !root.contains("Uninstall"))
        .collect();
    json["roots"] = json!(fewer);
    let older = said(&read(&json), "host.packages");
    let told = missed(&older);
    assert!(
        told.iter()
            .any(|gap| gap
                .starts_with("2 keys and files the document does not hold, the first HKLM")),
        "{told:?}"
    );
    let partial = |said: &Said| said.state == CoverageState::Partial;
    assert!(older.iter().all(partial), "nothing that is gone is removed");
    assert_eq!(missed(&said(&read(&json), "host.storage")), [""; 0]);
}

#[test]
fn a_refused_key_and_a_refused_folder_are_gaps() {
    let mut json = document(&WrittenRegistry::default());
    let services = r"HKLM\SYSTEM\CurrentControlSet\Services";
    json["refused"] = json!({
        "keys": { services: "permission-denied" },
        "files": { r"C:\windows\System32\Tasks": "permission-denied" },
    });
    let document = read(&json);
    assert!(missed(&said(&document, "host.units")).contains(&"services: permission denied".into()));
    json["refused"]["files"] = json!({ r"C:\Windows\System32\Tasks": "permission-denied" });
    let told = missed(&said(&document, "host.jobs"));
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_bad_row_costs_no_other_and_a_list_of_one_is_a_list() {
    let mut json = document(&WrittenRegistry::default());
    json["rows"]["users"] = json!({ "name": "anna", "sid": "S-1-5-21-1-2-3-1001" });
    json["rows"]["volumes"] = json!([
        { "mount_point": "C:\\", "device": "v", "kind": "fixed", "file_system": "NTFS", "bytes": 9 },
        { "mount_point": "D:\\", "kind": "of tomorrow" },
    ]);
    json["rows"]["missing"] = json!([{ "table": "shares", "reason": "permission-denied" }]);
    let document = read(&json);
    assert_eq!(document.rows.users.len(), 1);
    assert_eq!(document.rows.volumes.len(), 1);
    assert_eq!(document.rows.missing("volumes"), Some(&Reason::Malformed));
    assert_eq!(
        document.rows.missing("shares"),
        Some(&Reason::PermissionDenied)
    );
    assert!(!missed(&said(&document, "host.storage")).is_empty());
}

#[test]
fn mail_is_found_by_names_and_folders_passed_over_are_told() {
    let mut json = document(&WrittenRegistry::default());
    json["looked"]["passed"] = json!([r"C:\Elsewhere"]);
    json["files"] = json!([
        { "path": r"C:\Users\Anna\a.pst", "bytes": 271_360, "modified": 1_780_000_000 },
        { "path": r"C:\Users\Anna\c.olm", "bytes": 9, "modified": 1_780_000_000, "head": "504B0304" },
        { "path": r"C:\Users\Anna\d.olm", "bytes": 9, "modified": 1_780_000_000, "head": "00000000" },
        { "path": r"C:\Users\Anna\b.ost", "bytes": 5, "modified": 1_780_000_000 },
        { "path": r"C:\Users\Anna\there", "kind": "link" },
    ]);
    let said = said(&read(&json), "host.archives");
    let archives = said.iter().flat_map(|said| &said.facts);
    let archives = archives.filter(|fact| matches!(fact, Fact::Archive(_)));
    assert_eq!(archives.count(), 3, "one of them is called so and is none");
    let told = missed(&said);
    let passed = "mail archives that were not looked at: C:\\Elsewhere: not a regular file";
    assert!(told.iter().any(|gap| gap == passed), "{told:?}");
}

#[test]
fn no_document_makes_a_reader_fall() {
    let (registry, _) = WrittenRegistry::of_export(
        "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\erp]\n\"Start\"=dword:2\n\"Type\"=dword:10\n",
    );
    let mut json = document(&registry);
    json["roots"] = json!([r"HKLM\SYSTEM\CurrentControlSet\Services|1"]);
    json["files"] =
        json!([{ "path": r"C:\a.pst", "head": "21" }, { "path": r"C:\b", "text": "x" }]);
    let seed = json.to_string();
    groma_fuzz::hammer(400, &[seed.as_bytes()], |bytes| {
        let _ = is_one(bytes);
        if let Ok(document) = Document::read(bytes) {
            let _ = document.look(&|_| None);
        }
    });
}

#[test]
fn a_value_too_large_for_a_document_is_a_gap_and_nothing_is_said_to_be_gone() {
    let service = r"HKLM\SYSTEM\CurrentControlSet\Services\erp";
    let with = |value: &str, bytes: usize| {
        let registry = WrittenRegistry::default()
            .with(service, "Type", Value::Number(16))
            .with_text(service, value, &"x".repeat(bytes));
        said(&read(&document(&registry)), "host.units")
    };
    let large = with("DisplayName", (1 << 20) + 1);
    let gap = format!("the value \"DisplayName\" of {service}: too large");
    assert!(missed(&large).contains(&gap), "{:?}", missed(&large));
    assert!(
        large
            .iter()
            .all(|said| said.state == CoverageState::Partial)
    );
    let said_nothing = |said: &[Said]| !missed(said).iter().any(|gap| gap.contains("the value"));
    assert!(said_nothing(&with("DisplayName", 1 << 20)));
    // Nobody reads it.
    assert!(said_nothing(&with("Cache", (1 << 20) + 1)));
}
