//! What version 3 wraps questions in: the user-based security model (RFC 3412, RFC 3414).
//!
//! An answer counts if it carries the proof that the user's password demands; a report counts for why there is none.

use groma_source::ber;

use crate::keys::{Cipher, Digest, Key, Start};
use crate::message::{
    Answer, Ask, SEQUENCE, answer, content, integer, number, octets, question, tagged, text,
};
use crate::secret::Secret;

/// The largest answer we take.
const SIZE_MAX: i64 = 65_507;
/// RFC 3411: an engine's name has 5 to 32 octets. Some have more.
const ENGINE_MAX: usize = 64;
const USER_BASED: i64 = 3;
const AUTHENTICATED: u8 = 1;
const SEALED: u8 = 2;
const REPORTABLE: u8 = 4;
/// usmStats (RFC 3414 §5).
const STATISTICS: &[u32] = &[1, 3, 6, 1, 6, 3, 15, 1, 1];

/// As whom a device is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// How it proves who it is.
    pub auth: Option<(Digest, Secret)>,
    /// How messages are kept from others; not without a proof.
    pub privacy: Option<(Cipher, Secret)>,
    /// The context that is asked for; empty for the usual one.
    pub context: String,
}

/// Why an engine does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Complaint {
    /// It wants another level of security.
    Level,
    /// Our idea of its time is old.
    Time,
    /// It does not know the user.
    User,
    /// It has another name by now.
    Engine,
    /// The password is another, or the digest.
    Digest,
    /// It could not decipher what we sent.
    Cipher,
    /// Something else.
    Other,
}

impl Complaint {
    fn of(answer: &Answer) -> Self {
        let name = answer.bindings.first().map(|(name, _)| name.parts());
        let which = name.and_then(|name| name.strip_prefix(STATISTICS)?.first());
        match which {
            Some(1) => Self::Level,
            Some(2) => Self::Time,
            Some(3) => Self::User,
            Some(4) => Self::Engine,
            Some(5) => Self::Digest,
            Some(6) => Self::Cipher,
            _ => Self::Other,
        }
    }
}

/// What came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Came {
    /// An answer, as well proven as the user demands.
    Answer(Answer),
    /// A complaint.
    Complaint(Complaint),
}

/// One engine, as one user asks it.
pub(crate) struct Engine {
    user: User,
    id: Vec<u8>,
    boots: u32,
    time: u32,
    /// Our own clock's second when `time` was told.
    told_at: u64,
    auth: Key,
    privacy: Key,
    salt: u64,
}

