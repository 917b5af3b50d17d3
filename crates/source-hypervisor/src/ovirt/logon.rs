//! As whom: a token for a password, which is given back at the end.

use groma_model::Reason;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::access::Logon;
use crate::cause::Cause;
use crate::form::escaped;
use crate::http::{Http, Method};

const ANSWER_BYTES_MAX: u64 = 1 << 20;
const TOKEN: &str = "/ovirt-engine/sso/oauth/token";
const LOG_OUT: &str = "/ovirt-engine/services/sso-logout";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ANSWER: (&str, &str) = ("accept", "application/json");

/// What opens the engine.
pub(super) struct Key {
    /// `Bearer …`
    pub(super) value: Zeroizing<String>,
    /// The token, where it was made for this look: it is given back.
    made: Option<Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Option<String>,
}

/// Logs on. A password is tried once.
pub(super) fn log_on(http: &Http, logon: &Logon) -> Result<Key, Cause> {
    match logon {
        Logon::Password { user, password } => {
            let token = granted(http, user, password)?;
            Ok(Key {
                value: bearer(&token),
                made: Some(token),
            })
        }
        Logon::Token(token) => Ok(Key {
            value: bearer(token.trim()),
            made: None,
        }),
        Logon::Nobody => Err(Cause::new(
            "an engine tells nothing to nobody",
            Reason::Locked,
            "write user = \"groma@internal\" and password_file",
        )),
    }
}

/// Gives the token back. Whether the engine takes it, the look does not depend on: left alone, it ends by itself.
pub(super) fn log_off(http: &Http, key: Key) {
    let Some(token) = key.made else { return };
    let body = Zeroizing::new(format!(
        "scope=&token={}",
        &*Zeroizing::new(escaped(&token))
    ));
    let headers = [FORM, ANSWER];
    let answer = http.request(
        Method::Post,
        LOG_OUT,
        &headers,
        body.as_bytes(),
        ANSWER_BYTES_MAX,
    );
    drop(answer);
}

fn bearer(token: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("Bearer {token}"))
}

fn granted(http: &Http, user: &str, password: &str) -> Result<Zeroizing<String>, Cause> {
    let body = Zeroizing::new(format!(
        "grant_type=password&scope=ovirt-app-api&username={}&password={}",
        escaped(user),
        &*Zeroizing::new(escaped(password))
    ));
    let headers = [FORM, ANSWER];
    let answer = http.request(
        Method::Post,
        TOKEN,
        &headers,
        body.as_bytes(),
        ANSWER_BYTES_MAX,
    )?;
    match answer.status {
        200 => {}
        // The engine refuses a password with 400, what stands before it with the others.
        400 | 401 | 403 => {
            return Err(Cause::new(
                "the password is not that of the user, the user is not allowed in, or its profile is missing",
                Reason::PermissionDenied,
                "write user with its profile (groma@internal), and give it the role ReadOnlyAdmin on the system",
            ));
        }
        status => {
            return Err(Cause::new(
                format!("the log-on was answered with {status}"),
                Reason::Refused,
                "check the url",
            ));
        }
    }
    let bytes = Zeroizing::new(answer.whole()?);
    let read: Granted = serde_json::from_slice(&bytes).map_err(|_| no_engine())?;
    let token = Zeroizing::new(read.access_token.ok_or_else(no_engine)?);
    // It becomes a line of every question.
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(token).ok_or_else(no_engine)
}

fn no_engine() -> Cause {
    Cause::new(
        "what answers is no engine of oVirt",
        Reason::NotThisService,
        "check the url: it names the engine and nothing behind it",
    )
}
