//! A refusal as HTTP says it: a status, a word for programs, a sentence for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use groma_model::fleet::RefusalWord;
use groma_wire::talk::{self, Refused};

use crate::KeepError;

/// Why a request is not granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    pub(crate) word: RefusalWord,
    says: String,
    /// Seconds to wait before the next try.
    wait_s: Option<u32>,
}

impl Refusal {
    pub(crate) fn of(word: RefusalWord) -> Self {
        Self {
            word,
            says: sentence(word).to_owned(),
            wait_s: usual_wait(word),
        }
    }

    pub(crate) fn saying(word: RefusalWord, says: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            ..Self::of(word)
        }
    }

    fn status(&self) -> StatusCode {
        use RefusalWord as W;
        match self.word {
            W::Copy => StatusCode::CONFLICT,
            W::Malformed => StatusCode::BAD_REQUEST,
            W::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            W::Clock => StatusCode::UNPROCESSABLE_ENTITY,
            W::UnknownBase => StatusCode::PRECONDITION_FAILED,
            word if word.is_for_now() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

fn usual_wait(word: RefusalWord) -> Option<u32> {
    use RefusalWord as W;
    match word {
        W::Busy => Some(5),
        W::Held | W::Full | W::Other => Some(30),
        W::Waiting => Some(60),
        _ => None,
    }
}

fn sentence(word: RefusalWord) -> &'static str {
    use RefusalWord as W;
    match word {
        W::TokenUnknown => {
            "this collector knows no such token: make one here with `groma token create`"
        }
        W::TokenUsed => {
            "this token was used as often as it may be: make another one with `groma token create`"
        }
        W::TokenEnded => "this token is over: make another one with `groma token create`",
        W::NotEnrolled => {
            "this collector knows no agent with this key: enrol it again with a new token"
        }
        W::Revoked => "this agent was revoked",
        W::Waiting => "a person has to approve this agent first: `groma agents approve`",
        W::Copy => "another machine runs with the same key: ask for a key of your own",
        W::Held => {
            "this machine looks different from the one that was enrolled, or has not said that it is there: wait"
        }
        W::NotYours => "this batch is of another agent",
        W::Malformed => "this is not understood",
        W::TooLarge => "this is too much",
        W::Busy => "the collector has too much to do: come again",
        W::Full => "the collector can keep nothing now: come again",
        W::Clock => "this batch comes from the future: set the clock of that machine",
        W::UnknownBase => "this collector does not have the batch before: send this one whole",
        W::Other => "not now",
    }
}

impl From<RefusalWord> for Refusal {
    fn from(word: RefusalWord) -> Self {
        Self::of(word)
    }
}

impl From<KeepError> for Refusal {
    /// What a store says may name files of the collector: it goes to the journal, not to agents.
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Busy => Self::of(RefusalWord::Busy),
            KeepError::Full(_) => Self::of(RefusalWord::Full),
            KeepError::Refused(says) => Self::saying(RefusalWord::Malformed, says),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = talk::write(&Refused {
            word: self.word,
            says: self.says.clone(),
        });
        let mut response = (
            self.status(),
            [(header::CONTENT_TYPE, "application/json")],
            body,
        )
            .into_response();
        if let Some(seconds) = self.wait_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let is_over = matches!(
            self.word,
            RefusalWord::Revoked | RefusalWord::NotEnrolled | RefusalWord::Copy
        );
        if is_over {
            // Nothing more will be granted on this connection: its place is somebody else's.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}

/// A document of the wire as an answer.
pub(crate) fn answer(document: &impl serde::Serialize) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        talk::write(document),
    )
        .into_response()
}
