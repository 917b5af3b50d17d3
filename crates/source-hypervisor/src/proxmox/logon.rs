//! As whom: a token in every question, or a ticket for a password.

use groma_model::Reason;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::access::Logon;
use crate::cause::Cause;
use crate::form::escaped;
use crate::http::{Http, Method};

const ANSWER_BYTES_MAX: u64 = 1 << 20;
const PATH: &str = "/api2/json/access/ticket";

/// The header that says as whom: its name and its value.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) value: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Ticket {
    data: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    ticket: Option<String>,
    /// A second factor is asked for: the ticket opens nothing yet.
    #[serde(rename = "NeedTFA", default)]
    half: serde_json::Value,
}

/// What opens the server. A password is tried once.
pub(super) fn log_on(http: &Http, logon: &Logon) -> Result<Key, Cause> {
    match logon {
        Logon::Token(token) => Ok(Key {
            name: "authorization",
            value: Zeroizing::new(format!("PVEAPIToken={}", token.trim())),
        }),
        Logon::Password { user, password } => ticket(http, user, password),
        Logon::Nobody => Err(Cause::new(
            "Proxmox VE tells nothing to nobody",
            Reason::Locked,
            "write token_file, or user and password_file",
        )),
    }
}

fn ticket(http: &Http, user: &str, password: &str) -> Result<Key, Cause> {
    let body = Zeroizing::new(format!(
        "username={}&password={}",
        escaped(user),
        &*Zeroizing::new(escaped(password))
    ));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = http.request(
        Method::Post,
        PATH,
        &headers,
        body.as_bytes(),
        ANSWER_BYTES_MAX,
    )?;
    match answer.status {
        200 => {}
        401 => {
            return Err(denied(
                "the password is not that of the user, or the user is not allowed in",
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
    let read: Ticket = serde_json::from_slice(&bytes).map_err(|_| no_proxmox())?;
    let content = read.data.ok_or_else(no_proxmox)?;
    let is_half = !matches!(content.half, serde_json::Value::Null) && content.half != 0;
    let ticket = Zeroizing::new(content.ticket.ok_or_else(no_proxmox)?);
    if is_half || ticket.starts_with("PVE:!tfa!") {
        return Err(denied("the user needs a second factor"));
    }
    Ok(Key {
        name: "cookie",
        value: Zeroizing::new(format!("PVEAuthCookie={}", &*ticket)),
    })
}

fn denied(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::PermissionDenied,
        "make a token for a user that may only read (role PVEAuditor), and write token_file",
    )
}

fn no_proxmox() -> Cause {
    Cause::new(
        "what answers is no Proxmox VE",
        Reason::NotThisService,
        "check the url",
    )
}
