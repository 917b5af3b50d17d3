//! Files of one's own on Windows: in a folder that lets in the system, administrators and its maker alone, and that hands these
//! rights down.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_OPEN_REPARSE_POINT,
};

use crate::windows::{
    file_for_us_alone, folder_for_us_alone, is_folder_of_ours, is_ours_alone, people,
};

pub(super) fn folder(path: &Path) -> io::Result<()> {
    if let Ok(met) = path.symlink_metadata() {
        // Anybody may make folders where ours stands, and lead them elsewhere.
        return match met.is_dir() && is_folder_of_ours(path) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is no folder that SYSTEM, Administrators and we alone may enter: move it away",
            )),
        };
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        std::fs::create_dir_all(above)?;
    }
    folder_for_us_alone(path).map(|_| ())
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(super) fn create_new_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true).open(path)
}

pub(super) fn open_out(path: &Path) -> io::Result<File> {
    match file_for_us_alone(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    // What is there stays as open as somebody made it; but it is no link.
    let mut options = OpenOptions::new();
    options.write(true);
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = options.open(path)?;
    let (attributes, _) = crate::windows::attributes_of(&file).unwrap_or_default();
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link"));
    }
    file.set_len(0)?;
    Ok(file)
}

pub(super) fn open_alone(path: &Path, append: bool) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(append);
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = options.open(path).ok()?;
    let (attributes, _) = crate::windows::attributes_of(&file)?;
    let is_plain = attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0;
    let has_one_name = crate::windows::names_of(&file) == Some(1);
    (is_plain && has_one_name && file.metadata().ok()?.is_file() && is_ours_alone(path))
        .then_some(file)
}

pub(super) fn open_to(path: &Path) -> Option<&'static str> {
    if !path.exists() || is_ours_alone(path) {
        return None;
    }
    Some("icacls /inheritance:r /grant SYSTEM:F Administrators:F")
}

/// The system keeps its journal of names by itself, and knows no call for a folder.
pub(super) fn settle(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn account() -> Option<u32> {
    None
}

pub(super) fn program() -> String {
    let path = std::env::current_exe();
    let met = path.and_then(|path| Ok((std::fs::metadata(&path)?, path)));
    let Ok((met, path)) = met else {
        return String::new();
    };
    let written = met.modified().ok();
    let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{} {} {written:?}", path.display(), met.len())
}

pub(super) fn home() -> PathBuf {
    let known = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let of_all = || known("ProgramData").unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"));
    match (people::is_administrator(), known("LOCALAPPDATA")) {
        (false, Some(own)) => own.join("groma-agent"),
        _ => of_all().join("groma-agent"),
    }
}

pub(super) fn name_of_process(process: u32) -> Option<String> {
    let path = crate::windows::tables::program_of(process)?;
    Some(path.rsplit('\\').next()?.to_owned())
}
