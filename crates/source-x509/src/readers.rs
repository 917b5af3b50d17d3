//! Who may read a file, counted as the kernel counts it: access list or mode, over the file and every directory above
//! it (acl(5), path_resolution(7)). Pure.
//!
//! An account takes the first entry that fits it, and no other: owner, named account, groups, the rest. So a key
//! of mode 0644 below a directory of mode 0700 is closed, and one of mode 0600 whose list names a group is open to it.

use std::collections::BTreeSet;

use groma_model::fact::KeyReaders;

/// The attribute that holds an access list.
pub(crate) const ATTRIBUTE: &str = "system.posix_acl_access";
const VERSION: u32 = 2;
/// Entries of one list that are looked at; the kernel itself keeps fewer than what 64 KiB hold.
const ENTRIES_MAX: usize = 8_192;

const READ: u16 = 4;
const SEARCH: u16 = 1;

/// The rights of one part of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    owner: u32,
    group: u32,
    of_owner: u16,
    of_group: u16,
    of_others: u16,
    users: Vec<(u32, u16)>,
    groups: Vec<(u32, u16)>,
}

impl Part {
    /// By the mode, and by the list where there is one: the bytes of [`ATTRIBUTE`], little-endian (`linux/posix_acl_xattr.h`).
    /// `None` for a list that is not understood.
    pub(crate) fn new(mode: u32, owner: u32, group: u32, list: Option<&[u8]>) -> Option<Self> {
        let bits = |shift: u32| u16::try_from(mode >> shift & 7).unwrap_or(0);
        let mut part = Self {
            owner,
            group,
            of_owner: bits(6),
            of_group: bits(3),
            of_others: bits(0),
            ..Self::default()
        };
        if let Some(list) = list {
            part.read(list)?;
        }
        Some(part)
    }

    fn read(&mut self, list: &[u8]) -> Option<()> {
        let (version, entries) = list.split_first_chunk::<4>()?;
        let (entries, rest) = entries.as_chunks::<8>();
        if u32::from_le_bytes(*version) != VERSION
            || !rest.is_empty()
            || entries.len() > ENTRIES_MAX
        {
            return None;
        }
        let mut mask = 7;
        for [tag_low, tag_high, right_low, right_high, id @ ..] in entries {
            let right = u16::from_le_bytes([*right_low, *right_high]) & 7;
            let id = u32::from_le_bytes(*id);
            match u16::from_le_bytes([*tag_low, *tag_high]) {
                0x01 => self.of_owner = right,
                0x02 => self.users.push((id, right)),
                0x04 => self.of_group = right,
                0x08 => self.groups.push((id, right)),
                0x10 => mask = right,
                0x20 => self.of_others = right,
                _ => return None,
            }
        }
        // The mask bounds everybody but the owner and the rest.
        self.of_group &= mask;
        self.users.iter_mut().for_each(|(_, right)| *right &= mask);
        self.groups.iter_mut().for_each(|(_, right)| *right &= mask);
        Some(())
    }

    fn lets_others(&self, right: u16) -> bool {
        self.of_others & right != 0
    }

    /// An account that is in none of the groups spoken of.
    fn lets_user(&self, uid: u32, right: u16) -> bool {
        if uid == self.owner {
            return self.of_owner & right != 0;
        }
        let named = self.users.iter().find(|(user, _)| *user == uid);
        named.map_or_else(|| self.lets_others(right), |(_, has)| has & right != 0)
    }

    /// A member of this group and no other one spoken of.
    fn lets_group(&self, gid: u32, right: u16) -> bool {
        let own = (gid == self.group).then_some(self.of_group);
        let named = self.groups.iter().filter(|(group, _)| *group == gid);
        let mut fitting = own.into_iter().chain(named.map(|(_, has)| *has)).peekable();
        match fitting.peek() {
            Some(_) => fitting.any(|has| has & right != 0),
            None => self.lets_others(right),
        }
    }
}

