//! One session: opened by one log-on, closed by a log-out however the look ends.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::time::Duration;

use groma_model::Reason;
use groma_platform::xapi::{Class, Fault, Unread, opened, record, records, references};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::access::Logon;
use crate::cause::Cause;
use crate::http::{Answer, Http, Method, broken};
use crate::look::Asking;
use crate::parting;

const PORT: u16 = 443;
/// Between two questions: who works there comes first.
const PAUSE: Duration = Duration::from_millis(20);
/// Most of an answer that holds all records of a class. They are read as they come, and cut to what is kept.
const RECORDS_BYTES_MAX: u64 = 64 << 20;
/// Most of an answer that holds one record.
const RECORD_BYTES_MAX: u64 = 1 << 20;
/// Most of the answers that hold records one by one, together.
const ONES_BYTES_MAX: u64 = 256 << 20;
/// Most of a list of references, and of an answer to a log-on.
const REFERENCES_BYTES_MAX: u64 = 16 << 20;

/// What can be called. There is no other way to make a call, and all but the first two read.
enum Call<'c> {
    LogOn { user: &'c str, password: &'c str },
    LogOut,
    AllRecords(Class),
    AllReferences(Class),
    OneRecord(Class, &'c str),
}

/// A call as it is sent.
#[derive(Serialize)]
struct Sent<'c> {
    jsonrpc: &'static str,
    method: &'c str,
    params: &'c [&'c str],
    id: u32,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum No {
    /// The platform said so.
    Fault(Fault),
    /// The conversation failed.
    Cause(Cause),
}

/// A session with one pool.
pub(super) struct Session<'a> {
    asking: &'a Asking<'a>,
    http: Http,
    /// What every call begins with; `None` where nobody is logged on.
    key: Option<Zeroizing<String>>,
    /// False once a session that ended was opened anew.
    again: bool,
    /// Bytes of records that were asked for one by one.
    ones: Cell<u64>,
}

impl<'a> Session<'a> {
    /// Gets ready. Nobody is logged on yet, and nothing was sent.
    ///
    /// # Errors
    /// What the access file names does not fit.
    pub(super) fn open(asking: &'a Asking<'a>) -> Result<Self, Cause> {
        Ok(Self {
            asking,
            http: parting::server(asking, asking.window, (&asking.access.url, PORT))?,
            key: None,
            again: true,
            ones: Cell::new(0),
        })
    }

    /// Logs on: a password is sent once, to a server that has proved who it is.
    pub(super) fn log_in(&mut self) -> Result<(), No> {
        let Logon::Password { user, password } = &self.asking.access.logon else {
            return Err(No::Cause(Cause::new(
                "XCP-ng and XenServer are asked with a user and a password",
                Reason::Locked,
                "write user and password_file into the access file",
            )));
        };
        let answer = self.call(&Call::LogOn { user, password }, REFERENCES_BYTES_MAX)?;
        let key = Zeroizing::new(opened(answer.body).map_err(meaning)?);
        if key.is_empty() {
            return Err(No::Cause(senseless("a log-on without a session")));
        }
        self.key = Some(key);
        Ok(())
    }

    /// Logs out, also when the look has no time left. Nothing is told if that fails: the platform ends the session by itself.
    pub(super) fn log_out(&mut self) {
        if self.key.is_none() {
            return;
        }
        match parting::late(self.asking, (&self.asking.access.url, PORT)) {
            None => {}
            Some(Ok(http)) => self.http = http,
            Some(Err(_)) => return,
        }
        if let Ok(answer) = self.call(&Call::LogOut, RECORD_BYTES_MAX) {
            drop(opened(answer.body));
        }
        self.key = None;
    }

    /// Asks for all records of `class`; each goes to `found` as it comes.
    pub(super) fn records(
        &mut self,
        class: Class,
        found: &mut dyn FnMut(String, Value),
    ) -> Result<(), No> {
        self.again(|session| {
            let answer = session.ask(&Call::AllRecords(class), RECORDS_BYTES_MAX)?;
            let from = BufReader::with_capacity(64 << 10, answer.body);
            records(from, class, found).map_err(meaning)
        })
    }

