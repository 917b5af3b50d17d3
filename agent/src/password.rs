//! Passwords that the access file does not name: whoever sits at the terminal is asked, once, and nothing keeps the answer.

use std::fmt;
use std::io;

use anyhow::{Context, Result, anyhow};
use groma_source_directory::Directory;

/// The same directories, each with a password: whoever sits at the terminal is asked for those the file does not name.
/// Call it before any thread is started.
///
/// # Errors
/// There is no terminal to ask at, or nobody answers there.
pub fn with_passwords(directories: Vec<Directory>) -> Result<Vec<Directory>> {
    directories.into_iter().map(with_password).collect()
}

fn with_password(directory: Directory) -> Result<Directory> {
    let Some(user) = directory.asks_for() else {
        return Ok(directory);
    };
    // The name may hold anything; a terminal obeys some of it.
    let shown: String = user.chars().filter(|c| !c.is_control()).collect();
    let question = format!("Password of {shown} at {}: ", directory.label());
    let answer = match groma_sys::ask_hidden(&question) {
        Ok(answer) => answer,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(Interrupted.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(nobody_there(&shown)),
        Err(error) => {
            return Err(error).with_context(|| format!("ask for the password of {shown}"));
        }
    };
    Ok(directory.answered(answer)?)
}

fn nobody_there(user: &str) -> anyhow::Error {
    anyhow!(
        "the access file names no password for {user}, and standard input is no terminal to ask at: name a password_file in it, or start this by hand"
    )
}

/// Somebody who was asked for a password typed Ctrl-C.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; no directory was asked")
    }
}

impl std::error::Error for Interrupted {}