impl Engine {
    /// Nothing is known of it yet.
    pub(crate) fn unknown(user: User, salt: u64) -> Self {
        Self {
            user,
            id: Vec::new(),
            boots: 0,
            time: 0,
            told_at: 0,
            auth: Key::default(),
            privacy: Key::default(),
            salt,
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        !self.id.is_empty()
    }

    /// Keys made longer in the other way, if there is one.
    pub(crate) fn lengthen_otherwise(&mut self) -> bool {
        let Some((cipher, _)) = &mut self.user.privacy else {
            return false;
        };
        let Some(other) = cipher.other() else {
            return false;
        };
        *cipher = other;
        self.make_keys();
        true
    }

    fn make_keys(&mut self) {
        if let Some((digest, password)) = &self.user.auth {
            self.auth = digest.key(password.reveal(), &self.id);
            if let Some((cipher, password)) = &self.user.privacy {
                self.privacy = digest.cipher_key(*cipher, password.reveal(), &self.id);
            }
        }
    }

    /// The question who it is: it holds no user's name (RFC 3414 §4).
    pub(crate) fn discovery(message: i32) -> Vec<u8> {
        let parameters = [
            octets(b""),
            integer(0),
            integer(0),
            octets(b""),
            octets(b""),
            octets(b""),
        ]
        .concat();
        let inner = question(message, &Ask::Get(Vec::new()));
        let scoped = tagged(SEQUENCE, &[octets(b""), octets(b""), inner].concat());
        wrapped(message, REPORTABLE, &parameters, &scoped)
    }

    /// A question, wrapped.
    pub(crate) fn wrap(&mut self, message: i32, second: u64, question: &[u8]) -> Option<Vec<u8>> {
        self.salt = self.salt.wrapping_add(1);
        let since = u32::try_from(second.saturating_sub(self.told_at)).unwrap_or(u32::MAX);
        let start = Start {
            boots: self.boots,
            time: self.time.saturating_add(since),
            salt: self.salt_of(),
        };
        let scoped = [
            octets(&self.id),
            octets(self.user.context.as_bytes()),
            question.to_vec(),
        ]
        .concat();
        let scoped = tagged(SEQUENCE, &scoped);
        let (mut flags, mut salt) = (REPORTABLE, &[][..]);
        let payload = match &self.user.privacy {
            Some((cipher, _)) => {
                (flags, salt) = (flags | SEALED, &start.salt);
                octets(&cipher.seal(&self.privacy, start, &scoped)?)
            }
            None => scoped,
        };
        let Some((digest, _)) = &self.user.auth else {
            return Some(wrapped(
                message,
                flags,
                &self.parameters(start, b"", salt),
                &payload,
            ));
        };
        let flags = flags | AUTHENTICATED;
        let empty = vec![0; digest.shown()];
        let unproven = wrapped(
            message,
            flags,
            &self.parameters(start, &empty, salt),
            &payload,
        );
        let proof = digest.mac(&self.auth, &unproven);
        Some(wrapped(
            message,
            flags,
            &self.parameters(start, &proof, salt),
            &payload,
        ))
    }

    /// RFC 3414 §8.1.1.1 wants the engine's boots before a number of ours; for AES any eight octets do that never come twice.
    fn salt_of(&self) -> [u8; 8] {
        let is_des = matches!(self.user.privacy, Some((Cipher::Des, _)));
        match is_des {
            true => {
                let low = self.salt & u64::from(u32::MAX);
                ((u64::from(self.boots) << 32) | low).to_be_bytes()
            }
            false => self.salt.to_be_bytes(),
        }
    }

    fn parameters(&self, start: Start, proof: &[u8], salt: &[u8]) -> Vec<u8> {
        [
            octets(&self.id),
            integer(start.boots.into()),
            integer(start.time.into()),
            octets(self.user.name.as_bytes()),
            octets(proof),
            octets(salt),
        ]
        .concat()
    }

    /// What came in, if it answers the message of this number and is proven.
    pub(crate) fn unwrap(&mut self, message: i32, second: u64, datagram: &[u8]) -> Option<Came> {
        let read = Read::of(datagram)?;
        if read.message != i64::from(message) {
            return None;
        }
        if !self.is_known() {
            return self.meet(&read, second);
        }
        if read.engine != self.id {
            return None;
        }
        let proven = self.is_proven(&read, datagram)?;
        let inner = match read.flags & SEALED {
            0 => read.payload.to_vec(),
            _ => self.opened(&read)?,
        };
        let answer = scoped(&inner)?;
        if answer.is_report {
            let complaint = Complaint::of(&answer);
            // Only who knows the password may set our clock.
            if complaint == Complaint::Time && (proven || self.user.auth.is_none()) {
                self.set_clock(&read, second);
            }
            return Some(Came::Complaint(complaint));
        }
        let demanded = [
            (self.user.auth.is_some(), AUTHENTICATED),
            (self.user.privacy.is_some(), SEALED),
        ];
        let demands = demanded.iter().filter(|(is, _)| *is);
        let demands = demands.fold(0, |all, (_, flag)| all | flag);
        (read.flags & demands == demands).then_some(Came::Answer(answer))
    }

    /// Learns who it is.
    fn meet(&mut self, read: &Read<'_>, second: u64) -> Option<Came> {
        let fits = (1..=ENGINE_MAX).contains(&read.engine.len());
        let answer = scoped(read.payload).filter(|answer| fits && answer.is_report)?;
        read.engine.clone_into(&mut self.id);
        self.set_clock(read, second);
        self.make_keys();
        Some(Came::Complaint(Complaint::of(&answer)))
    }

    fn set_clock(&mut self, read: &Read<'_>, second: u64) {
        (self.boots, self.time, self.told_at) = (read.boots, read.time, second);
    }

    /// True if it carries the right proof, false if it carries none; nothing if it carries a wrong one.
    fn is_proven(&self, read: &Read<'_>, datagram: &[u8]) -> Option<bool> {
        if read.flags & AUTHENTICATED == 0 {
            return Some(false);
        }
        let (digest, _) = self.user.auth.as_ref()?;
        let at = read.proof.as_ptr().addr() - datagram.as_ptr().addr();
        let mut unproven = datagram.to_vec();
        unproven
            .get_mut(at..at + read.proof.len())?
            .iter_mut()
            .for_each(|octet| *octet = 0);
        let right = digest.mac(&self.auth, &unproven) == read.proof;
        right.then_some(true)
    }

    fn opened(&self, read: &Read<'_>) -> Option<Vec<u8>> {
        let (cipher, _) = self.user.privacy.as_ref()?;
        let (sealed, _) = ber::element(read.payload)?;
        let start = Start {
            boots: read.boots,
            time: read.time,
            salt: read.salt.try_into().ok()?,
        };
        cipher.open(&self.privacy, start, text(sealed)?)
    }
}

fn wrapped(message: i32, flags: u8, parameters: &[u8], payload: &[u8]) -> Vec<u8> {
    let global = [
        integer(message.into()),
        integer(SIZE_MAX),
        octets(&[flags]),
        integer(USER_BASED),
    ]
    .concat();
    let content = [
        integer(3),
        tagged(SEQUENCE, &global),
        octets(&tagged(SEQUENCE, parameters)),
        payload.to_vec(),
    ]
    .concat();
    tagged(SEQUENCE, &content)
}

/// A message of version 3 in its parts. `payload` is a whole element.
struct Read<'a> {
    message: i64,
    flags: u8,
    engine: &'a [u8],
    boots: u32,
    time: u32,
    proof: &'a [u8],
    salt: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Read<'a> {
    fn of(datagram: &'a [u8]) -> Option<Self> {
        let (outer, _) = ber::element(datagram)?;
        let whole = content(outer, SEQUENCE)?;
        let (version, rest) = ber::element(whole)?;
        let (global, rest) = ber::element(rest)?;
        let (security, payload) = ber::element(rest)?;
        let global = ber::elements(content(global, SEQUENCE)?, 4)?;
        let [message, _size, flags, model] = global.as_slice() else {
            return None;
        };
        let [flags] = text(*flags)? else {
            return None;
        };
        if number(version)? != 3 || number(*model)? != USER_BASED {
            return None;
        }
        let (security, _) = ber::element(text(security)?)?;
        let parameters = ber::elements(content(security, SEQUENCE)?, 6)?;
        let [engine, boots, time, _user, proof, salt] = parameters.as_slice() else {
            return None;
        };
        Some(Self {
            message: number(*message)?,
            flags: *flags,
            engine: text(*engine)?,
            boots: u32::try_from(number(*boots)?).ok()?,
            time: u32::try_from(number(*time)?).ok()?,
            proof: text(*proof)?,
            salt: text(*salt)?,
            payload,
        })
    }
}

