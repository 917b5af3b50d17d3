//! Who may do what to a file of Windows, read from the text of its security descriptor (SDDL: "Security Descriptor Definition
//! Language" and "ACE Strings" of the Windows documentation). Text in, answer out, on every platform; what is not understood
//! counts as open.

/// Entries of an access list: 64 KiB of list hold fewer.
const ENTRIES_MAX: usize = 4096;
/// Bytes of a descriptor as text.
const BYTES_MAX: usize = 1 << 20;
/// Conditions of an entry stand in parentheses within it.
const DEPTH_MAX: u32 = 32;

/// `NT SERVICE\TrustedInstaller`, who owns what the system itself installs.
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

// Rights of a file and a folder ("File Access Rights Constants", "Generic Access Rights").
const WRITE_DATA: u32 = 0x2;
const APPEND_DATA: u32 = 0x4;
const WRITE_EXTENDED: u32 = 0x10;
const DELETE_CHILD: u32 = 0x40;
const WRITE_ATTRIBUTES: u32 = 0x100;
const DELETE: u32 = 0x1_0000;
const WRITE_LIST: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const ALL_THERE_ARE: u32 = 0x0200_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// Whoever has one of these may put something else in the place of a thing, or give himself the right to.
const REPLACES: u32 =
    DELETE | DELETE_CHILD | WRITE_LIST | WRITE_OWNER | ALL_THERE_ARE | GENERIC_ALL;
/// Whoever has one of these may change it.
const WRITES: u32 =
    REPLACES | WRITE_DATA | APPEND_DATA | WRITE_EXTENDED | WRITE_ATTRIBUTES | GENERIC_WRITE;

/// Letters of rights, two for each.
const LETTERS: &[(&str, u32)] = &[
    ("GA", GENERIC_ALL),
    ("GW", GENERIC_WRITE),
    ("GR", 0x8000_0000),
    ("GX", 0x2000_0000),
    ("RC", 0x2_0000),
    ("SD", DELETE),
    ("WD", WRITE_LIST),
    ("WO", WRITE_OWNER),
    ("FA", 0x001f_01ff),
    ("FR", 0x0012_0089),
    ("FW", 0x0012_0116),
    ("FX", 0x0012_00a0),
    ("CC", 0x1),
    ("DC", WRITE_DATA),
    ("LC", APPEND_DATA),
    ("SW", 0x8),
    ("RP", WRITE_EXTENDED),
    ("WP", 0x20),
    ("DT", DELETE_CHILD),
    ("LO", 0x80),
    ("CR", WRITE_ATTRIBUTES),
];

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thing {
    /// A file, or the folder it lies in: nobody else may write to it, or to what will lie in it.
    Itself,
    /// A folder further above: others may make something beside, if they cannot put something else in its place.
    Above,
}

/// Owner and access list of a descriptor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// The owner, as a SID or the two letters of a known one.
    pub owner: String,
    /// Whom the list lets do something. Who is refused is left out: that takes nothing from others.
    pub allowed: Vec<Allowed>,
}

/// An entry of an access list that lets somebody do something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// Who, as a SID or the two letters of a known one.
    pub who: String,
    /// What; all of it where the text is not understood.
    pub rights: u32,
    /// True if it holds only for what lies below.
    pub below_alone: bool,
}

/// Reads a descriptor. `None` where it is damaged, or has no list, which lets everybody do everything.
pub fn read(text: &str) -> Option<Descriptor> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let (before, list) = text.split_once("D:")?;
    let owner = before.strip_prefix("O:")?;
    let owner = owner.split("G:").next().unwrap_or_default();
    let begin = list.find(['(', 'S']).unwrap_or(list.len());
    let (flags, mut rest) = list.split_at_checked(begin)?;
    let known = |flags: &str| {
        flags
            .chars()
            .all(|letter| matches!(letter, 'P' | 'A' | 'I' | 'R'))
    };
    if owner.is_empty() || !known(flags) {
        return None;
    }
    let mut allowed = Vec::new();
    for _ in 0..ENTRIES_MAX {
        let Some((entry, after)) = first_entry(rest) else {
            break;
        };
        allowed.extend(entry_of(entry)?);
        rest = after;
    }
    let is_end = rest.is_empty() || rest.starts_with("S:");
    is_end.then(|| Descriptor {
        owner: owner.to_owned(),
        allowed,
    })
}

