//! The security descriptor definition language ([MS-DTYP] 2.5.1): `O:BAG:SYD:AI(A;OICI;FA;;;BA)(D;;0x1301bf;;;S-1-5-7)`.

use super::{Descriptor, ENTRIES_MAX, Entry, Who};

/// Longest text that is read, in bytes.
const TEXT_MAX: usize = 1 << 20;

/// Reads a descriptor; `None` where a part of it makes no sense.
pub(super) fn read(text: &str) -> Option<Descriptor> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let mut found = Descriptor::default();
    let (mut rest, mut any) = (text.trim(), false);
    while !rest.is_empty() {
        let (letter, value) = rest.split_once(':')?;
        let (value, after) = value.split_at(end_of_part(value));
        match letter.trim().to_ascii_uppercase().as_str() {
            "O" => found.owner = Some(who(value)?),
            "G" => {
                who(value)?;
            }
            "D" => found.entries = list(value)?,
            // Audit entries say nothing of who may do what, and only an administrator sees them.
            "S" => {}
            _ => return None,
        }
        any = true;
        rest = after;
    }
    any.then_some(found)
}

/// Where the next part begins: a letter and a colon outside of parentheses. A condition in them may hold anything.
fn end_of_part(value: &str) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut before = 0;
    for (at, letter) in value.char_indices() {
        match letter {
            '"' if depth > 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return before,
            _ => {}
        }
        before = at;
    }
    value.len()
}

/// The entries behind the flags; `None` within where there is no list at all (`NO_ACCESS_CONTROL`).
#[expect(
    clippy::option_option,
    reason = "outer: is it SDDL; inner: is there a list"
)]
fn list(value: &str) -> Option<Option<Vec<Entry>>> {
    let (flags, mut rest) = value.split_at(value.find('(').unwrap_or(value.len()));
    if flags.contains("NO_ACCESS_CONTROL") {
        return Some(None);
    }
    let mut entries = Vec::new();
    while let Some(inner) = rest.trim_start().strip_prefix('(') {
        let end = end_of_entry(inner)?;
        let (one, after) = inner.split_at(end);
        if entries.len() < ENTRIES_MAX {
            entries.extend(entry(one)?);
        }
        rest = after.strip_prefix(')')?;
    }
    rest.trim().is_empty().then_some(Some(entries))
}

fn end_of_entry(inner: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, letter) in inner.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return Some(at),
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `type;flags;rights;object;inherited object;account` and perhaps a condition; none for what gives and denies nothing.
#[expect(
    clippy::option_option,
    reason = "outer: is it an entry; inner: does it give or deny"
)]
fn entry(text: &str) -> Option<Option<Entry>> {
    let mut fields = text.splitn(7, ';').map(str::trim);
    let (kind, flags, rights) = (fields.next()?, fields.next()?, fields.next()?);
    let (_, _, account) = (fields.next()?, fields.next()?, fields.next()?);
    let denies = match kind.to_ascii_uppercase().as_str() {
        "A" | "OA" | "XA" | "ZA" => false,
        "D" | "OD" | "XD" => true,
        _ => return Some(None),
    };
    Some(Some(Entry {
        who: who(account)?,
        denies,
        inherited: pairs(flags)?.any(|flag| flag.eq_ignore_ascii_case("ID")),
        mask: mask(rights)?,
    }))
}

/// A text of words of two letters each.
fn pairs(text: &str) -> Option<impl Iterator<Item = &str>> {
    let whole = text.is_ascii() && text.len().is_multiple_of(2);
    whole.then(|| (0..text.len() / 2).filter_map(|at| text.get(at * 2..at * 2 + 2)))
}

/// A number in C's notation, or words.
fn mask(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(digits, 16).ok();
    }
    if text.starts_with(|letter: char| letter.is_ascii_digit()) {
        let radix = if text.len() > 1 && text.starts_with('0') {
            8
        } else {
            10
        };
        return u32::from_str_radix(text, radix).ok();
    }
    pairs(text)?.try_fold(0, |sum, word| Some(sum | bits(word)?))
}