    /// Asks for all references of `class`.
    pub(super) fn references(&mut self, class: Class) -> Result<Vec<String>, No> {
        self.again(|session| {
            let answer = session.ask(&Call::AllReferences(class), REFERENCES_BYTES_MAX)?;
            references(BufReader::new(answer.body)).map_err(meaning)
        })
    }

    /// Asks for one record of `class`.
    pub(super) fn record(&mut self, class: Class, reference: &str) -> Result<Value, No> {
        self.again(|session| {
            let answer = session.ask(&Call::OneRecord(class, reference), RECORD_BYTES_MAX)?;
            let from = Counted {
                from: answer.body,
                bytes: &session.ones,
            };
            record(BufReader::new(from), class).map_err(meaning)
        })
    }

    /// A session that ended is opened anew, once.
    fn again<T>(&mut self, mut ask: impl FnMut(&mut Self) -> Result<T, No>) -> Result<T, No> {
        match ask(self) {
            Err(No::Fault(fault)) if fault.code == "SESSION_INVALID" => {
                self.key = None;
                if !std::mem::take(&mut self.again) {
                    return Err(No::Fault(fault));
                }
                self.log_in()?;
                ask(self)
            }
            answered => answered,
        }
    }

    fn ask(&self, call: &Call<'_>, most: u64) -> Result<Answer, No> {
        if self.asking.window.is_over() {
            return Err(No::Cause(Cause::over()));
        }
        self.asking.window.sleep(PAUSE);
        self.call(call, most)
    }

    fn call(&self, call: &Call<'_>, most: u64) -> Result<Answer, No> {
        let key = self.key.as_ref().map_or("", |key| key.as_str());
        let (method, params) = match call {
            Call::LogOn { user, password } => (
                "session.login_with_password".to_owned(),
                vec![*user, *password, "1.0", "groma"],
            ),
            Call::LogOut => ("session.logout".to_owned(), vec![key]),
            Call::AllRecords(class) => (class.all_records(), vec![key]),
            Call::AllReferences(class) => (class.all_references(), vec![key]),
            Call::OneRecord(class, reference) => (class.one_record(), vec![key, *reference]),
        };
        let sent = Sent {
            jsonrpc: "2.0",
            method: &method,
            params: &params,
            id: 1,
        };
        let body = serde_json::to_string(&sent).expect("texts and a number are always JSON");
        let body = Zeroizing::new(body);
        let headers = [("content-type", "application/json")];
        let path = "/jsonrpc";
        let answer = self
            .http
            .request(Method::Post, path, &headers, body.as_bytes(), most);
        match answer.map_err(No::Cause)? {
            answer if answer.status == 200 => Ok(answer),
            answer => Err(No::Cause(no_service(answer.status))),
        }
    }
}

/// Counts what is read, and stops when it is too much.
struct Counted<'c, R> {
    from: R,
    bytes: &'c Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let more = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes.set(self.bytes.get().saturating_add(more));
        match self.bytes.get() > ONES_BYTES_MAX {
            true => Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!("its records are longer than {ONES_BYTES_MAX} bytes together"),
            )),
            false => Ok(read),
        }
    }
}

fn no_service(status: u16) -> Cause {
    let (reason, remedy) = match status {
        401 | 403 => (
            Reason::PermissionDenied,
            "check what stands before the platform",
        ),
        503 => (Reason::Unreachable, "wait until xapi runs, then look again"),
        _ => (
            Reason::NotThisService,
            "check the url: https://HOST of the coordinator of a pool",
        ),
    };
    let what = format!("the answer has the status {status}, which is none of XAPI");
    Cause::new(what, reason, remedy)
}

fn meaning(unread: Unread) -> No {
    match unread {
        Unread::Fault(fault) => No::Fault(fault),
        Unread::Broken(error) => No::Cause(broken(&error)),
        malformed @ Unread::Malformed(_) => No::Cause(senseless(&malformed.to_string())),
    }
}

fn senseless(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::Malformed,
        "check the url: https://HOST of the coordinator of a pool",
    )
}
