//! Words as they cross the wire (RFC 4506): big-endian, in steps of four bytes. Every length is held against what is there.

/// Longest string libvirt sends.
const STRING_MAX: usize = 4 << 20;

/// What does not stand where it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Short(pub(super) &'static str);

/// Words of an answer, read from its front.
pub(super) struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Words<'a> {
    fn bytes(&mut self, many: usize) -> Result<&'a [u8], Short> {
        let (head, rest) = self
            .0
            .split_at_checked(many)
            .ok_or(Short("it breaks off"))?;
        self.0 = rest;
        Ok(head)
    }

    fn four(&mut self) -> Result<[u8; 4], Short> {
        self.bytes(4)?
            .try_into()
            .map_err(|_| Short("it breaks off"))
    }

    pub(super) fn unsigned(&mut self) -> Result<u32, Short> {
        self.four().map(u32::from_be_bytes)
    }

    pub(super) fn signed(&mut self) -> Result<i32, Short> {
        self.four().map(i32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Result<u64, Short> {
        let high = u64::from(self.unsigned()?);
        Ok(high << 32 | u64::from(self.unsigned()?))
    }

    pub(super) fn uuid(&mut self) -> Result<[u8; 16], Short> {
        self.bytes(16)?
            .try_into()
            .map_err(|_| Short("it breaks off"))
    }

    /// A text; bytes that are no UTF-8 are replaced.
    pub(super) fn string(&mut self) -> Result<String, Short> {
        let length = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
        if length > STRING_MAX {
            return Err(Short("a text is longer than any libvirt sends"));
        }
        let text = String::from_utf8_lossy(self.bytes(length)?).into_owned();
        self.bytes(length.wrapping_neg() % 4)?;
        Ok(text)
    }

    pub(super) fn optional_string(&mut self) -> Result<Option<String>, Short> {
        match self.unsigned()? {
            0 => Ok(None),
            1 => self.string().map(Some),
            _ => Err(Short("a word that is neither yes nor no")),
        }
    }

    /// As many things as are told, of which none takes less than four bytes.
    pub(super) fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T, Short>,
    ) -> Result<Vec<T>, Short> {
        let many = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
        if many > self.0.len() / 4 {
            return Err(Short("a list is longer than the answer"));
        }
        (0..many).map(|_| each(self)).collect()
    }
}

/// Words of a question.
#[derive(Default)]
pub(super) struct Question(Vec<u8>);

impl Question {
    pub(super) fn unsigned(mut self, word: u32) -> Self {
        self.0.extend(word.to_be_bytes());
        self
    }

    pub(super) fn signed(mut self, word: i32) -> Self {
        self.0.extend(word.to_be_bytes());
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(super) fn string(self, text: &str) -> Self {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let padding = [0; 3];
        let padding = padding
            .get(..text.len().wrapping_neg() % 4)
            .unwrap_or_default();
        self.unsigned(length).raw(text.as_bytes()).raw(padding)
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_comes_back_and_nothing_is_left(text in "\\PC{0,40}", number in any::<u32>()) {
            let bytes = Question::default().string(&text).unsigned(number).bytes();
            let mut words = Words(&bytes);
            prop_assert_eq!(words.string(), Ok(text));
            prop_assert_eq!(words.unsigned(), Ok(number));
            prop_assert!(words.0.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Words(&bytes).string();
            let _ = Words(&bytes).optional_string();
            let _ = Words(&bytes).list(Words::string);
            let _ = Words(&bytes).long();
        }
    }

    #[test]
    fn a_length_that_is_a_lie_takes_no_memory() {
        let huge = [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
        assert!(Words(&huge).string().is_err());
        assert!(Words(&huge).list(Words::unsigned).is_err());
        let long = 0x0100_0000_u32.to_be_bytes();
        assert!(Words(&long).string().is_err());
    }
}