/// Who may read `file` behind `directories`, from the root down.
pub(crate) fn readers(directories: &[Part], file: &Part) -> KeyReaders {
    let every = |lets: &dyn Fn(&Part, u16) -> bool| {
        directories.iter().all(|part| lets(part, SEARCH)) && lets(file, READ)
    };
    if every(&Part::lets_others) {
        return KeyReaders {
            all: true,
            ..KeyReaders::default()
        };
    }
    let parts = || directories.iter().chain([file]);
    let users: BTreeSet<u32> = parts()
        .flat_map(|p| p.users.iter().map(|(uid, _)| *uid).chain([p.owner]))
        .filter(|uid| *uid != 0)
        .collect();
    let groups: BTreeSet<u32> = parts()
        .flat_map(|p| p.groups.iter().map(|(gid, _)| *gid).chain([p.group]))
        .collect();
    KeyReaders {
        all: false,
        groups: groups
            .into_iter()
            .filter(|gid| every(&|part, right| part.lets_group(*gid, right)))
            .collect(),
        users: users
            .into_iter()
            .filter(|uid| every(&|part, right| part.lets_user(*uid, right)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, right, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(right.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    fn part(mode: u32, owner: u32, group: u32) -> Part {
        Part::new(mode, owner, group, None).unwrap()
    }

    fn listed(mode: u32, entries: &[(u16, u16, u32)]) -> Part {
        Part::new(mode, 0, 0, Some(&list(entries))).unwrap()
    }

    const ROOT: (u32, u32, u32) = (0o755, 0, 0);

    fn told(directories: &[Part], file: &Part) -> (bool, Vec<u32>, Vec<u32>) {
        let found = readers(directories, file);
        (found.all, found.groups, found.users)
    }

    #[test]
    fn a_directory_above_closes_what_the_mode_of_the_file_opens() {
        let root = part(ROOT.0, ROOT.1, ROOT.2);
        let open = part(0o644, 0, 0);
        assert!(readers(&[root.clone(), part(0o755, 0, 0)], &open).all);
        assert!(
            readers(&[part(0o711, 0, 0)], &open).all,
            "to search is enough"
        );
        assert_eq!(
            told(&[root.clone(), part(0o700, 0, 0)], &open),
            (false, vec![], vec![])
        );
        // Debian's own: /etc/ssl/private is 0710 root:ssl-cert.
        assert_eq!(
            told(&[root, part(0o710, 0, 114)], &open),
            (false, vec![114], vec![])
        );
    }

    #[test]
    fn a_list_opens_what_the_mode_seems_to_close() {
        // What getfacl shows as `group:1005:r--` and `user:1007:r--` over a mode of 0640, whose middle is the mask.
        let file = listed(
            0o640,
            &[
                (1, 6, u32::MAX),
                (2, 4, 1007),
                (4, 0, u32::MAX),
                (8, 4, 1005),
                (0x10, 4, u32::MAX),
                (0x20, 0, u32::MAX),
            ],
        );
        let root = part(ROOT.0, ROOT.1, ROOT.2);
        assert_eq!(
            told(std::slice::from_ref(&root), &file),
            (false, vec![1005], vec![1007])
        );
        // The same below a directory that lets only account 1007 through.
        let door = listed(
            0o710,
            &[
                (1, 7, u32::MAX),
                (2, 1, 1007),
                (4, 0, u32::MAX),
                (0x10, 1, u32::MAX),
                (0x20, 0, u32::MAX),
            ],
        );
        assert_eq!(told(&[root, door], &file), (false, vec![], vec![1007]));
    }

    #[test]
    fn the_mask_takes_away_what_an_entry_gives_and_what_the_mode_seems_to_give_the_group() {
        let file = listed(
            0o600,
            &[
                (1, 6, u32::MAX),
                (2, 4, 1007),
                (4, 4, u32::MAX),
                (8, 4, 1005),
                (0x10, 0, u32::MAX),
                (0x20, 0, u32::MAX),
            ],
        );
        assert_eq!(told(&[], &file), (false, vec![], vec![]));
        // Mode 0640 with a list: the middle digit is the mask, the group itself has nothing.
        let file = listed(
            0o640,
            &[
                (1, 6, u32::MAX),
                (2, 4, 33),
                (4, 0, u32::MAX),
                (0x10, 4, u32::MAX),
                (0x20, 0, u32::MAX),
            ],
        );
        assert_eq!(told(&[], &file), (false, vec![], vec![33]));
    }

    #[test]
    fn an_owner_reads_what_is_his_and_others_do_not() {
        assert_eq!(
            told(&[part(0o755, 0, 0)], &part(0o600, 105, 105)),
            (false, vec![], vec![105])
        );
        assert_eq!(
            told(&[part(0o700, 0, 0)], &part(0o600, 105, 105)),
            (false, vec![], vec![])
        );
    }

    #[test]
    fn a_list_of_another_shape_is_not_guessed_at() {
        for bad in [
            &b""[..],
            b"\x02\0\0",
            b"\x03\0\0\0",
            b"\x02\0\0\0\x01",
            b"\x02\0\0\0\x40\0\x04\0\0\0\0\0",
        ] {
            assert_eq!(Part::new(0o600, 0, 0, Some(bad)), None, "{bad:x?}");
        }
        let seed = list(&[(1, 6, 0), (2, 4, 7), (0x10, 4, 0), (0x20, 0, 0)]);
        groma_fuzz::hammer(1000, &[&seed], |bytes| {
            if let Some(part) = Part::new(0o640, 0, 0, Some(bytes)) {
                let _ = readers(std::slice::from_ref(&part), &part);
            }
        });
    }

    proptest::proptest! {
        /// What a plain mode says is what the mode's own bits say, whoever asks.
        #[test]
        fn without_a_list_the_mode_decides(mode in 0_u32..0o1000, owner in 1_u32..5, group in 1_u32..5) {
            let found = readers(&[], &Part::new(mode, owner, group, None).unwrap());
            proptest::prop_assert_eq!(found.all, mode & 0o004 != 0);
            if !found.all {
                proptest::prop_assert_eq!(found.groups.contains(&group), mode & 0o040 != 0);
                proptest::prop_assert_eq!(found.users.contains(&owner), mode & 0o400 != 0);
            }
        }
    }
}