/// Who besides the system, its administrators and its installer may change `thing`: SIDs, or the two letters of known ones. Nobody
/// where it is empty.
///
/// # Errors
/// The descriptor is damaged, or lets everybody in.
pub fn others_who_may_write(text: &str, thing: Thing) -> Result<Vec<String>, Open> {
    let descriptor = read(text).ok_or(Open)?;
    let counts = |entry: &&Allowed| match thing {
        Thing::Itself => entry.rights & WRITES != 0,
        Thing::Above => entry.rights & REPLACES != 0 && !entry.below_alone,
    };
    let entries = descriptor.allowed.iter().filter(counts);
    // Whoever made something is its owner, who is judged himself; of what is not made yet nobody is.
    let is_maker = |entry: &Allowed| is_owner_rights(&entry.who) || is_creator(entry);
    let others = entries.filter(|entry| !is_maker(entry));
    // An owner may always change the list.
    let mut found: Vec<String> = others.map(|entry| entry.who.clone()).collect();
    found.push(descriptor.owner);
    found.retain(|who| !is_of_the_system(who));
    found.sort();
    found.dedup();
    Ok(found)
}

/// A descriptor without a list, or one that is not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Open;

/// True if nobody but the system, administrators, the owner of the thing and `own` may do anything with it, and the owner is one of
/// the former or `own`.
pub fn is_alone(text: &str, own: Option<&str>) -> bool {
    let Some(descriptor) = read(text) else {
        return false;
    };
    let is_ours = |who: &str| {
        is_system_or_administrators(who) || is_first_administrator(who) || own == Some(who)
    };
    let owner = descriptor.owner.as_str();
    let lets =
        |entry: &Allowed| is_ours(&entry.who) || is_owner_rights(&entry.who) || entry.who == owner;
    is_ours(owner) && descriptor.allowed.iter().all(lets)
}

fn is_of_the_system(who: &str) -> bool {
    is_system_or_administrators(who) || is_first_administrator(who) || who == TRUSTED_INSTALLER
}

fn is_system_or_administrators(who: &str) -> bool {
    matches!(who, "SY" | "BA" | "S-1-5-18" | "S-1-5-32-544")
}

/// The account of an administrator that every machine has (number 500); a domain's is another's word.
fn is_first_administrator(who: &str) -> bool {
    who == "LA"
}

fn is_owner_rights(who: &str) -> bool {
    matches!(who, "OW" | "S-1-3-4")
}

/// Whoever makes something below gets these rights to it.
fn is_creator(entry: &Allowed) -> bool {
    entry.below_alone && matches!(entry.who.as_str(), "CO" | "CG" | "S-1-3-0" | "S-1-3-1")
}

/// The first entry without its parentheses, and what stands behind it.
fn first_entry(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut depth, mut in_quotes) = (1_u32, false);
    for (at, letter) in inner.char_indices() {
        match letter {
            '"' => in_quotes = !in_quotes,
            '(' if !in_quotes => depth += 1,
            ')' if !in_quotes => depth -= 1,
            _ => {}
        }
        match depth {
            0 => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            DEPTH_MAX.. => return None,
            _ => {}
        }
    }
    None
}

/// `type;flags;rights;object;inherited object;who[;condition]`. `Some(None)` for one that refuses, `None` for one that is damaged.
fn entry_of(text: &str) -> Option<Option<Allowed>> {
    let mut fields = text.splitn(7, ';');
    let (kind, flags, rights) = (fields.next()?, fields.next()?, fields.next()?);
    let who = fields.nth(2)?;
    // Entries that refuse: plain, for an object, with a condition.
    if matches!(kind, "D" | "OD" | "XD") {
        return Some(None);
    }
    Some(Some(Allowed {
        who: who.to_owned(),
        rights: rights_of(rights).unwrap_or(u32::MAX),
        below_alone: pairs(flags).any(|flag| flag == Some("IO")),
    }))
}

fn rights_of(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok();
    }
    let letters = |pair: &str| LETTERS.iter().find(|(letters, _)| *letters == pair);
    pairs(text).try_fold(0, |sum, pair| Some(sum | letters(pair?)?.1))
}

