//! Lists of every kind, big data, damage in one place, and loops.

use groma_model::Reason;

use super::super::names::Asked;
use super::super::{Damage, Doubt, Hive};
use super::build::{Laid, Numbers};

fn read(laid: Laid) -> Hive {
    let (hive, doubts) = Hive::of_bytes(laid.ended(Numbers::of(1, 1)), &[]).unwrap();
    assert_eq!(doubts, []);
    hive
}

fn names(hive: &Hive, path: &str) -> Vec<String> {
    hive.key(path).unwrap().unwrap().keys
}

/// The hash Windows keeps of a name in a list.
fn hash(name: &str) -> [u8; 4] {
    let upper = name.to_ascii_uppercase();
    let add = |sum: u32, byte: u8| sum.wrapping_mul(37).wrapping_add(u32::from(byte));
    upper.bytes().fold(0, add).to_le_bytes()
}

#[test]
fn keys_are_found_through_lists_of_every_kind() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let plain = laid.key(root, b"plain", true);
    let start = laid.key(root, b"start", true);
    let wide: Vec<u8> = "wide Ω".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = laid.key(root, &wide, false);
    let hashed = laid.key(root, b"hashed", true);
    let wrong = laid.key(root, b"wrong", true);
    let li = laid.list(b"li", &[(plain, [0; 4])]);
    let lf = laid.list(b"lf", &[(start, *b"star"), (wide, [0; 4])]);
    let lh = laid.list(b"lh", &[(hashed, hash("hashed")), (wrong, hash("other"))]);
    let ri = laid.list(b"ri", &[(li, [0; 4]), (lf, [0; 4]), (lh, [0; 4])]);
    laid.lists(root, 5, ri);
    let hive = read(laid);
    let all = ["hashed", "plain", "start", "wide Ω", "wrong"];
    assert_eq!(names(&hive, ""), all);
    for name in all {
        let key = hive.key(&name.to_uppercase()).unwrap();
        assert_eq!(key.unwrap().written, Some(1_577_836_800), "{name}");
    }
    assert_eq!(hive.key("absent"), Ok(None));
}

#[test]
fn a_hash_is_of_the_name_in_upper_case() {
    use super::super::cells::Hint;
    let asked = Asked::of("Software");
    assert!(asked.may_be(Hint::Hash(u32::from_le_bytes(hash("SOFTWARE")))));
    assert!(!asked.may_be(Hint::Hash(1)));
    assert!(asked.may_be(Hint::Start(*b"sOFT")));
    assert!(!asked.may_be(Hint::Start(*b"Soap")));
    assert!(Asked::of("ab").may_be(Hint::Start(*b"AB\0\0")));
}

#[test]
fn content_in_several_cells_is_put_together() {
    let mut laid = Laid::begun();
    let whole: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let parts: Vec<u32> = whole.chunks(16_344).map(|part| laid.cell(part)).collect();
    let list: Vec<u8> = parts.iter().flat_map(|at| at.to_le_bytes()).collect();
    let list = laid.cell(&list);
    let mut db = b"db\x03\0".to_vec();
    db.extend(list.to_le_bytes());
    let db = laid.cell(&db);
    let value = laid.value("big", 3, 40_000, db);
    let short = laid.value("short", 3, 0x8000_0003, 0x0403_0201);
    let root = laid.root;
    laid.values(root, &[value, short]);
    let hive = read(laid.clone());
    let key = hive.key("").unwrap().unwrap();
    assert_eq!(key.bytes("big"), Some(whole.as_slice()));
    assert_eq!(key.bytes("short"), Some([1, 2, 3].as_slice()));
    // Longer than its cells are.
    laid.put(value, 4, 60_000);
    assert_eq!(read(laid.clone()).key(""), Err(Reason::Malformed));
    laid.put(value, 4, (1 << 20) + 1);
    assert_eq!(read(laid).key(""), Err(Reason::TooLarge));
}

#[test]
fn a_damaged_key_is_a_gap_of_its_own() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let keys = laid.keys(root, &["good", "bad", "better"]);
    laid.put(keys[1], 0, 0);
    let hive = read(laid);
    let listed = names(&hive, "");
    assert_eq!(listed.len(), 3);
    let lost = listed
        .iter()
        .find(|name| name.starts_with('\u{fffd}'))
        .unwrap();
    assert_eq!(hive.key(lost), Err(Reason::Malformed));
    assert!(hive.key("good").unwrap().is_some());
    assert!(hive.key("better").unwrap().is_some());
    // It may be the one that is damaged: nobody can say that it is absent.
    assert_eq!(hive.key("bad"), Err(Reason::Malformed));
}

