//! The collector that is measured: a process of its own, on loopback, over an empty store.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use groma_ship::CollectorUrl;
use groma_wire::token::Token;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::fleet::ACKNOWLEDGED;

/// More than all measurements need.
const TOKEN_USES: &str = "100000";

pub(crate) struct Server {
    child: Child,
    data: PathBuf,
    _scratch: Option<tempfile::TempDir>,
    pub(crate) url: CollectorUrl,
    pub(crate) token: Token,
    operators: String,
    /// What its journal says, by the word of the event.
    events: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Server {
    pub(crate) fn start(arguments: &Arguments) -> Outcome<Self> {
        let scratch = match arguments.data {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let within = scratch.as_ref().map(|scratch| scratch.path().join("data"));
        let data = arguments.data.clone().or(within).ok_or("no directory")?;
        if data.exists() {
            return Err(
                format!("{} exists: give a directory that does not", data.display()).into(),
            );
        }
        let groma = || {
            let mut groma = Command::new(&arguments.groma);
            groma.arg("--data").arg(&data);
            if let Some(url) = &arguments.database {
                groma.arg("--database").arg(url);
            }
            groma
        };
        let token = ["token", "create", "--ttl", "1d", "--uses", TOKEN_USES];
        let token = groma().args(token).stderr(Stdio::inherit()).output()?;
        let token = Token::parse(&String::from_utf8(token.stdout)?)?;
        let anywhere = "127.0.0.1:0";
        let mut child = groma()
            .args(["serve", "--listen", anywhere, "--agents", anywhere])
            .args(["--operators", anywhere])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let said = child.stderr.take().ok_or("no standard error")?;
        let mut said = BufReader::new(said).lines();
        let (url, operators) = addresses(&mut said)?;
        let events = Arc::new(Mutex::default());
        let counts = events.clone();
        std::thread::spawn(move || {
            said.map_while(Result::ok)
                .for_each(|line| note(&counts, &line))
        });
        Ok(Self {
            child,
            data,
            _scratch: scratch,
            url,
            token,
            operators,
            events,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// One of the numbers the collector has for whoever watches it.
    pub(crate) fn number(&self, name: &str) -> Outcome<u64> {
        let mut stream = TcpStream::connect(&self.operators)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        Ok(line.ok_or("no such number")?.trim().parse()?)
    }

    /// Ends the collector, and says what its journal told and how large the store is.
    ///
    /// # Errors
    /// It acknowledged more batches than it counts as kept, or does not end as it should: then no figure is worth anything.
    pub(crate) fn end(mut self) -> Outcome<()> {
        let records = self.number("groma_records_total ")?;
        let kept =
            self.number("groma_batches_total ")? + self.number("groma_batches_again_total ")?;
        let acknowledged = ACKNOWLEDGED.load(Ordering::Relaxed);
        let ended = Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status()?;
        let ended = ended.success() && self.child.wait()?.success();
        println!(
            "batches acknowledged {acknowledged}, kept {kept}, in {records} records; the store: {} MiB",
            self.mib()
        );
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        println!("the collector's journal: {events:?}");
        drop(events);
        match (ended, kept < acknowledged) {
            (true, false) => Ok(()),
            (false, _) => Err("the collector did not end well".into()),
            (_, true) => Err("the collector acknowledged what it does not count as kept".into()),
        }
    }

    fn mib(&self) -> u64 {
        let files = std::fs::read_dir(&self.data).into_iter().flatten();
        let sizes = files.filter_map(|file| file.ok()?.metadata().ok());
        sizes.map(|metadata| metadata.len()).sum::<u64>() >> 20
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self._scratch.is_none() {
            let _ = std::fs::remove_dir_all(&self.data);
        }
    }
}

/// Where it listens, as its first line says: for new agents, and for operators.
fn addresses(
    said: &mut impl Iterator<Item = std::io::Result<String>>,
) -> Outcome<(CollectorUrl, String)> {
    let mut before = String::new();
    for line in said {
        let line = line?;
        let Some(rest) = line.strip_prefix("serving: agents are let in at ") else {
            before.push_str(&line);
            continue;
        };
        let (enrolment, rest) = rest.split_once(',').ok_or("no address")?;
        let (_, rest) = rest.split_once("http://").ok_or("no address")?;
        let (operators, _) = rest.split_once('/').ok_or("no address")?;
        let url = CollectorUrl::parse(&format!("https://{enrolment}"))?;
        return Ok((url, operators.to_owned()));
    }
    Err(format!("the collector does not serve: {before}").into())
}

/// Counts a line of the journal.
fn note(events: &Mutex<BTreeMap<String, u64>>, line: &str) {
    let event = line.split_once("\"event\":\"");
    let word = event.and_then(|(_, rest)| Some(rest.split_once('"')?.0));
    let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
    *events.entry(word.unwrap_or(line).to_owned()).or_default() += 1;
}