/// The answer within a scoped message. What follows it fills a block.
fn scoped(bytes: &[u8]) -> Option<Answer> {
    let (element, _) = ber::element(bytes)?;
    let parts = ber::elements(content(element, SEQUENCE)?, 3)?;
    let [_engine, _context, inner] = parts.as_slice() else {
        return None;
    };
    answer(*inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oid::Oid;

    fn user() -> User {
        User {
            name: "watcher".to_owned(),
            auth: Some((Digest::Sha256, Secret::new("correct horse"))),
            privacy: Some((Cipher::Aes128, Secret::new("battery staple"))),
            context: String::new(),
        }
    }

    /// An agent's answer to a discovery: its name and time, in a report.
    fn introduces(message: i32) -> Vec<u8> {
        let parameters = [
            octets(b"\x80\x00\x1f\x88\x04abc"),
            integer(4),
            integer(1_000),
            octets(b""),
            octets(b""),
            octets(b""),
        ]
        .concat();
        let name = tagged(
            0x06,
            &Oid::parse("1.3.6.1.6.3.15.1.1.4.0").unwrap().encoded(),
        );
        let binding = tagged(SEQUENCE, &[name, tagged(0x41, &[1])].concat());
        let inner = [
            integer(0),
            integer(0),
            integer(0),
            tagged(SEQUENCE, &binding),
        ]
        .concat();
        let scoped = [octets(b""), octets(b""), tagged(0xa8, &inner)].concat();
        wrapped(message, 0, &parameters, &tagged(SEQUENCE, &scoped))
    }

    fn known() -> Engine {
        let mut engine = Engine::unknown(user(), 7);
        let came = engine.unwrap(5, 100, &introduces(5));
        assert_eq!(came, Some(Came::Complaint(Complaint::Engine)));
        engine
    }

    #[test]
    fn nobody_is_named_before_the_engine_is_known() {
        let asked = Engine::discovery(5);
        assert!(!asked.windows(7).any(|part| part == b"watcher"));
        assert!(known().is_known());
    }

    #[test]
    fn neither_question_nor_password_stands_in_a_sealed_message() {
        let mut engine = known();
        let name = Oid::parse("1.3.6.1.2.1.1.1.0").unwrap();
        let inner = question(9, &Ask::Get(vec![name.clone()]));
        let bytes = engine.wrap(9, 110, &inner).unwrap();
        for hidden in [&b"correct horse"[..], b"battery staple", &name.encoded()] {
            assert!(!bytes.windows(hidden.len()).any(|part| part == hidden));
        }
        let read = Read::of(&bytes).unwrap();
        assert_eq!((read.boots, read.time), (4, 1_010));
        assert_eq!(engine.is_proven(&read, &bytes), Some(true));
        let opened = engine.opened(&read).unwrap();
        assert!(opened.windows(inner.len()).any(|part| part == inner));
    }

    #[test]
    fn what_was_changed_on_the_way_is_no_answer() {
        let mut engine = known();
        let bytes = engine
            .wrap(9, 110, &question(9, &Ask::Get(Vec::new())))
            .unwrap();
        let read = Read::of(&bytes).unwrap();
        assert_eq!(engine.is_proven(&read, &bytes), Some(true));
        let mut forged = bytes.clone();
        *forged.last_mut().unwrap() ^= 1;
        let read = Read::of(&forged).unwrap();
        assert_eq!(engine.is_proven(&read, &forged), None);
    }

    #[test]
    fn an_answer_without_proof_is_none_though_a_complaint_is_heard() {
        let mut engine = known();
        let parameters = [
            octets(b"\x80\x00\x1f\x88\x04abc"),
            integer(4),
            integer(1_000),
            octets(b"watcher"),
            octets(b""),
            octets(b""),
        ]
        .concat();
        let inner = [integer(9), integer(0), integer(0), tagged(SEQUENCE, b"")].concat();
        let plain = |tag| {
            let scoped = [octets(b""), octets(b""), tagged(tag, &inner)].concat();
            wrapped(9, 0, &parameters, &tagged(SEQUENCE, &scoped))
        };
        assert_eq!(engine.unwrap(9, 100, &plain(0xa2)), None);
        let other = Some(Came::Complaint(Complaint::Other));
        assert_eq!(engine.unwrap(9, 100, &plain(0xa8)), other);
    }

    #[test]
    fn any_bytes_are_read_without_harm() {
        let mut sealed = known();
        let asked = sealed
            .wrap(9, 110, &question(9, &Ask::Get(Vec::new())))
            .unwrap();
        let introduced = introduces(5);
        let seeds: [&[u8]; 2] = [&introduced, &asked];
        let engine = std::sync::Mutex::new(known());
        groma_fuzz::hammer(10_000, &seeds, |bytes| {
            let _ = engine.lock().unwrap().unwrap(9, 100, bytes);
            let _ = Engine::unknown(user_without_keys(), 1).unwrap(5, 100, bytes);
        });
    }

    fn user_without_keys() -> User {
        User {
            auth: None,
            privacy: None,
            ..user()
        }
    }
}
