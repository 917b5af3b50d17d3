//! What an error of the server means to whoever called.

use std::error::Error;
use std::io;

use postgres::error::SqlState;

use crate::StoreError;

/// The error for a failed statement.
pub(super) fn of(attempt: &'static str) -> impl Fn(postgres::Error) -> StoreError {
    move |error| {
        if is_lost(&error) {
            return StoreError::Unreachable {
                attempt,
                source: Box::new(error),
            };
        }
        match error.code().cloned() {
            Some(code) if code == SqlState::DISK_FULL => StoreError::Full { attempt },
            Some(code) if code == SqlState::READ_ONLY_SQL_TRANSACTION => {
                StoreError::ReadOnly { attempt }
            }
            Some(code) if is_busy(&code) => StoreError::Busy { attempt },
            Some(code) if code.code().starts_with("XX00") && code != SqlState::INTERNAL_ERROR => {
                StoreError::Damaged {
                    attempt,
                    why: text(&error),
                }
            }
            _ => StoreError::Engine {
                attempt,
                source: Box::new(error),
            },
        }
    }
}

/// The error for a failure to get in at `place`.
pub(super) fn opening(place: &str) -> impl Fn(postgres::Error) -> StoreError + '_ {
    move |error| {
        let (place, why) = (place.to_owned(), text(&error));
        if is_handshake(&error) {
            return StoreError::Untrusted { place, why };
        }
        if is_lost(&error) {
            return StoreError::Unreachable {
                attempt: "open the store",
                source: format!("{place}: {why}").into(),
            };
        }
        match error.code() {
            Some(code) if is_of(code, &["28", "3D", "42501", "0P"]) => {
                StoreError::Refused { place, why }
            }
            Some(_) => of("open the store")(error),
            // Neither the server nor the way to it: a password is missing, or a way to prove it that is not known here.
            None => StoreError::Refused { place, why },
        }
    }
}

/// True if there is nobody to answer any more, or not yet.
pub(super) fn is_lost(error: &postgres::Error) -> bool {
    match error.code() {
        Some(code) => is_of(code, &["08", "57P0", "53300", "25P03"]),
        None => error.is_closed() || cause::<io::Error>(error).is_some(),
    }
}

/// True if somebody else holds what is needed, for longer than is waited for, or in a circle.
fn is_busy(code: &SqlState) -> bool {
    is_of(code, &["55P03", "40P01", "40001"])
}

fn is_of(code: &SqlState, begins: &[&str]) -> bool {
    begins.iter().any(|begin| code.code().starts_with(begin))
}

fn is_handshake(error: &postgres::Error) -> bool {
    cause::<io::Error>(error)
        .and_then(|io| io.get_ref())
        .is_some_and(|inner| inner.is::<rustls::Error>())
}

fn cause<E: Error + 'static>(error: &postgres::Error) -> Option<&E> {
    error.source()?.downcast_ref()
}

/// The error and what caused it, in one line. Neither the crate nor the server repeats a password.
pub(super) fn text(error: &postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
