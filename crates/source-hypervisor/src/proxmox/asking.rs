//! One question after the other, and what a refusal means.

use std::time::Duration;

use groma_model::Reason;
use groma_platform::proxmox::{ClusterQuestion, GuestQuestion, Question};

use super::logon::{Key, log_on};
use crate::cause::Cause;
use crate::http::{Answer, Http, Method};
use crate::look::Asking;
use crate::parting;

const PORT: u16 = 8006;
/// Between two questions: who works there comes first.
const PAUSE: Duration = Duration::from_millis(20);
/// A refusal is told in a few words.
const WORDS_MAX: u64 = 64 << 10;
const WORDS_SHOWN: usize = 200;
/// Most of an answer. Read as JSON it takes a multiple of it.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Most of the list of all guests, and of the rows of a week.
const LIST_BYTES_MAX: u64 = 16 << 20;
/// As many answers that break off in a row are an end of all.
const BROKEN_MAX: u32 = 3;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum No {
    /// Nothing more can be asked.
    End(Cause),
    /// The rights were not enough.
    Denied,
    /// It is not there, or not any more; in the server's words.
    Absent(String),
    /// The node behind the one that answers does not; in the server's words.
    NodeAway(String),
    /// It was tried and failed; in the server's words.
    Failed(String),
    /// Anything else.
    Other(Cause),
}

/// A conversation with one server.
pub(super) struct Conversation<'a> {
    asking: &'a Asking<'a>,
    http: Http,
    key: Key,
    /// False until something was answered: then the log-on was right.
    is_in: bool,
    /// Answers that broke off, one after the other.
    broken: u32,
}

impl<'a> Conversation<'a> {
    pub(super) fn open(asking: &'a Asking<'a>) -> Result<Self, Cause> {
        let http = parting::server(asking, asking.window, (&asking.access.url, PORT))?;
        let key = log_on(&http, &asking.access.logon)?;
        Ok(Self {
            asking,
            http,
            key,
            is_in: false,
            broken: 0,
        })
    }

    /// The whole answer to `question`.
    pub(super) fn ask(&mut self, question: &Question) -> Result<Vec<u8>, No> {
        if self.asking.window.is_over() {
            return Err(No::End(Cause::over()));
        }
        if self.is_in {
            self.asking.window.sleep(PAUSE);
        }
        let path = format!("/api2/json{}", question.path());
        let headers = [(self.key.name, self.key.value.as_str())];
        let answer = self
            .http
            .request(Method::Get, &path, &headers, b"", bytes_max(question));
        match answer {
            Ok(answer) if answer.status == 200 => match answer.whole() {
                Ok(bytes) => {
                    (self.is_in, self.broken) = (true, 0);
                    Ok(bytes)
                }
                Err(cause) => Err(self.broken(question, cause)),
            },
            Ok(answer) => Err(self.refusal(answer.status, answer)),
            Err(cause) => Err(self.broken(question, cause)),
        }
    }

    /// One answer that breaks off, or never comes, is a hole of its own; several in a row, or none before, and nothing more can be
    /// asked.
    fn broken(&mut self, question: &Question, cause: Cause) -> No {
        self.broken += 1;
        let is_whole = cause.reason == Reason::TooLarge;
        let is_end =
            !self.is_in || self.broken >= BROKEN_MAX || cause.reason == Reason::BudgetExhausted;
        match cause.reason {
            _ if is_end && !is_whole => No::End(cause),
            Reason::TimedOut => No::NodeAway(cause.what),
            _ => No::Other(Cause {
                what: format!("{question}: {}", cause.what),
                ..cause
            }),
        }
    }

    fn refusal(&mut self, status: u16, answer: Answer) -> No {
        let words = words(answer);
        match status {
            401 => No::End(match self.is_in {
                true => Cause::new(
                    "the ticket ran out in the middle",
                    Reason::PermissionDenied,
                    "use a token: write token_file",
                ),
                false => Cause::new(
                    "the token or ticket is not accepted",
                    Reason::PermissionDenied,
                    "check the token: user@realm!id=secret",
                ),
            }),
            403 => {
                self.is_in = true;
                No::Denied
            }
            595..=599 => No::NodeAway(format!("it does not answer ({status})")),
            404 | 501 => No::Absent(words.unwrap_or_else(|| format!("it is not there ({status})"))),
            500 if words.as_deref().is_some_and(is_gone) => No::Absent("it went away".to_owned()),
            500..=594 => No::Failed(words.unwrap_or_else(|| format!("it failed ({status})"))),
            status => No::Other(Cause::new(
                format!("what answers does not speak as Proxmox VE does: {status}"),
                Reason::NotThisService,
                "check the url",
            )),
        }
    }
}

fn bytes_max(question: &Question) -> u64 {
    match question {
        Question::Cluster(ClusterQuestion::Resources) | Question::Guest(_, GuestQuestion::Load) => {
            LIST_BYTES_MAX
        }
        _ => ANSWER_BYTES_MAX,
    }
}

/// What the server says to a question about a guest that was deleted.
fn is_gone(words: &str) -> bool {
    words.contains("does not exist") || words.contains("no such")
}

/// The words of a refusal, which stand in its body as `message` or as `errors`.
fn words(answer: Answer) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    answer.body.take(WORDS_MAX).read_to_end(&mut bytes).ok()?;
    let read: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let message = read.get("message").and_then(|message| message.as_str());
    let errors = read.get("errors").map(ToString::to_string);
    let text = message.map(str::to_owned).or(errors)?;
    let text: String = text
        .trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(WORDS_SHOWN)
        .collect();
    (!text.is_empty()).then_some(text)
}
