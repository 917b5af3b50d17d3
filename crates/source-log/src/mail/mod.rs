//! Who hands mail in, and what each sender needs: domains, account, TLS, who was refused. See [`groma_model::mail_use`].
//!
//! Lines are understood by one file for each product ([`postfix`], [`exim`], [`sendmail`]), brought together by [`track`], and added up by
//! [`sums`]; how long mail takes is counted by [`delays`]; who called Postfix and whom it called is added up by [`calls`] from the same understanding. Addresses of people are parted where they are met: the domain stays, and of a local part a word of ours at most.

mod calls;
pub(crate) mod delays;
mod exim;
mod histogram;
mod names;
mod postfix;
mod readers;
pub(crate) mod said;
mod sendmail;
mod server;
mod sums;
mod track;

use std::collections::BTreeMap;

use groma_knowledge::logs::LogGrammar;
use groma_model::fact::MailUse;
use groma_model::{Port, Seen, Timestamp};
use serde::{Deserialize, Serialize};

use delays::Delays;
pub(crate) use readers::{Readers, is_told_by};
pub(crate) use server::{FILES as SETTINGS, servers};
use track::{Spoken, Track};

use crate::session::Owner;
use crate::tally::Told;
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

    const POSTFIX: &'static str = "Postfix";
    const EXIM: &'static str = "Exim";
    const SENDMAIL: &'static str = "Sendmail";

    /// True if its lines tell here also who called it and whom it called, and are not understood a second time for that.
    pub(crate) fn tells_calls(self) -> bool {
        matches!(self, Self::Postfix(_))
    }
}

/// What one file, or one family of them, told of mail, by product.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mail {
    postfix: Option<Box<Track>>,
    exim: Option<Box<Track>>,
    sendmail: Option<Box<Track>>,
    unsent: sendmail::Unsent,
}

/// Where a line comes from.
pub(crate) struct Heard<'m> {
    pub(crate) voice: Voice,
    /// In the words of its grammar.
    pub(crate) owner: Option<Owner>,
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
                let of_speaker = || heard.owner.and_then(|owner| owner.speaker.port);
                heard.port.or_else(of_speaker)
            }
            _ => None,
        };
        let spoken = Spoken {
            process: heard.process,
            port,
            from_first_byte: port == Some(Port(465)),
            caller: heard.owner.filter(|_| heard.voice.tells_calls()),
        };
        let track = match heard.voice {
            Voice::Postfix(_) => &mut self.postfix,
            Voice::Exim => &mut self.exim,
            Voice::Sendmail => &mut self.sendmail,
        };
        let track = track.get_or_insert_with(Box::default);
        track.take(&spoken, said, at);
    }

    /// Tells the calls that are over, each once.
    pub(crate) fn tell_calls(&mut self, told: &mut impl FnMut(Told)) {
        for track in self.tracks_mut().into_iter().flatten() {
            track.tell_calls(told);
        }
    }

    /// True if there is no room for more calls.
    pub(crate) fn is_full_of_calls(&self) -> bool {
        self.postfix
            .as_ref()
            .is_some_and(|track| track.is_full_of_calls())
    }

    fn tracks_mut(&mut self) -> [&mut Option<Box<Track>>; 3] {
        [&mut self.postfix, &mut self.exim, &mut self.sendmail]
    }

    /// Forgets every name that stands in nothing of what was told.
    pub(crate) fn settle(&mut self) {
        for track in self.tracks_mut().into_iter().flatten() {
            **track = std::mem::take(&mut **track).settled();
        }
    }

    /// What an older file told is put before this; calls that are over with it are told.
    pub(crate) fn go_back(&mut self, mut older: Self, told: &mut impl FnMut(Told)) {
        let both = self.tracks_mut().into_iter().zip(older.tracks_mut());
        for (own, older) in both {
            if own.is_some() || older.is_some() {
                let older = older.take().unwrap_or_default();
                own.get_or_insert_default().go_back(*older, told);
            }
        }
    }

    /// How long the mail of each product took, told once.
    pub(crate) fn delays(&mut self) -> Vec<(&'static str, Delays)> {
        let products = [Voice::POSTFIX, Voice::EXIM, Voice::SENDMAIL];
        let tracks = products.into_iter().zip(self.tracks_mut());
        tracks
            .filter_map(|(product, track)| {
                let delays = std::mem::take(&mut track.as_mut()?.delays);
                Some((product, delays))
            })
            .collect()
    }

    /// The rows of each product, and how many messages had no room.
    pub(crate) fn rows(self) -> Vec<(&'static str, BTreeMap<MailUse, Seen>, u64)> {
        let rows = |(product, track): (&'static str, Box<Track>)| {
            let left_out = track.sums.left_out + track.names.left_out;
            (product, track.sums.rows(&track.names, product), left_out)
        };
        let tracks = [
            (Voice::EXIM, self.exim),
            (Voice::POSTFIX, self.postfix),
            (Voice::SENDMAIL, self.sendmail),
        ];
        let known = tracks.into_iter();
        let known = known.filter_map(|(product, track)| Some((product, track?)));
        known.map(rows).collect()
    }
}
