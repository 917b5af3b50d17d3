//! What enrolls one agent: shown to nobody.

use std::fmt;

/// A token of the collector. It goes to a far side's standard input and nowhere else.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token in `text`, as `groma token create` says it; blanks around it are not part of it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        format!("{}\n", self.0).into_bytes()
    }

    /// `text` without the token in it: what an agent complains about may hold it.
    pub(crate) fn out_of(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_to_nobody() {
        let token = Token::new(" secret\n");
        assert_eq!(format!("{token:?}"), "***");
        assert_eq!(token.out_of("bad token secret!"), "bad token ***!");
        assert_eq!(token.bytes(), b"secret\n");
    }
}
