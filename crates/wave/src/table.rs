//! A TOML table that knows where it stands: every value it gives out, and every "no", has its line.

use std::collections::BTreeMap;
use std::ops::Range;

use groma_model::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Problem, WaveError};
use crate::nearest::nearest;

/// The file, as far as errors need it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'t> {
    pub(crate) name: &'t str,
    pub(crate) text: &'t str,
}

/// One table of the file, of which every key is known.
pub(crate) struct Table<'t> {
    source: Source<'t>,
    path: String,
    span: Range<usize>,
    table: &'t DeTable<'t>,
}

impl<'t> Source<'t> {
    pub(crate) fn error(self, at: usize, key: &str, problem: Problem) -> WaveError {
        let before = self.text.bytes().take(at);
        let line = before.filter(|b| *b == b'\n').count() + 1;
        WaveError {
            file: self.name.to_owned(),
            line,
            key: key.to_owned(),
            problem,
        }
    }
}

impl<'t> Table<'t> {
    /// The table at `path`, after a look at its keys: one that is not `known` is an error.
    pub(crate) fn open(
        source: Source<'t>,
        path: &str,
        span: Range<usize>,
        table: &'t DeTable<'t>,
        known: &[&str],
    ) -> Result<Self, WaveError> {
        let opened = Self {
            source,
            path: path.to_owned(),
            span,
            table,
        };
        for key in table.keys() {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let nearest = nearest(word, known.iter().copied()).map(str::to_owned);
                let known = known.iter().map(|k| (*k).to_owned()).collect();
                return Err(opened.error(
                    key.span().start,
                    word,
                    Problem::UnknownKey { nearest, known },
                ));
            }
        }
        Ok(opened)
    }

    fn error(&self, at: usize, key: &str, problem: Problem) -> WaveError {
        self.source.error(at, &self.full(key), problem)
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// A "no" about the value of `key`, at its line.
    pub(crate) fn refuse(&self, key: &str, problem: Problem) -> WaveError {
        let at = self.value(key).map_or(self.span.start, |v| v.span().start);
        self.error(at, key, problem)
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table
            .iter()
            .find(|(k, _)| k.get_ref() == key)
            .map(|(_, v)| v)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> WaveError {
        let found = format!(
            "{} {}",
            article(value.get_ref().type_str()),
            value.get_ref().type_str()
        );
        self.error(
            value.span().start,
            key,
            Problem::WrongType {
                expected: expected.to_owned(),
                found,
            },
        )
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<String>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        Ok(Some(self.text_of(key, value)?))
    }

    fn text_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, WaveError> {
        let text = value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.wrong_type(key, value, "text in quotes"))?;
        if text.trim().is_empty() {
            return Err(self.error(
                value.span().start,
                key,
                Problem::value("empty text", "write something, or take the key out"),
            ));
        }
        Ok(text.to_owned())
    }

    pub(crate) fn required_text(&self, key: &str, example: &str) -> Result<String, WaveError> {
        let missing = || Problem::Missing {
            example: format!("{key} = {example}"),
        };
        self.text(key)?
            .ok_or_else(|| self.error(self.span.start, key, missing()))
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, WaveError> {
        self.items(key, "a list of texts, as [\"mail1\"]")?
            .into_iter()
            .map(|v| self.text_of(key, v))
            .collect()
    }

    /// Each text of a list, made into something; a "no" stands at the line of that text.
    pub(crate) fn each<T>(
        &self,
        key: &str,
        make: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<Vec<T>, WaveError> {
        let items = self.items(key, "a list of texts, as [\"sql to db-new:5432\"]")?;
        let one = |value: &Spanned<DeValue<'_>>| {
            let text = self.text_of(key, value)?;
            make(&text).map_err(|problem| self.error(value.span().start, key, problem))
        };
        items.into_iter().map(one).collect()
    }

    fn items(&self, key: &str, expected: &str) -> Result<Vec<&'t Spanned<DeValue<'t>>>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(Vec::new());
        };
        let list = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(key, value, expected))?;
        Ok(list.iter().collect())
    }

    /// A whole number from 0 to 4294967295, written in decimal.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u32>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let number = value
            .get_ref()
            .as_integer()
            .ok_or_else(|| self.wrong_type(key, value, "a whole number, as 30"))?;
        let parsed = u32::from_str_radix(number.as_str(), number.radix());
        let problem = || {
            Problem::value(
                format!("{number} is out of range"),
                "write a number from 0 to 4294967295",
            )
        };
        parsed
            .map(Some)
            .map_err(|_| self.error(value.span().start, key, problem()))
    }

    /// The same of a key that need not be there.
    pub(crate) fn maybe_decimal(&self, key: &str, example: &str) -> Result<Option<f64>, WaveError> {
        match self.value(key) {
            Some(_) => self.decimal(key, example).map(Some),
            None => Ok(None),
        }
    }

    /// A finite number, with or without a point.
    pub(crate) fn decimal(&self, key: &str, example: &str) -> Result<f64, WaveError> {
        let missing = || Problem::Missing {
            example: format!("{key} = {example}"),
        };
        let value = self
            .value(key)
            .ok_or_else(|| self.error(self.span.start, key, missing()))?;
        let written = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return Err(self.wrong_type(key, value, &format!("a number, as {example}"))),
        };
        let parsed = written.parse::<f64>().ok().filter(|n| n.is_finite());
        let problem = || {
            Problem::value(
                format!("{written} is no number to measure against"),
                format!("write a finite number, as {example}"),
            )
        };
        parsed.ok_or_else(|| self.error(value.span().start, key, problem()))
    }

    /// A moment, as a TOML date-time with an offset or the same in quotes; a day alone begins at 00:00 UTC.
    pub(crate) fn moment(&self, key: &str) -> Result<Option<Timestamp>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let written = match value.get_ref() {
            DeValue::Datetime(moment) => moment.to_string(),
            DeValue::String(text) => text.trim().to_owned(),
            _ => return Err(self.wrong_type(key, value, "a moment, as 2026-12-05T20:00:00Z")),
        };
        let day = written.len() == 10;
        let full = if day {
            format!("{written}T00:00:00Z")
        } else {
            written.replacen(' ', "T", 1)
        };
        let problem = || {
            Problem::value(
                format!("{written:?} is no moment"),
                "write it with its offset, as 2026-12-05T20:00:00Z or 2026-12-05T21:00:00+01:00",
            )
        };
        full.parse()
            .map(Some)
            .map_err(|_| self.error(value.span().start, key, problem()))
    }

    /// The table under `key`, if it is there.
    pub(crate) fn table(&self, key: &str, known: &[&str]) -> Result<Option<Self>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let expected = || {
            format!(
                "a table, as {{ {} = … }}",
                known.first().copied().unwrap_or("key")
            )
        };
        let table = value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.wrong_type(key, value, &expected()))?;
        Self::open(self.source, &self.full(key), value.span(), table, known).map(Some)
    }

    /// The list of tables under `key`.
    pub(crate) fn tables(&self, key: &str, known: &[&str]) -> Result<Vec<Self>, WaveError> {
        let expected = format!(
            "a list of tables, as [{{ {} = … }}]",
            known.first().copied().unwrap_or("key")
        );
        let items = self.items(key, &expected)?.into_iter().enumerate();
        let open = |(at, value): (usize, &'t Spanned<DeValue<'t>>)| {
            let table = value
                .get_ref()
                .as_table()
                .ok_or_else(|| self.wrong_type(key, value, &expected))?;
            Self::open(
                self.source,
                &format!("{}[{at}]", self.full(key)),
                value.span(),
                table,
                known,
            )
        };
        items.map(open).collect()
    }

    /// The texts of the table under `key`, whatever their keys.
    pub(crate) fn map(&self, key: &str) -> Result<BTreeMap<String, String>, WaveError> {
        let Some(value) = self.value(key) else {
            return Ok(BTreeMap::new());
        };
        let table = value.get_ref().as_table().ok_or_else(|| {
            self.wrong_type(key, value, "a table, as { users = \"mail on Monday\" }")
        })?;
        let one = |(k, v): (&Spanned<toml::de::DeString<'_>>, &Spanned<DeValue<'_>>)| {
            let name = k.get_ref().to_string();
            Ok((name.clone(), self.text_of(&format!("{key}.{name}"), v)?))
        };
        table.iter().map(one).collect()
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}
