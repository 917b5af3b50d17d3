//! Which ways of speaking a machine allows, or asks for, by a setting somebody wrote: old versions, signatures, proofs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Foreign;

/// A setting that lets an old or unprotected way of speaking in, or keeps it out. No need of anybody: it says whom a new
/// machine will not understand that the old one does. What a system does where nothing is written is not told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolSetting {
    /// `ssl-2`, `ssl-3`, `tls-1`, `tls-1.1`, `tls-1.2`, `tls-1.3`, `dotnet-strong-tls`, `smb-1`, `smb-signing`, `ldap-signing`,
    /// `ldap-channel-binding` or `ntlm`.
    pub protocol: String,
    /// As which side of a conversation.
    pub side: ProtocolSide,
    /// `on`, `off`, `not-by-default` (for who asks by name); `required`, `if-asked`, `never`; of `ntlm` the oldest way that is sent or
    /// taken: `lm`, `ntlm-1`, `ntlm-2`.
    pub state: String,
    /// The file or key it stands in.
    pub file: Foreign,
    /// Line, counted from 1; 0 where there are none.
    pub line: u32,
    /// The name of the setting there.
    pub key: String,
}

/// Versions and protections that are told.
pub const PROTOCOLS: &[&str] = &[
    "ssl-2",
    "ssl-3",
    "tls-1",
    "tls-1.1",
    "tls-1.2",
    "tls-1.3",
    // Whether programs of .NET that name no version take the strong ones.
    "dotnet-strong-tls",
    "smb-1",
    "smb-signing",
    "ldap-signing",
    "ldap-channel-binding",
    // The oldest way of proving who one is: `lm`, `ntlm-1`, `ntlm-2`.
    "ntlm",
];

/// What is said of them: allowed, not allowed, allowed to whoever asks for it by name; asked of everybody, of whoever can, of
/// nobody; for `ntlm`, the oldest way that is sent or taken.
pub const STATES: &[&str] = &[
    "on",
    "off",
    "not-by-default",
    "required",
    "if-asked",
    "never",
    "lm",
    "ntlm-1",
    "ntlm-2",
];

/// A side of a conversation.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolSide {
    /// Towards those who call it.
    Server,
    /// Towards those whom it calls.
    Client,
}

impl fmt::Display for ProtocolSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

impl ProtocolSetting {
    pub(crate) fn says(&self) -> String {
        format!(
            "{}: {} sets {} as a {} to {}",
            self.file, self.key, self.protocol, self.side, self.state
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fact;

    #[test]
    fn a_setting_is_a_fact_that_keeps_its_shape() {
        let fact = Fact::ProtocolSetting(ProtocolSetting {
            protocol: "tls-1.2".to_owned(),
            side: ProtocolSide::Server,
            state: "off".to_owned(),
            file: r"HKLM\SYSTEM".into(),
            line: 0,
            key: "Enabled".to_owned(),
        });
        let text = serde_json::to_string(&fact).unwrap();
        assert!(
            text.starts_with(r#"{"fact":"protocol-setting","protocol":"tls-1.2","side":"server""#)
        );
        assert_eq!(Fact::from_json(&text).unwrap(), fact);
        assert_eq!(
            fact.says(),
            r"HKLM\SYSTEM: Enabled sets tls-1.2 as a server to off"
        );
    }
}
