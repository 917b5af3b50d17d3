//! The system's own ssh: asked for nothing interactive, waited for no longer than is bearable.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Host, clean, far};

/// So much of what a far side says is kept; the rest is read and let go.
const SAID_MAX: u64 = 64 << 10;
const TICK: Duration = Duration::from_millis(20);
/// When ssh has ended, whoever it started may hold its ends of the pipes for so long.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// ssh's own exit code, when the connection failed and not what ran over it (ssh(1), EXIT STATUS).
const NO_CONNECTION: i32 = 255;

/// How machines are reached.
#[derive(Clone, Debug)]
pub struct Ssh {
    /// The program; looked up as a shell would.
    pub program: OsString,
    /// More arguments, before ours: `-F FILE`, `-i FILE`, `-J HOST`.
    pub arguments: Vec<OsString>,
    /// How long one attempt to connect may take, in seconds.
    pub connect_seconds: u16,
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            program: "ssh".into(),
            arguments: Vec::new(),
            connect_seconds: 15,
        }
    }
}

/// What ssh is told whatever its configuration says; the first one it hears of an option counts (ssh_config(5)).
const OPTIONS: &[&str] = &[
    // Nobody is there to answer.
    "BatchMode=yes",
    // An unknown or another key ends it: this is how a program with root's rights gets onto a machine.
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    // A connection of its own, which nobody else's ends or watches.
    "ControlMaster=no",
    "ControlPath=none",
    // Nothing of this machine is offered to that one.
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    // A far side that falls silent is given up after a minute.
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    "RequestTTY=no",
    "EscapeChar=none",
    "LogLevel=ERROR",
];

/// What came back.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
}

impl Said {
    /// The values a script told under `name`, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.out.lines().filter_map(move |line| {
            let (key, value) = line.strip_prefix("groma:")?.split_once('=')?;
            (key == name).then(|| clean::line(value))
        })
    }

    /// The first of them.
    pub(crate) fn one(&self, name: &str) -> Option<String> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// True if the script told `yes`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.one(name).as_deref() == Some("yes")
    }
}

impl Ssh {
    /// Runs `script` on `host` with `handed` as what it may read, and waits for it no longer than `limit`. Why it did not do
    /// its work is fit to be shown.
    pub(crate) fn run(
        &self,
        host: &Host,
        script: &str,
        handed: &[u8],
        limit: Duration,
    ) -> Result<Said, String> {
        let mut child = self.command(host, script).spawn().map_err(|e| {
            let program = self.program.to_string_lossy();
            format!("start {program}: {e}; install OpenSSH's client on this machine")
        })?;
        let mut bytes = script.as_bytes().to_vec();
        bytes.extend_from_slice(handed);
        write_to(&mut child, bytes);
        let out = read_from(child.stdout.take());
        let err = read_from(child.stderr.take());
        let ended = wait(&mut child, limit);
        let last = |heard: &Receiver<Vec<u8>>| {
            let bytes = heard.recv_timeout(LAST_WORDS).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (said, err) = (Said { out: last(&out) }, last(&err));
        let reason = match ended {
            Some(Some(0)) => return Ok(said),
            Some(Some(NO_CONNECTION)) => connection(host, &err),
            Some(Some(code)) => {
                let why = sudo(&err).unwrap_or_else(|| clean::reason(&err));
                if why.is_empty() {
                    format!("the far side ended with {code} and no word")
                } else {
                    why
                }
            }
            Some(None) => "ssh was ended by a signal".to_owned(),
            None => format!("no end after {} s", limit.as_secs()),
        };
        Err(reason)
    }

    fn command(&self, host: &Host, script: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["-T", "-x", "-a"]);
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        command
            .arg("-o")
            .arg(format!("ConnectTimeout={}", self.connect_seconds));
        if let Some(port) = host.port {
            command.arg("-p").arg(port.to_string());
        }
        if let Some(user) = &host.user {
            command.arg("-l").arg(user);
        }
        command
            .args(["--", &host.name, &far::command(script, host.sudo)])
            // What ssh says is understood by its words.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// A far side that stops reading must not keep us from reading what it says; so each pipe has a thread.
fn write_to(child: &mut Child, bytes: Vec<u8>) {
    if let Some(mut pipe) = child.stdin.take() {
        // A pipe that closes early is told by the exit code.
        thread::spawn(move || pipe.write_all(&bytes));
    }
}

fn read_from(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (tell, heard) = channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut kept = Vec::new();
            let _ = pipe.by_ref().take(SAID_MAX).read_to_end(&mut kept);
            // Whoever goes on talking is let talk, until ssh is ended.
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
            let _ = tell.send(kept);
        });
    }
    heard
}

/// The exit code, `Some(None)` after a signal; `None` if it was ended because its time was over.
fn wait(child: &mut Child, limit: Duration) -> Option<Option<i32>> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code()),
            Ok(None) if begin.elapsed() < limit => thread::sleep(TICK),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            Err(_) => return Some(None),
        }
    }
}

/// What ssh said about a connection that could not be, and what to do.
fn connection(host: &Host, err: &str) -> String {
    let said = clean::reason(err);
    let is = |words: &[&str]| words.iter().any(|w| err.contains(w));
    if is(&["REMOTE HOST IDENTIFICATION HAS CHANGED", "host key for"]) && is(&["has changed"]) {
        format!(
            "its host key is another one than before: find out why, then `ssh-keygen -R {}` and log in once by hand",
            host.name
        )
    } else if is(&["Host key verification failed", "host key is known for"]) {
        format!(
            "its host key is not known here: log in once by hand (`ssh {host}`) and compare the key, or put it into known_hosts"
        )
    } else if is(&["Permission denied", "Too many authentication failures"]) {
        format!("the login was refused ({said}): load a key this host accepts (`ssh-add`)")
    } else if said.is_empty() {
        "the connection ended without a word".to_owned()
    } else {
        said
    }
}

/// sudo's refusals, with the remedy.
fn sudo(err: &str) -> Option<String> {
    let refused = [
        "sudo: a password is required",
        "sudo: a terminal is required",
        "is not in the sudoers file",
        "sudo: sorry, you must have a tty",
    ];
    refused
        .iter()
        .any(|words| err.contains(words))
        .then(|| format!("sudo refused ({}): allow this account sudo without a password for the time of the deployment, or log in as root", clean::reason(err)))
}
