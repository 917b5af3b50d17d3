//! Who hands mail in, and what each sender needs: domains, account, TLS, who was refused. See [`groma_model::mail_use`].
//!
//! Lines are understood by one file for each product ([`postfix`], [`exim`], [`sendmail`]), brought together by [`track`], and added up by
//! [`sums`]. Addresses of people are parted where they are met: the domain stays, and of a local part a word of ours at most.

mod exim;
mod names;
mod postfix;
mod readers;
pub(crate) mod said;
mod sendmail;
mod server;
mod sums;
mod track;

use std::collections::BTreeMap;

use groma_knowledge::logs::{LogGrammar, Speaker};
use groma_model::fact::MailUse;
use groma_model::{Port, Seen, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use readers::{Readers, is_told_by};
pub(crate) use server::{FILES as SETTINGS, servers};
use track::{Spoken, Track};

use crate::known;
use crate::word::Word;

/// A product whose log tells of messages, and who of it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Voice {
    /// One of Postfix's programs.
    Postfix(postfix::Program),
    /// Exim.
    Exim,
    /// Sendmail.
    Sendmail,
}

impl Voice {
    /// Who signs with `tag`; a file without tags is spoken by its `owner`.
    pub(crate) fn of(tag: &str, owner: Option<&LogGrammar>) -> Option<Self> {
        match tag {
            "" => owner
                .filter(|grammar| grammar.id == "exim")
                .map(|_| Self::Exim),
            "exim" | "exim4" => Some(Self::Exim),
            "sendmail" | "sm-mta" => Some(Self::Sendmail),
            _ => postfix::Program::of(tag).map(Self::Postfix),
        }
    }

    fn product(self) -> &'static str {
        match self {
            Self::Postfix(_) => "Postfix",
            Self::Exim => "Exim",
            Self::Sendmail => "Sendmail",
        }
    }
}

/// What one file, or one family of them, told of mail, by product.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mail {
    #[serde(with = "known::keyed")]
    products: BTreeMap<&'static str, Track>,
    unsent: sendmail::Unsent,
}

/// Where a line comes from.
pub(crate) struct Heard<'m> {
    pub(crate) voice: Voice,
    pub(crate) speaker: Option<&'static Speaker>,
    /// The port this speaker serves, as the machine's configuration says.
    pub(crate) port: Option<Port>,
    /// The ports of all, by the name they have there.
    pub(crate) ports: &'m BTreeMap<String, Port>,
    pub(crate) process: Word,
    pub(crate) message: &'m str,
}

impl Mail {
    /// Takes a line; `at` reads its time where that is needed.
    pub(crate) fn hear(&mut self, heard: &Heard<'_>, mut at: impl FnMut() -> Option<Timestamp>) {
        let message = heard.message;
        match heard.voice {
            Voice::Postfix(program) => {
                let said = postfix::understand(program, message);
                said.into_iter()
                    .for_each(|said| self.take(heard, said, &mut at));
            }
            Voice::Exim => {
                let said = exim::understand(message);
                said.into_iter()
                    .for_each(|said| self.take(heard, said, &mut at));
            }
            Voice::Sendmail => {
                let said = sendmail::understand(message, heard.ports, &mut self.unsent);
                said.into_iter()
                    .for_each(|said| self.take(heard, said, &mut at));
            }
        }
    }

    fn take(
        &mut self,
        heard: &Heard<'_>,
        said: said::Said<'_>,
        at: impl FnOnce() -> Option<Timestamp>,
    ) {
        let port = match heard.voice {
            Voice::Postfix(postfix::Program::Smtpd) => {
                heard.port.or(heard.speaker.and_then(|s| s.port))
            }
            _ => None,
        };
        let spoken = Spoken {
            process: heard.process,
            port,
            from_first_byte: port == Some(Port(465)),
        };
        let track = self.products.entry(heard.voice.product()).or_default();
        track.take(&spoken, said, at);
    }

    /// Forgets every name that stands in nothing of what was told.
    pub(crate) fn settle(&mut self) {
        for track in self.products.values_mut() {
            *track = std::mem::take(track).settled();
        }
    }

    /// What an older file told is put before this.
    pub(crate) fn go_back(&mut self, mut older: Self) {
        for (product, track) in &mut self.products {
            track.go_back(older.products.remove(product).unwrap_or_default());
        }
        for (product, track) in older.products {
            self.products.entry(product).or_default().go_back(track);
        }
    }

    /// The rows of each product, and how many messages had no room.
    pub(crate) fn rows(self) -> Vec<(&'static str, BTreeMap<MailUse, Seen>, u64)> {
        let rows = |(product, track): (&'static str, Track)| {
            let left_out = track.sums.left_out + track.names.left_out;
            (product, track.sums.rows(&track.names, product), left_out)
        };
        self.products.into_iter().map(rows).collect()
    }
}
