//! The registry as the system shows it: the 64-bit one, read and nothing else.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_SUCCESS, FILETIME,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_READ, KEY_WOW64_64KEY, RegCloseKey, RegEnumKeyExW,
    RegEnumValueW, RegOpenKeyExW, RegQueryInfoKeyW,
};

use super::disk::seconds;
use super::wide;

/// Sub-keys and values of one key.
const ENTRIES_MAX: u32 = 65_536;
/// Bytes of one value; larger ones are left out.
const VALUE_BYTES_MAX: u32 = 1 << 20;
/// Bytes of all values of one key; what does not fit is left out.
const KEY_BYTES_MAX: usize = 16 << 20;
/// UTF-16 units of a name, its zero included: 255 for a key, 16,383 for a value.
const NAME_UNITS_MAX: usize = 16_384;

/// One key as it is.
#[derive(Clone, Debug, Default)]
pub struct RawKey {
    /// Names of its sub-keys.
    pub keys: Vec<String>,
    /// Its values: name, type number, bytes.
    pub values: Vec<(String, u32, Vec<u8>)>,
    /// When it was last written, in seconds since 1970.
    pub written: i64,
    /// Names of values that were too large to be read.
    pub too_large: Vec<String>,
    /// True if it has more sub-keys than were listed.
    pub more_keys: bool,
    /// True if it has more values than were read.
    pub more_values: bool,
}

/// What stands at a path that begins with `HKLM` or `HKU`; `None` where nothing does.
///
/// # Errors
/// What the system says.
pub fn key(path: &str) -> io::Result<Option<RawKey>> {
    let Some(open) = Open::at(path)? else {
        return Ok(None);
    };
    let mut key = RawKey {
        written: open.written(),
        ..RawKey::default()
    };
    open.keys(&mut key)?;
    open.values(&mut key)?;
    key.keys.sort();
    Ok(Some(key))
}

enum Met {
    Value(String, u32, usize),
    TooLarge(String),
    End,
}

struct Open(HKEY);

impl Open {
    fn at(path: &str) -> io::Result<Option<Self>> {
        let (root, below) = path.split_once('\\').unwrap_or((path, ""));
        let root = match root.to_ascii_uppercase().as_str() {
            "HKLM" => HKEY_LOCAL_MACHINE,
            "HKU" => HKEY_USERS,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let mut key: HKEY = null_mut();
        let below = wide(below.trim_end_matches('\\'));
        let rights = KEY_READ | KEY_WOW64_64KEY;
        // SAFETY: the path ends with a zero, and the key is written to where one is.
        let answer = unsafe { RegOpenKeyExW(root, below.as_ptr(), 0, rights, &raw mut key) };
        match answer {
            ERROR_SUCCESS => Ok(Some(Self(key))),
            ERROR_FILE_NOT_FOUND => Ok(None),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }

    fn written(&self) -> i64 {
        let mut time = FILETIME::default();
        // SAFETY: only the time is asked for, and written to where one is.
        let answer = unsafe {
            RegQueryInfoKeyW(
                self.0,
                null_mut(),
                null_mut(),
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut time,
            )
        };
        let whole = (u64::from(time.dwHighDateTime) << 32) | u64::from(time.dwLowDateTime);
        match answer {
            ERROR_SUCCESS => seconds(whole),
            _ => 0,
        }
    }

    fn keys(&self, key: &mut RawKey) -> io::Result<()> {
        for at in 0..ENTRIES_MAX {
            match self.name_of_key(at)? {
                Some(name) => key.keys.push(name),
                None => return Ok(()),
            }
        }
        key.more_keys = self.name_of_key(ENTRIES_MAX)?.is_some();
        Ok(())
    }

    fn values(&self, key: &mut RawKey) -> io::Result<()> {
        let mut room = vec![0_u8; 4096];
        let mut held = 0_usize;
        for at in 0..ENTRIES_MAX {
            match self.value(at, &mut room)? {
                Met::Value(name, kind, length) => match held.saturating_add(length) {
                    more if more > KEY_BYTES_MAX => key.too_large.push(name),
                    more => {
                        held = more;
                        let bytes = room.get(..length).unwrap_or_default();
                        key.values.push((name, kind, bytes.to_vec()));
                    }
                },
                Met::TooLarge(name) => key.too_large.push(name),
                Met::End => return Ok(()),
            }
        }
        key.more_values = !matches!(self.value(ENTRIES_MAX, &mut room)?, Met::End);
        Ok(())
    }

    fn name_of_key(&self, at: u32) -> io::Result<Option<String>> {
        let mut name = [0_u16; 256];
        let mut length = 256;
        // SAFETY: the room is as long as is said; nothing else is asked.
        let answer = unsafe {
            RegEnumKeyExW(
                self.0,
                at,
                name.as_mut_ptr(),
                &raw mut length,
                null(),
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        match answer {
            ERROR_SUCCESS => Ok(Some(text(&name, length))),
            ERROR_NO_MORE_ITEMS => Ok(None),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }

    /// The value with this number, into `room`, which grows as far as a value may.
    fn value(&self, at: u32, room: &mut Vec<u8>) -> io::Result<Met> {
        let mut name = vec![0_u16; NAME_UNITS_MAX];
        loop {
            let mut units = u32::try_from(NAME_UNITS_MAX).unwrap_or(0);
            let mut kind = 0;
            let mut length = u32::try_from(room.len()).unwrap_or(u32::MAX);
            // SAFETY: both rooms are as long as is said.
            let answer = unsafe {
                RegEnumValueW(
                    self.0,
                    at,
                    name.as_mut_ptr(),
                    &raw mut units,
                    null(),
                    &raw mut kind,
                    room.as_mut_ptr(),
                    &raw mut length,
                )
            };
            match answer {
                ERROR_SUCCESS => {
                    let length = usize::try_from(length).unwrap_or(0);
                    return Ok(Met::Value(text(&name, units), kind, length));
                }
                ERROR_NO_MORE_ITEMS => return Ok(Met::End),
                ERROR_MORE_DATA if length <= VALUE_BYTES_MAX => {
                    let wanted = usize::try_from(length).unwrap_or(0).max(room.len() * 2);
                    room.resize(wanted, 0);
                }
                ERROR_MORE_DATA => return Ok(Met::TooLarge(text(&name, units))),
                code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: it is ours; one of the roots is never here.
        unsafe { RegCloseKey(self.0) };
    }
}

fn text(units: &[u16], length: u32) -> String {
    let length = usize::try_from(length).unwrap_or(0);
    String::from_utf16_lossy(units.get(..length).unwrap_or_default())
}
