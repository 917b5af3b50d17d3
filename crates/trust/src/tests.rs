//! What people write, and what is believed because of it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use groma_source::access::tables;
use proptest::prelude::*;

use super::*;

/// What a table of an access file with these lines means; `ca.pem` and `empty.pem` lie beside it.
fn named(lines: &str) -> Result<Trust, AccessError> {
    let at = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["ca.corp.example".to_owned()]).unwrap();
    for (name, text) in [
        ("access.toml", format!("[[directory]]\n{lines}")),
        ("ca.pem", made.cert.pem().repeat(2)),
        ("empty.pem", "nothing of the kind".to_owned()),
    ] {
        let path = at.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let world = groma_sys::this_machine(true);
    let (disk, path) = (world.disk.as_ref(), at.path().join("access.toml"));
    let mut all = tables::<BTreeMap<String, String>>(disk, &path, "directory").unwrap();
    let (table, place) = all.remove(0);
    let text = |key: &str| table.get(key).map(String::as_str);
    Trust::named(disk, &place, text("pin"), text("ca").map(Path::new))
}

#[test]
fn a_table_names_a_pin_an_authority_or_nobody() {
    assert_eq!(named("").unwrap(), Trust::Nothing);
    let pin = format!("pin = \"sha256:{}\"", "ab".repeat(32));
    assert_eq!(named(&pin).unwrap(), Trust::Fingerprint([0xab; 32]));
    let Trust::Authorities(all) = named("ca = \"ca.pem\"").unwrap() else {
        panic!("a file of authorities is not read as one")
    };
    assert_eq!(all.len(), 2);
}

#[test]
fn what_names_nobody_for_certain_is_refused_by_its_place() {
    let pin = format!("pin = \"sha256:{}\"\n", "ab".repeat(32));
    for (lines, why) in [
        (format!("{pin}ca = \"ca.pem\""), "both pin and ca"),
        ("pin = \"md5:00\"".to_owned(), "64 hex digits"),
        ("pin = \"\"".to_owned(), "64 hex digits"),
        ("ca = \"empty.pem\"".to_owned(), "no certificate in PEM"),
        ("ca = \"missing.pem\"".to_owned(), "missing.pem"),
    ] {
        let said = named(&lines).unwrap_err().to_string();
        assert!(said.contains(why), "{lines}: {said}");
        assert!(
            said.contains("number 1") || said.contains(".pem: "),
            "{said}"
        );
    }
}

#[test]
fn a_fingerprint_is_read_as_tools_print_it_and_nothing_shorter_longer_or_other_is_one() {
    let known = Some([0xab; 32]);
    let spaced = ["AB"; 32].join(":");
    assert_eq!(fingerprint(&format!("sha256:{spaced}")), known);
    assert_eq!(fingerprint(&format!("sha256:{}", "aB".repeat(32))), known);
    for other in [
        "",
        "sha256:",
        &"ab".repeat(32),
        &format!("sha256:{}", "ab".repeat(31)),
        &format!("sha256:{}a", "ab".repeat(32)),
        &format!("sha256:{}", "ab".repeat(33)),
        &format!("sha256:{}", "ag".repeat(32)),
        &format!("sha1:{}", "ab".repeat(32)),
    ] {
        assert_eq!(fingerprint(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn a_fingerprint_comes_back_as_it_was_told(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let told = print_of(&bytes);
        prop_assert_eq!(fingerprint(&format!("sha256:{told}")), Some(sha256(&bytes)));
    }

    #[test]
    fn any_text_is_a_fingerprint_or_none(text in "(sha256:)?\\PC{0,80}") {
        let _ = fingerprint(&text);
    }
}
