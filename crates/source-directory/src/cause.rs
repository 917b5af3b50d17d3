//! Why a directory said no, in words, and what the operator can do about it.

use groma_model::Reason;
use groma_trust::Distrust;

/// A refusal, explained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cause {
    /// What happened, for a person.
    pub(crate) what: String,
    /// The word for it.
    pub(crate) reason: Reason,
    /// What to do.
    pub(crate) remedy: String,
}

impl Cause {
    pub(crate) fn new(what: impl Into<String>, reason: Reason, remedy: &str) -> Self {
        Self {
            what: what.into(),
            reason,
            remedy: remedy.to_owned(),
        }
    }
}

impl From<Distrust> for Cause {
    fn from(distrust: Distrust) -> Self {
        let Distrust {
            what,
            reason,
            remedy,
        } = distrust;
        Self {
            what,
            reason,
            remedy,
        }
    }
}

/// Sub-codes that Active Directory and Samba write into the text of result 49, `data 52e`: [MS-ERREF] 2.2 in hex.
const SUB_CODES: &[(&str, &str, &str)] = &[
    (
        "525",
        "there is no such account",
        "check the user in the access file",
    ),
    (
        "52e",
        "the password is wrong",
        "check the password before the next look: each attempt counts towards a lockout",
    ),
    (
        "52f",
        "the account is restricted (no empty password, no logon here, or protected users)",
        "let the account log on over LDAP, or name another one",
    ),
    (
        "530",
        "the account may not log on at this hour",
        "look again within its hours, or change them",
    ),
    (
        "531",
        "the account may not log on from this machine",
        "allow this machine in its logonWorkstations",
    ),
    ("532", "its password has expired", "set a new password"),
    (
        "533",
        "the account is disabled",
        "enable it, or name another one",
    ),
    (
        "568",
        "the account is in too many groups",
        "name an account in fewer groups",
    ),
    (
        "701",
        "the account has expired",
        "extend it, or name another one",
    ),
    (
        "773",
        "the account must change its password first",
        "log on with it once and set a password",
    ),
    (
        "775",
        "the account is locked out",
        "unlock it, find out who locked it, then look again",
    ),
    (
        "80090346",
        "the channel binding token does not fit: the server requires one (LdapEnforceChannelBinding), which a simple bind over TLS does not need, or something between takes TLS apart",
        "ask the server itself, not a load balancer",
    ),
];

/// What result `code` of a bind means; `text` is what the server adds.
pub(crate) fn of_bind(code: u32, text: &str) -> Cause {
    let cause = |what: &str, reason, remedy| Cause::new(what, reason, remedy);
    match code {
        8 => cause(
            "the server asks for stronger authentication (8): it requires LDAP signing or TLS",
            Reason::Refused,
            "ask with ldaps:// or starttls = true; groma does not sign without TLS",
        ),
        49 => match sub_code(text) {
            Some((what, remedy)) => cause(
                &format!("the server refused the logon (49): {what}"),
                Reason::PermissionDenied,
                remedy,
            ),
            None => cause(
                "the server refused the logon (49): name or password is wrong",
                Reason::PermissionDenied,
                "check both before the next look: each attempt counts towards a lockout",
            ),
        },
        7 => cause(
            "the server knows no logon of this kind (7)",
            Reason::Unsupported,
            "name another bind",
        ),
        13 => cause(
            "the server wants confidentiality first (13)",
            Reason::Refused,
            "ask with ldaps:// or starttls = true",
        ),
        48 => cause(
            "the server does not let anybody in like that (48: inappropriate authentication)",
            Reason::Refused,
            "name a user and a password_file",
        ),
        53 => cause(
            "the server is unwilling (53)",
            Reason::Refused,
            "see what its own log says",
        ),
        other => of_search(other, text),
    }
}

/// How OpenLDAP tells who is connected, what that costs, and the way back.
const MONITOR: &str = "where the server has no back_monitor, an administrator adds it to cn=config: olcModuleLoad: back_monitor.la where it is a module, then an object olcDatabase=monitor of the class olcDatabaseConfig (it holds at once), and olcAccess: to * by dn.exact=ACCOUNT read by * none, so that groma's account reads it and nobody else. Costs some KB of memory a connection and nothing on disk. slapcat -n 0 before keeps what was there; to restore, take olcAccess out again, or delete the object with slapd stopped (slapmodify -n 0)";

impl Cause {
    /// The same, of the question who is connected to OpenLDAP: what nobody switched on is not there, or hidden.
    pub(crate) fn of_monitor(self) -> Self {
        match self.reason {
            Reason::NotPresent | Reason::PermissionDenied => Self {
                remedy: MONITOR.to_owned(),
                ..self
            },
            _ => self,
        }
    }
}

/// What result `code` of a search means.
pub(crate) fn of_search(code: u32, text: &str) -> Cause {
    let (what, reason, remedy) = match code {
        1 if text.contains("000004DC") => (
            "the server answers nobody who has not logged on (1)",
            Reason::PermissionDenied,
            "name a user and a password_file of a read-only account",
        ),
        3 => (
            "the server's time limit was reached (3)",
            Reason::TimedOut,
            "raise its limit for the account groma uses",
        ),
        4 => (
            "the server's size limit was reached (4)",
            Reason::TooLarge,
            "raise its limit for the account groma uses, or allow paging",
        ),
        8 => (
            "the server asks for stronger authentication (8)",
            Reason::Refused,
            "ask with ldaps:// or starttls = true",
        ),
        10 => (
            "the server refers to another one (10), and referrals are not followed",
            Reason::Refused,
            "name the other server too, if it is yours",
        ),
        11 => (
            "an administrative limit was reached (11)",
            Reason::TooLarge,
            "raise the limit for the account groma uses",
        ),
        12 => (
            "the server does not know paging (12)",
            Reason::Unsupported,
            "",
        ),
        32 => ("there is nothing of that name (32)", Reason::NotPresent, ""),
        50 => (
            "the rights are not enough (50)",
            Reason::PermissionDenied,
            "let the account read it",
        ),
        51 => (
            "the server is busy (51)",
            Reason::Refused,
            "look again later",
        ),
        52 => (
            "the server is not available (52)",
            Reason::Unreachable,
            "look again later",
        ),
        53 => (
            "the server is unwilling (53)",
            Reason::Refused,
            "see what its own log says",
        ),
        _ => {
            return Cause::new(
                format!("the server said result {code}"),
                Reason::Refused,
                "see what its own log says",
            );
        }
    };
    Cause::new(what, reason, remedy)
}

fn sub_code(text: &str) -> Option<(&'static str, &'static str)> {
    let data = text.split("data ").nth(1);
    let word = data?.split([',', ' ', '\0']).next()?.to_ascii_lowercase();
    let hit = SUB_CODES.iter().find(|(code, ..)| *code == word);
    let hit = hit.or_else(|| {
        SUB_CODES
            .iter()
            .find(|(code, ..)| code.len() > 4 && text.contains(code))
    })?;
    Some((hit.1, hit.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sub_codes_of_active_directory_are_told_in_words() {
        let said = |text| of_bind(49, text).what;
        assert!(said("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 775, v4563").contains("locked out"));
        assert!(said("80090308: LdapErr: DSID-0C0903D9, comment: AcceptSecurityContext error, data 52e, v3839\0").contains("password is wrong"));
        assert!(said("80090346: LdapErr: DSID-0C090709, comment: AcceptSecurityContext error, data 80090346, v4563").contains("channel binding"));
        assert!(said("").contains("name or password"));
        assert!(said("data ").contains("name or password"));
        assert!(of_bind(8, "").remedy.contains("ldaps"));
    }
}
