//! One question after the other, and what a refusal means.

use std::time::Duration;

use groma_model::Reason;
use groma_platform::ovirt::Question;

use super::logon::{Key, log_off, log_on};
use crate::access::Logon;
use crate::cause::Cause;
use crate::http::{Address, Answer, Http, Method};
use crate::look::Asking;
use crate::parting;

const PORT: u16 = 443;
/// Between two questions: who works there comes first.
const PAUSE: Duration = Duration::from_millis(50);
/// Most of an answer: a hundred machines with all that belongs to them. Read as JSON it takes a multiple of it.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// As many answers that break off in a row are an end of all.
const BROKEN_MAX: u32 = 3;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum No {
    /// Nothing more can be asked.
    End(Cause),
    /// The rights were not enough.
    Denied,
    /// The engine did not understand, or could not: 400, 404, 500 …
    Failed(u16),
    /// Anything else.
    Other(Cause),
}

/// A conversation with one engine.
pub(super) struct Conversation<'a> {
    asking: &'a Asking<'a>,
    http: Http,
    /// `None` once it was given back.
    key: Option<Key>,
    called: String,
    /// True for who sees a part: the engine then leaves out what it may not see, instead of refusing.
    pub(super) is_filtered: bool,
    /// False until something was answered: then the log-on was right.
    is_in: bool,
    /// True once a log-on that had been right was made anew.
    is_renewed: bool,
    /// Answers that broke off, one after the other.
    broken: u32,
}

impl<'a> Conversation<'a> {
    pub(super) fn open(asking: &'a Asking<'a>) -> Result<Self, Cause> {
        let place = (engine(&asking.access.url), PORT);
        let called = Address::parse(place.0, place.1)?.peer.to_string();
        let http = parting::server(asking, asking.window, place)?;
        let key = log_on(&http, &asking.access.logon)?;
        Ok(Self {
            asking,
            http,
            key: Some(key),
            called,
            is_filtered: false,
            is_in: false,
            is_renewed: false,
            broken: 0,
        })
    }

    /// How the access file calls the machine of the engine.
    pub(super) fn called(&self) -> &str {
        &self.called
    }

    /// The whole answer to `question`.
    pub(super) fn ask(&mut self, question: &Question) -> Result<Vec<u8>, No> {
        match self.asked(question) {
            Ok(answer) if answer.status == 401 => {
                self.renew()?;
                let again = self.asked(question)?;
                self.read(question, again)
            }
            Ok(answer) => self.read(question, answer),
            Err(no) => Err(no),
        }
    }

    fn asked(&mut self, question: &Question) -> Result<Answer, No> {
        if self.asking.window.is_over() {
            return Err(No::End(Cause::over()));
        }
        if self.is_in {
            self.asking.window.sleep(PAUSE);
        }
        let Some(key) = &self.key else {
            return Err(No::End(ended()));
        };
        let mut headers = vec![
            ("accept", "application/json"),
            ("version", "4"),
            ("authorization", key.value.as_str()),
        ];
        if self.is_filtered {
            headers.push(("filter", "true"));
        }
        let path = question.path();
        let answer = self
            .http
            .request(Method::Get, &path, &headers, b"", ANSWER_BYTES_MAX);
        answer.map_err(|cause| self.broken(question, cause))
    }

    fn read(&mut self, question: &Question, answer: Answer) -> Result<Vec<u8>, No> {
        match answer.status {
            200 => match answer.whole() {
                Ok(bytes) => {
                    (self.is_in, self.broken) = (true, 0);
                    Ok(bytes)
                }
                Err(cause) => Err(self.broken(question, cause)),
            },
            401 => Err(No::End(ended())),
            403 => {
                self.is_in = true;
                Err(No::Denied)
            }
            status @ (400 | 404 | 500..=599) => Err(No::Failed(status)),
            status => Err(No::Other(Cause::new(
                format!("{question}: what answers does not speak as an engine does: {status}"),
                Reason::NotThisService,
                "check the url",
            ))),
        }
    }

    /// A session that was open and is not any more may be opened again, once. One that never was is not tried twice.
    fn renew(&mut self) -> Result<(), No> {
        let is_password = matches!(self.asking.access.logon, Logon::Password { .. });
        if !self.is_in {
            return Err(No::End(Cause::new(
                "the token is not accepted",
                Reason::PermissionDenied,
                "write user and password_file; give the user the role ReadOnlyAdmin on the system",
            )));
        }
        if self.is_renewed || !is_password {
            return Err(No::End(ended()));
        }
        self.is_renewed = true;
        self.key = None;
        self.key = Some(log_on(&self.http, &self.asking.access.logon).map_err(No::End)?);
        Ok(())
    }

    /// One answer that breaks off, or never comes, is a hole of its own; several in a row, or none before, and nothing more can
    /// be asked.
    fn broken(&mut self, question: &Question, cause: Cause) -> No {
        self.broken += 1;
        let is_whole = cause.reason == Reason::TooLarge;
        let is_end =
            !self.is_in || self.broken >= BROKEN_MAX || cause.reason == Reason::BudgetExhausted;
        match is_end && !is_whole {
            true => No::End(cause),
            false => No::Other(Cause {
                what: format!("{question}: {}", cause.what),
                ..cause
            }),
        }
    }
}

impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        match parting::late(self.asking, (engine(&self.asking.access.url), PORT)) {
            None => log_off(&self.http, key),
            Some(Ok(http)) => log_off(&http, key),
            // The engine ends the session by itself.
            Some(Err(_)) => drop(key),
        }
    }
}

fn ended() -> Cause {
    Cause::new(
        "the engine ended the session in the middle",
        Reason::PermissionDenied,
        "look again; let sessions of the engine live longer (UserSessionTimeOutInterval)",
    )
}

/// People copy the address of a page of the engine, which lies below it.
fn engine(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/api").unwrap_or(url);
    url.strip_suffix("/ovirt-engine").unwrap_or(url)
}