/// The bits of a word ([MS-DTYP] 2.5.1.1, `sddl.h`).
fn bits(word: &str) -> Option<u32> {
    Some(match word.to_ascii_uppercase().as_str() {
        "GA" => 0x1000_0000,
        "GX" => 0x2000_0000,
        "GW" => 0x4000_0000,
        "GR" => 0x8000_0000,
        "SD" => 0x0001_0000,
        "RC" => 0x0002_0000,
        "WD" => 0x0004_0000,
        "WO" => 0x0008_0000,
        "CC" => 0x0001,
        "DC" => 0x0002,
        "LC" => 0x0004,
        "SW" => 0x0008,
        "RP" => 0x0010,
        "WP" => 0x0020,
        "DT" => 0x0040,
        "LO" => 0x0080,
        "CR" => 0x0100,
        "FA" => 0x001f_01ff,
        "FR" => 0x0012_0089,
        "FW" => 0x0012_0116,
        "FX" => 0x0012_00a0,
        "KA" => 0x000f_003f,
        "KR" | "KX" => 0x0002_0019,
        "KW" => 0x0002_0006,
        _ => return None,
    })
}

/// A SID, or one of the two-letter names for those that are the same everywhere or within each domain.
fn who(text: &str) -> Option<Who> {
    let text = text.trim().to_ascii_uppercase();
    if text.starts_with("S-1-") {
        return sid(&text).map(Who::Sid);
    }
    let sid = match text.as_str() {
        "WD" => "S-1-1-0",
        "CO" => "S-1-3-0",
        "CG" => "S-1-3-1",
        "OW" => "S-1-3-4",
        "NU" => "S-1-5-2",
        "IU" => "S-1-5-4",
        "SU" => "S-1-5-6",
        "AN" => "S-1-5-7",
        "ED" => "S-1-5-9",
        "PS" => "S-1-5-10",
        "AU" => "S-1-5-11",
        "RC" => "S-1-5-12",
        "SY" => "S-1-5-18",
        "LS" => "S-1-5-19",
        "NS" => "S-1-5-20",
        "WR" => "S-1-5-33",
        "BA" => "S-1-5-32-544",
        "BU" => "S-1-5-32-545",
        "BG" => "S-1-5-32-546",
        "PU" => "S-1-5-32-547",
        "AO" => "S-1-5-32-548",
        "SO" => "S-1-5-32-549",
        "PO" => "S-1-5-32-550",
        "BO" => "S-1-5-32-551",
        "RE" => "S-1-5-32-552",
        "RU" => "S-1-5-32-554",
        "RD" => "S-1-5-32-555",
        "NO" => "S-1-5-32-556",
        "MU" => "S-1-5-32-558",
        "LU" => "S-1-5-32-559",
        "IS" => "S-1-5-32-568",
        "CY" => "S-1-5-32-569",
        "ER" => "S-1-5-32-573",
        "CD" => "S-1-5-32-574",
        "RA" => "S-1-5-32-575",
        "ES" => "S-1-5-32-576",
        "MS" => "S-1-5-32-577",
        "HA" => "S-1-5-32-578",
        "AA" => "S-1-5-32-579",
        "RM" => "S-1-5-32-580",
        "AC" => "S-1-15-2-1",
        "AS" => "S-1-18-1",
        "SS" => "S-1-18-2",
        "LW" => "S-1-16-4096",
        "ME" => "S-1-16-8192",
        "MP" => "S-1-16-8448",
        "HI" => "S-1-16-12288",
        "SI" => "S-1-16-16384",
        other => return relative(other).map(Who::Relative),
    };
    Some(Who::Sid(sid.to_owned()))
}

fn relative(name: &str) -> Option<u32> {
    Some(match name {
        "RO" => 498,
        "LA" => 500,
        "LG" => 501,
        "DA" => 512,
        "DU" => 513,
        "DG" => 514,
        "DC" => 515,
        "DD" => 516,
        "CA" => 517,
        "SA" => 518,
        "EA" => 519,
        "PA" => 520,
        "CN" => 522,
        "AP" => 525,
        "KA" => 526,
        "EK" => 527,
        "RS" => 553,
        _ => return None,
    })
}

