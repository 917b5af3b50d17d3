//! Rights as they are written on directories and whole shares: POSIX ACLs and the security descriptors Samba keeps for Windows.

use groma_model::Foreign;
use groma_model::fact::Grant;

use super::sids::Sids;
use crate::accounts::Accounts;

/// Entries of one list that are read at all; 64 KiB hold some eight thousand.
const ENTRIES_MAX: usize = 8_192;

/// Rights, and those of them that stand for nobody.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Rights {
    pub(super) grants: Vec<Grant>,
    pub(super) orphans: Vec<Foreign>,
}

impl Rights {
    pub(super) fn give(&mut self, principal: Foreign, right: &str, nobody: bool) {
        if nobody {
            self.orphans.push(principal.clone());
        }
        self.grants.push(Grant {
            principal,
            right: right.to_owned(),
        });
    }

    pub(super) fn settled(mut self) -> Self {
        self.grants.sort();
        self.grants.dedup();
        self.orphans.sort();
        self.orphans.dedup();
        self
    }
}

/// The entries of `system.posix_acl_access` or `…_default` that name somebody; owner, group and others stand in
/// the mode. Little-endian: version 2, then tag, permissions and number of each (Linux, posix_acl_xattr.h).
pub(super) fn posix(bytes: &[u8], accounts: &Accounts) -> Option<Rights> {
    const USER: u16 = 0x02;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    let entries = bytes.strip_prefix(&2_u32.to_le_bytes())?;
    let entries: Vec<(u16, u16, u32)> = entries
        .chunks_exact(8)
        .take(ENTRIES_MAX)
        .filter_map(entry)
        .collect();
    let mask = entries
        .iter()
        .find(|(tag, _, _)| *tag == MASK)
        .map_or(7, |(_, bits, _)| *bits);
    let mut rights = Rights::default();
    for (tag, bits, id) in entries {
        let letters = letters(bits & mask);
        match tag {
            USER => rights.give(accounts.user(id), &letters, accounts.is_nobodys_user(id)),
            GROUP => rights.give(accounts.group(id), &letters, accounts.is_nobodys_group(id)),
            _ => {}
        }
    }
    Some(rights.settled())
}

fn entry(bytes: &[u8]) -> Option<(u16, u16, u32)> {
    Some((u16_at(bytes, 0)?, u16_at(bytes, 2)?, u32_at(bytes, 4)?))
}

/// `rwx` with dashes for what is missing.
pub(super) fn letters(bits: u16) -> String {
    [(4, 'r'), (2, 'w'), (1, 'x')]
        .iter()
        .map(|(bit, letter)| if bits & bit == 0 { '-' } else { *letter })
        .collect()
}

/// Who is behind numbers and SIDs.
#[derive(Clone, Copy)]
pub(super) struct People<'a> {
    pub(super) accounts: &'a Accounts,
    pub(super) sids: &'a Sids,
}

/// The explicit entries of the security descriptor in `security.NTACL` ([MS-DTYP] 2.4.6, self-relative).
///
/// Samba wraps it in a structure of its own whose length depends on its version (xattr.idl); the descriptor is the
/// last thing in it, known by its revision, its flag and an owner that is a SID. Its offsets count from the begin
/// of all the bytes, not from its own.
pub(super) fn windows(bytes: &[u8], people: People<'_>) -> Option<Rights> {
    let at = (0..bytes.len().saturating_sub(20))
        .step_by(2)
        .find(|at| is_descriptor(bytes, *at))?;
    described(bytes, at, people)
}

/// The entries of the security descriptor of a whole share, as `share_info.tdb` holds it: nothing wraps it, and it
/// names an owner only where somebody set one.
pub(super) fn of_share(bytes: &[u8], people: People<'_>) -> Option<Rights> {
    is_self_relative(bytes, 0).then(|| described(bytes, 0, people))?
}

fn described(bytes: &[u8], at: usize, people: People<'_>) -> Option<Rights> {
    let mut rights = Rights::default();
    let owner = offset(bytes, at + 4)?;
    if owner != 0 {
        let (owner, nobody) = principal(bytes.get(owner..)?, people)?;
        rights.give(owner, "owner", nobody);
    }
    let list = offset(bytes, at + 16)?;
    if list != 0 {
        entries(bytes.get(list..)?, people, &mut rights);
    }
    Some(rights.settled())
}

fn is_self_relative(bytes: &[u8], at: usize) -> bool {
    const SELF_RELATIVE: u16 = 0x8000;
    let control = u16_at(bytes, at + 2).unwrap_or(0);
    u16_at(bytes, at) == Some(1) && control & SELF_RELATIVE != 0
}

