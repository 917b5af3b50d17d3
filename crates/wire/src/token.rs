//! The token an agent is let in with: a secret, and by whom alone it may be heard.

use groma_model::foreign::hex;
use groma_model::id::digest;

/// The first word of every token of this form.
const FORM: &str = "groma1";
/// Letters of its check: enough to know a slip of the keyboard.
const CHECK: usize = 8;

/// A token, as `groma token create` prints it: `groma1.SECRET.PIN.CHECK`, all in hex.
///
/// The pin is the SHA-256 of the public key of the collector's authority (SubjectPublicKeyInfo, as RFC 7469 §2.4 counts it). Whoever
/// holds a token says the secret only to a collector that shows this authority.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// 256 random bits.
    pub secret: [u8; 32],
    /// The authority that may hear it.
    pub pin: [u8; 32],
}

/// Why a text is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It has another shape.
    #[error(
        "this is no token: a token is one line that begins with {FORM}. and comes from `groma token create`"
    )]
    Shape,
    /// A letter is wrong or missing.
    #[error("this token was not copied whole, or has a wrong letter: copy it again")]
    Check,
}

impl Token {
    /// Reads a token as a person hands it over; blanks around it do no harm.
    ///
    /// # Errors
    /// It is none, or was not copied whole. Nothing of it stands in the error.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let mut parts = text.trim().split('.');
        let mut next = || parts.next().ok_or(TokenError::Shape);
        let (form, secret, pin, check) = (next()?, next()?, next()?, next()?);
        if form != FORM || parts.next().is_some() {
            return Err(TokenError::Shape);
        }
        if check_of(secret, pin) != check {
            return Err(TokenError::Check);
        }
        Ok(Self {
            secret: bits(secret).ok_or(TokenError::Check)?,
            pin: bits(pin).ok_or(TokenError::Check)?,
        })
    }

    /// The whole token, secret and all: for the person who asked for it, and nobody else.
    pub fn reveal(&self) -> String {
        let (secret, pin) = (hex(&self.secret), hex(&self.pin));
        let check = check_of(&secret, &pin);
        format!("{FORM}.{secret}.{pin}.{check}")
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("pin", &hex(&self.pin))
            .finish_non_exhaustive()
    }
}

fn check_of(secret: &str, pin: &str) -> String {
    let mut whole = digest(&[FORM, secret, pin]);
    whole.truncate(CHECK);
    whole
}

/// The bits behind 64 letters of hex.
pub fn bits(text: &str) -> Option<[u8; 32]> {
    let mut bits = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, bit) in bits.iter_mut().enumerate() {
        let pair = text.get(index * 2..index * 2 + 2)?;
        *bit = u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| !pair.starts_with('+'))?;
    }
    Some(bits)
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    reason = "a test that indexes wrongly fails, and should"
)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            secret: [0xa5; 32],
            pin: [0x33; 32],
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_printed_whatever_blanks_stand_around_it() {
        assert_eq!(
            Token::parse(&format!("  {}\r\n", token().reveal())),
            Ok(token())
        );
    }

    #[test]
    fn a_wrong_or_missing_letter_is_told_from_no_token_at_all() {
        let whole = token().reveal();
        for at in FORM.len() + 1..whole.len() {
            let mut bytes = whole.clone().into_bytes();
            let other = if bytes[at] == b'0' { b'1' } else { b'0' };
            bytes[at] = other;
            assert!(
                Token::parse(&String::from_utf8(bytes).unwrap()).is_err(),
                "letter {at}"
            );
            let cut = Token::parse(&whole[..at]);
            assert!(cut.is_err(), "cut at {at}");
        }
        assert_eq!(Token::parse("hunter2"), Err(TokenError::Shape));
        assert_eq!(Token::parse(""), Err(TokenError::Shape));
    }

    #[test]
    fn what_is_printed_for_programmers_holds_no_secret() {
        assert!(!format!("{:?}", token()).contains("a5a5"));
    }
}