#[test]
fn a_hint_tells_which_name_is_lost() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let bad = laid.key(root, b"bad", true);
    laid.put(bad, 0, 0);
    let list = laid.list(b"lh", &[(bad, hash("bad"))]);
    laid.lists(root, 1, list);
    let hive = read(laid);
    assert_eq!(hive.key("bad"), Err(Reason::Malformed));
    assert_eq!(hive.key("absent"), Ok(None));
    let lost = &names(&hive, "")[0];
    assert_eq!(hive.key(lost), Err(Reason::Malformed));
}

#[test]
fn a_damaged_value_costs_its_key_and_not_what_stands_below() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let keys = laid.keys(root, &["above"]);
    laid.keys(keys[0], &["below"]);
    let number = laid.number("n", 1);
    laid.values(keys[0], &[number, 0xffff_fff0]);
    let hive = read(laid);
    assert_eq!(hive.key("above"), Err(Reason::Malformed));
    assert!(hive.key(r"above\below").unwrap().is_some());
}

#[test]
fn a_lost_list_is_a_gap_and_the_values_stay() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let number = laid.number("n", 1);
    laid.values(root, &[number]);
    laid.lists(root, 4, 0x0100_0000);
    let hive = read(laid);
    let key = hive.key("").unwrap().unwrap();
    assert_eq!(key.number("n"), Some(1));
    assert_eq!(key.keys.len(), 1);
    assert_eq!(hive.key("any"), Err(Reason::Malformed));
}

#[test]
fn loops_end() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let keys = laid.keys(root, &["one", "two"]);
    // Each lists the other, itself, and the first key.
    let all = [(keys[0], [0; 4]), (keys[1], [0; 4]), (root, [0; 4])];
    let list = laid.list(b"li", &all);
    laid.lists(keys[0], 3, list);
    laid.lists(keys[1], 3, list);
    laid.put(root, 16, keys[1]);
    let hive = read(laid.clone());
    let listed = names(&hive, "two");
    assert_eq!(listed.len(), 3);
    for name in listed {
        assert_eq!(hive.key(&format!("two\\{name}")), Err(Reason::Malformed));
    }
    // A list of lists that lists itself.
    let ri = laid.list(b"ri", &[(0, [0; 4]); 3]);
    for entry in 0..3 {
        laid.put(ri, 4 + entry * 4, ri);
    }
    laid.lists(root, 9, ri);
    let hive = read(laid);
    assert_eq!(names(&hive, "").len(), 1);
    assert_eq!(hive.key("one"), Err(Reason::Malformed));
}

#[test]
fn values_that_share_their_content_do_not_make_a_small_hive_a_huge_key() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let content = laid.cell(&[1; 3000]);
    let value = laid.value("v", 3, 3000, content);
    laid.values(root, &vec![value; 10_000]);
    assert_eq!(read(laid).key(""), Err(Reason::Malformed));
}

#[test]
fn a_list_with_too_many_keys_is_too_large() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let one = laid.key(root, b"one", true);
    let leaf = laid.list(b"li", &vec![(one, [0; 4]); 1000]);
    let ri = laid.list(b"ri", &[(leaf, [0; 4]); 70]);
    laid.lists(root, 70_000, ri);
    let hive = read(laid);
    assert_eq!(hive.key(""), Err(Reason::TooLarge));
}

#[test]
fn a_path_that_is_too_deep_is_too_large() {
    let mut laid = Laid::begun();
    let mut above = laid.root;
    for _ in 0..520 {
        above = laid.keys(above, &["a"])[0];
    }
    let hive = read(laid);
    assert!(hive.key(&["a"; 512].join("\\")).unwrap().is_some());
    assert_eq!(hive.key(&["a"; 513].join("\\")), Err(Reason::TooLarge));
}

#[test]
fn a_damaged_bin_costs_only_what_stands_in_it() {
    let mut laid = Laid::begun();
    let root = laid.root;
    let names: Vec<String> = (0..90).map(|number| format!("key {number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    laid.keys(root, &names);
    let mut bytes = laid.ended(Numbers::of(1, 1));
    // The second bin.
    bytes[4096 + 4096..4096 + 8192].fill(0);
    let (hive, doubts) = Hive::of_bytes(bytes.clone(), &[]).unwrap();
    assert_eq!(doubts, [Doubt::Bins]);
    assert!(hive.key("key 00").unwrap().is_some());
    let listed = hive.key("").unwrap().unwrap().keys;
    let lost = listed.iter().filter(|name| name.starts_with('\u{fffd}'));
    assert!((10..60).contains(&lost.count()));
    assert_eq!(hive.key("key 50"), Err(Reason::Malformed));
    bytes.truncate(4096 + 4096);
    let (_, doubts) = Hive::of_bytes(bytes.clone(), &[]).unwrap();
    assert_eq!(doubts, [Doubt::Cut]);
    bytes.truncate(4096);
    assert_eq!(Hive::of_bytes(bytes, &[]).unwrap_err(), Damage::NoRoot);
    assert_eq!(Hive::of_bytes(vec![], &[]).unwrap_err(), Damage::NotAHive);
}