fn is_descriptor(bytes: &[u8], at: usize) -> bool {
    let named = |field: usize| {
        let to = offset(bytes, at + field).filter(|to| *to >= at + 20)?;
        sid(bytes.get(to..)?)
    };
    is_self_relative(bytes, at) && named(4).is_some() && named(8).is_some()
}

/// ACL: revision, size, count; then ACEs, each with its own size ([MS-DTYP] 2.4.5, 2.4.4).
fn entries(list: &[u8], people: People<'_>, rights: &mut Rights) {
    const INHERITED: u8 = 0x10;
    let count = usize::from(u16_at(list, 4).unwrap_or(0)).min(ENTRIES_MAX);
    let mut rest = list.get(8..).unwrap_or_default();
    for _ in 0..count {
        let (Some(kind), Some(flags), Some(size)) = (rest.first(), rest.get(1), u16_at(rest, 2))
        else {
            return;
        };
        let Some(ace) = rest.get(..usize::from(size)).filter(|ace| ace.len() >= 16) else {
            return;
        };
        let who = ace.get(8..).and_then(|bytes| principal(bytes, people));
        let mask = u32_at(ace, 4).unwrap_or(0);
        if let (Some((who, nobody)), true) = (who, flags & INHERITED == 0) {
            match kind {
                0 => rights.give(who, windows_right(mask), nobody),
                1 => rights.give(who, "denied", nobody),
                _ => {}
            }
        }
        rest = rest.get(usize::from(size)..).unwrap_or_default();
    }
}

/// FILE_ALL_ACCESS and GENERIC_ALL; any bit that writes, appends, deletes or changes rights; any that reads.
fn windows_right(mask: u32) -> &'static str {
    const ALL: u32 = 0x001f_01ff;
    const GENERIC_ALL: u32 = 0x1000_0000;
    const WRITES: u32 = 0x400d_0156;
    match () {
        () if mask & ALL == ALL || mask & GENERIC_ALL != 0 => "full-access",
        () if mask & WRITES != 0 => "write",
        () => "read",
    }
}

/// Whom the SID stands for, and whether that is nobody any more.
fn principal(bytes: &[u8], people: People<'_>) -> Option<(Foreign, bool)> {
    Some(people.sids.who(&sid(bytes)?, people.accounts))
}