/// The text in pieces of two bytes; `None` for one that is no two letters.
fn pairs(text: &str) -> impl Iterator<Item = Option<&str>> {
    let begins = (0..text.len()).step_by(2);
    begins.map(move |at| text.get(at..at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM_FILES: &str = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:SYD:PAI(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)";
    const ROOT: &str = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)";

    fn others(text: &str, thing: Thing) -> Vec<String> {
        others_who_may_write(text, thing).unwrap()
    }

    #[test]
    fn a_folder_as_the_system_installs_it_is_written_by_nobody_else() {
        assert!(others(PROGRAM_FILES, Thing::Itself).is_empty());
        assert!(others(PROGRAM_FILES, Thing::Above).is_empty());
    }

    #[test]
    fn the_root_of_a_drive_may_stand_above_and_is_no_place_for_a_program() {
        assert!(others(ROOT, Thing::Above).is_empty());
        assert_eq!(others(ROOT, Thing::Itself), ["AU"]);
    }

    #[test]
    fn whoever_may_write_rename_or_change_the_list_is_named() {
        let with = |entry: &str| format!("O:BAG:BAD:(A;;FA;;;SY){entry}");
        let of = |entry: &str| others(&with(entry), Thing::Itself);
        for rights in [
            "FA", "FW", "GA", "GW", "DC", "LC", "DT", "SD", "WD", "WO", "0x1301bf", "0x2",
        ] {
            assert_eq!(of(&format!("(A;OICI;{rights};;;BU)")), ["BU"], "{rights}");
        }
        for rights in ["FR", "FX", "FRFX", "GR", "GX", "0x1200a9", "RCCCSWLO"] {
            assert!(
                of(&format!("(A;OICI;{rights};;;BU)")).is_empty(),
                "{rights}"
            );
        }
        assert_eq!(of("(A;;FR;;;BU)(A;OICIIO;GW;;;S-1-1-0)"), ["S-1-1-0"]);
        assert_eq!(
            of("(XA;;FW;;;S-1-1-0;(@User.a==\")\" && (1 == 1)))"),
            ["S-1-1-0"]
        );
        assert_eq!(of("(OA;;CC;;;WD)(OA;;DC;;;AN)"), ["AN"]);
    }

    #[test]
    fn above_only_who_can_put_something_else_in_its_place_is_named() {
        let of = |entry: &str| others(&format!("O:SYD:{entry}"), Thing::Above);
        assert_eq!(of("(A;;DT;;;BU)(A;;0x1200a9;;;AU)"), ["BU"]);
        assert!(of("(A;;DCLC;;;BU)").is_empty());
        assert!(of("(A;OICIIO;FA;;;BU)").is_empty());
    }

    #[test]
    fn an_owner_who_is_nobody_of_the_system_may_write() {
        let owner = "S-1-5-21-1-2-3-1001";
        let text = format!("O:{owner}G:DUD:PAI(A;;FA;;;SY)(A;;FA;;;OW)");
        assert_eq!(others(&text, Thing::Itself), [owner]);
        assert_eq!(others(&text, Thing::Above), [owner]);
    }

    #[test]
    fn who_is_refused_is_not_named_and_takes_nothing_from_others() {
        assert!(others("O:BAD:(D;;FA;;;BU)(XD;;FA;;;AN;(1 == 1))", Thing::Itself).is_empty());
        assert_eq!(
            others("O:BAD:(D;;FA;;;BU)(A;;FA;;;BU)", Thing::Itself),
            ["BU"]
        );
    }

    #[test]
    fn what_is_not_understood_is_open() {
        let damaged = [
            "",
            "D:",
            "O:BAG:BA",
            "O:BAD:NO_ACCESS_CONTROL",
            "O:BAD:(A;;FA;;;SY",
            "O:BAD:(A;;FA)",
            "O:BAD:(A;;FA;;;SY)rest",
            "O:BAD:PAX(A;;FA;;;SY)",
        ];
        for text in damaged {
            assert_eq!(
                others_who_may_write(text, Thing::Itself),
                Err(Open),
                "{text}"
            );
            assert!(!is_alone(text, None), "{text}");
        }
        assert_eq!(
            others("O:BAD:(A;;ZZ;;;BU)(A;;F;;;AU)", Thing::Above),
            ["AU", "BU"]
        );
        assert_eq!(others("O:BAD:(ZZ;;FW;;;BU)", Thing::Itself), ["BU"]);
        // A list without entries lets nobody in; what stands behind it is of the auditors.
        assert!(others("O:BAD:", Thing::Itself).is_empty());
        assert!(others("O:BAD:PS:(AU;SA;FA;;;WD)", Thing::Itself).is_empty());
        assert!(others("O:BAD:P(A;;FA;;;SY)S:(AU;SA;FA;;;WD)", Thing::Itself).is_empty());
    }

    #[test]
    fn a_folder_for_us_alone_is_ours_alone() {
        let own = "S-1-5-21-1-2-3-1001";
        let alone = "O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";
        assert!(is_alone(alone, Some(own)));
        assert!(is_alone(
            &format!("O:{own}D:(A;;FA;;;{own})(A;;FA;;;SY)"),
            Some(own)
        ));
        assert!(!is_alone(
            &format!("O:{own}D:(A;;FA;;;{own})(A;;FA;;;SY)"),
            None
        ));
        assert!(!is_alone("O:BAD:(A;;FA;;;SY)(A;;FR;;;BU)", Some(own)));
        assert!(is_alone("O:BAD:(A;;FA;;;SY)(D;;FR;;;BU)", Some(own)));
    }

    #[test]
    fn no_damage_of_a_descriptor_panics() {
        for at in 0..PROGRAM_FILES.len() {
            for with in ["", "(", ")", ";", "\"", "D:", "ä", "0x", "\u{0}"] {
                let (before, after) = PROGRAM_FILES.split_at(at);
                let _ = others_who_may_write(&format!("{before}{with}"), Thing::Itself);
                let _ = is_alone(&format!("{before}{with}{after}"), Some("SY"));
            }
        }
        let deep = format!("O:BAD:{}", "(".repeat(10_000));
        assert_eq!(others_who_may_write(&deep, Thing::Itself), Err(Open));
    }
}