/// A SID in text, with an authority in decimal digits or as `0x`.
fn sid(text: &str) -> Option<String> {
    let mut parts = text.strip_prefix("S-1-")?.split('-');
    let authority = parts.next()?;
    let authority: u64 = match authority.strip_prefix("0X") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => authority.parse().ok()?,
    };
    let mut sid = format!("S-1-{authority}");
    for (count, part) in parts.enumerate() {
        let number: u32 = part.parse().ok()?;
        if count >= 15 {
            return None;
        }
        sid.push_str(&format!("-{number}"));
    }
    Some(sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let found = read(text).unwrap();
        let entries = found.entries.unwrap_or_default();
        let one = |entry: &Entry| {
            let inherited = if entry.inherited { " inherited" } else { "" };
            format!("{:?} {}{inherited}", entry.who, entry.right())
        };
        entries.iter().map(one).collect()
    }

    #[test]
    fn entries_say_who_and_what_and_whether_they_were_inherited() {
        let text = "O:BAG:DUD:PAI(A;OICI;FA;;;SY)(A;OICIID;0x1301bf;;;S-1-5-21-1-2-3-1105)(D;;FW;;;AN)(A;;0x1200a9;;;WD)\
                    (A;;GA;;;DA)S:AI(AU;SAFA;FA;;;WD)";
        assert_eq!(
            told(text),
            [
                r#"Sid("S-1-5-18") full-access"#,
                r#"Sid("S-1-5-21-1-2-3-1105") write inherited"#,
                r#"Sid("S-1-5-7") denied"#,
                r#"Sid("S-1-1-0") read"#,
                "Relative(512) full-access",
            ]
        );
        assert_eq!(
            read(text).unwrap().owner,
            Some(Who::Sid("S-1-5-32-544".into()))
        );
    }

    #[test]
    fn conditions_and_objects_do_not_end_an_entry() {
        let text = r#"D:(XA;;FR;;;AU;(@User.Title=="a) (b;" && (Member_of {SID(BA)})))(OA;;LO;bf967aba-0de6-11d0-a285-00aa003049e2;;S-1-5-10)(A;;FR;;;BU)"#;
        assert_eq!(
            told(text),
            [
                r#"Sid("S-1-5-11") read"#,
                r#"Sid("S-1-5-10") read"#,
                r#"Sid("S-1-5-32-545") read"#,
            ]
        );
    }

    #[test]
    fn an_empty_list_lets_nobody_in_and_no_list_everybody() {
        assert_eq!(read("D:").unwrap().entries, Some(vec![]));
        assert_eq!(read("D:P").unwrap().entries, Some(vec![]));
        assert_eq!(read("D:NO_ACCESS_CONTROL").unwrap().entries, None);
        assert_eq!(read("O:SY").unwrap().entries, None);
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        for bad in [
            "",
            "hello",
            "D:(A;;FA;;;BA",
            "D:(A;;FA;;;ZZ)",
            "D:(A;;F;;;BA)",
            "D:(A;;QQ;;;BA)",
            "D:(A;;0xzz;;;BA)",
            "X:BA",
            "O:S-1-5-x",
            "D:(A;;FA)",
            "D:(A;;FA;;;BA)x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_read_in_all_notations() {
        assert_eq!(mask("0x1F01FF"), Some(0x1f_01ff));
        assert_eq!(mask("2032127"), Some(0x1f_01ff));
        assert_eq!(mask("0777"), Some(0o777));
        assert_eq!(mask("CCDCLCSWRPWPDTLOCRSDRCWDWO"), Some(0x000f_01ff));
        assert_eq!(mask(""), Some(0));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let corpus: [&[u8]; 2] = [
            b"O:BAG:SYD:AI(A;OICI;FA;;;BA)(XA;;FR;;;AU;(a==\"b\"))S:(AU;;FA;;;WD)",
            b"D:NO_ACCESS_CONTROL",
        ];
        groma_fuzz::hammer(4000, &corpus, |bytes| {
            read(&String::from_utf8_lossy(bytes));
        });
    }
}