/// [MS-DTYP] 2.4.2: revision 1, count of sub-authorities up to 15, authority big-endian, the rest little-endian.
pub(super) fn sid(bytes: &[u8]) -> Option<String> {
    let (1, count @ 1..=15) = (*bytes.first()?, *bytes.get(1)?) else {
        return None;
    };
    let authority = bytes
        .get(2..8)?
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if authority > 100 {
        return None;
    }
    let mut text = format!("S-1-{authority}");
    for number in 0..usize::from(count) {
        text.push_str(&format!("-{}", u32_at(bytes, 8 + number * 4)?));
    }
    Some(text)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            b"root:x:0:0::/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\n",
            b"sales:x:2001:\n",
            b"passwd: files\n",
        )
    }

    /// Whoever a machine without Samba knows.
    fn people(accounts: &Accounts) -> People<'_> {
        static NOBODY: std::sync::LazyLock<Sids> = std::sync::LazyLock::new(Sids::default);
        People {
            accounts,
            sids: &NOBODY,
        }
    }

    fn packed_sid(text: &str) -> Vec<u8> {
        let numbers: Vec<u32> = text
            .split('-')
            .skip(2)
            .map(|n| n.parse().unwrap())
            .collect();
        let count = u8::try_from(numbers.len() - 1).unwrap();
        let authority = [0, 0, 0, 0, 0, u8::try_from(numbers[0]).unwrap()];
        let rest = numbers[1..].iter().flat_map(|n| n.to_le_bytes());
        [1, count]
            .into_iter()
            .chain(authority)
            .chain(rest)
            .collect()
    }

    /// A self-relative descriptor of type, flags, mask and SID, laid out as [MS-DTYP] 2.4.6 says.
    fn rendered(aces: &[(u8, u8, u32, &str)], owner: Option<&str>) -> Vec<u8> {
        let size = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap();
        let aces: Vec<Vec<u8>> = aces
            .iter()
            .map(|(kind, flags, mask, sid)| {
                let sid = packed_sid(sid);
                let head = [&[*kind, *flags][..], &(size(&sid) + 8).to_le_bytes()].concat();
                [head, mask.to_le_bytes().to_vec(), sid].concat()
            })
            .collect();
        let owner = owner.map(packed_sid).unwrap_or_default();
        let list_at = 20 + u32::try_from(owner.len()).unwrap();
        let owner_at = if owner.is_empty() { 0_u32 } else { 20 };
        let many = size(&aces.iter().map(|_| 0).collect::<Vec<u8>>());
        let entries = aces.concat();
        let list = [
            [2, 0, 0, 0].as_slice(),
            &many.to_le_bytes(),
            &[0, 0],
            &entries,
        ]
        .concat();
        let heads = [owner_at, 0, 0, list_at].map(u32::to_le_bytes).concat();
        [vec![1, 0, 4, 0x80], heads, owner, list].concat()
    }

    #[test]
    fn whatever_descriptor_is_laid_out_is_read_back() {
        for seed in 0..200 {
            let mut chance = groma_fuzz::Chance::new(seed);
            let mut below = |most: usize| u32::try_from(chance.below(most)).unwrap();
            let sids: Vec<String> = (0..seed % 12)
                .map(|at| {
                    format!(
                        "S-1-5-21-{}-{}-{}-{}",
                        below(99),
                        below(99),
                        at,
                        1000 + below(9)
                    )
                })
                .collect();
            let aces: Vec<(u8, u8, u32, &str)> = sids
                .iter()
                .map(|sid| {
                    let kind = u8::try_from(below(2)).unwrap();
                    let inherited = if below(3) == 0 { 0x10 } else { 0 };
                    (kind, inherited, 0x001f_01ff, sid.as_str())
                })
                .collect();
            let owner = (seed % 2 == 0).then_some("S-1-5-32-544");
            let rights = of_share(&rendered(&aces, owner), people(&accounts())).unwrap();
            let mut expected: Vec<String> = aces
                .iter()
                .filter(|(_, flags, _, _)| *flags == 0)
                .map(|(kind, _, _, sid)| {
                    format!(
                        "{sid} {}",
                        if *kind == 0 { "full-access" } else { "denied" }
                    )
                })
                .chain(owner.map(|sid| format!("{sid} owner")))
                .collect();
            let mut told = told(&rights);
            expected.sort();
            told.sort();
            assert_eq!(told, expected, "seed {seed}");
        }
    }

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, bits, id) in entries {
            bytes.extend(
                [
                    &tag.to_le_bytes()[..],
                    &bits.to_le_bytes(),
                    &id.to_le_bytes(),
                ]
                .concat(),
            );
        }
        bytes
    }

    fn told(rights: &Rights) -> Vec<String> {
        rights
            .grants
            .iter()
            .map(|g| format!("{} {}", g.principal, g.right))
            .collect()
    }

    #[test]
    fn only_entries_that_name_somebody_are_told_and_the_mask_counts() {
        let bytes = list(&[
            (1, 7, u32::MAX),
            (2, 7, 1001),
            (2, 6, 1234),
            (4, 5, u32::MAX),
            (8, 7, 2001),
            (16, 5, u32::MAX),
            (32, 0, u32::MAX),
        ]);
        let rights = posix(&bytes, &accounts()).unwrap();
        assert_eq!(told(&rights), ["@sales r-x", "anna r-x", "uid 1234 r--"]);
        assert_eq!(rights.orphans, ["uid 1234".into()]);
        assert_eq!(posix(b"\x09\0\0\0", &accounts()), None);
    }

    /// What Samba 4.17 packed (`ndr_pack` of `xattr_NTACL`, version 4) for
    /// `O:S-1-22-1-1001 G:S-1-22-2-0 D:(A;OICI;0x1f01ff;;;S-1-22-1-1001)(A;OICIID;0x1f01ff;;;WD)`, with a hash of ab.
    fn packed() -> Vec<u8> {
        let hash = |byte: &str| byte.repeat(64);
        let text = format!(
            "0400040000000200040002000100{}706f7369785f61636c000100000000000000{}01000480b4000000c400000000000000d40000000\
            10200000000001601000000e903000001020000000000160200000000000000040034000200000000031800ff011f0001020000000000\
            1601000000e903000000131400ff011f00010100000000000100000000",
            hash("ab"),
            hash("cd")
        );
        groma_model::foreign::unhex(&text).unwrap()
    }

    #[test]
    fn explicit_entries_of_a_windows_list_are_told_behind_what_wraps_it() {
        let rights = windows(&packed(), people(&accounts())).unwrap();
        assert_eq!(told(&rights), ["anna full-access", "anna owner"]);
        assert_eq!(rights.orphans, []);
        assert_eq!(windows(&[0; 300], people(&accounts())), None);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let acl = list(&[(2, 7, 1001), (16, 5, 0)]);
        let share = rendered(&[(0, 0, 7, "S-1-1-0")], Some("S-1-5-21-1-2-3-1000"));
        groma_fuzz::hammer(3000, &[&acl, &packed(), &share], |bytes| {
            posix(bytes, &accounts());
            windows(bytes, people(&accounts()));
            of_share(bytes, people(&accounts()));
        });
    }
}
