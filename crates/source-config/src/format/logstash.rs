//! Pipelines of Logstash: `plugin { key => value … }` without separators, conditions between.

use crate::settings::Settings;

const DEPTH_MAX: usize = 64;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token<'t> {
    Word(&'t str),
    Text(&'t str),
    Is,
    Sign(char),
}

/// Options as settings; the section is the plugin and what stands around it. A list gives one setting per value.
pub(super) fn logstash(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut path: Vec<(String, u32)> = Vec::new();
    let mut name = String::new();
    let mut key: Option<String> = None;
    let mut in_list = false;
    let mut tokens = Tokens {
        rest: text,
        line: 1,
    };
    while let Some((line, token)) = tokens.next() {
        match token {
            Token::Word(value) | Token::Text(value) => match &key {
                Some(key_of) => {
                    let section = path
                        .iter()
                        .map(|(n, _)| n.as_str())
                        .collect::<Vec<_>>()
                        .join("/");
                    let group = path.last().map_or(0, |(_, g)| *g);
                    settings.add(line, group, &section, key_of, value);
                    if !in_list {
                        key = None;
                    }
                }
                None => value.clone_into(&mut name),
            },
            Token::Is => key = Some(std::mem::take(&mut name)),
            Token::Sign('[') if key.is_some() => in_list = true,
            Token::Sign(']') if in_list => {
                in_list = false;
                key = None;
            }
            Token::Sign('{') => {
                let group = settings.open_group();
                let inner = key.take().unwrap_or_else(|| std::mem::take(&mut name));
                in_list = false;
                if path.len() < DEPTH_MAX {
                    path.push((inner, group));
                } else {
                    settings.partial = true;
                }
            }
            Token::Sign('}') => {
                path.pop();
                key = None;
                in_list = false;
            }
            Token::Sign(_) => {}
        }
    }
    settings
}

struct Tokens<'t> {
    rest: &'t str,
    line: u32,
}

impl<'t> Tokens<'t> {
    fn eat(&mut self, length: usize) -> &'t str {
        let (head, tail) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        let lines = head.bytes().filter(|b| *b == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = tail;
        head
    }

    fn next(&mut self) -> Option<(u32, Token<'t>)> {
        loop {
            let first = self.rest.chars().next()?;
            let line = self.line;
            match first {
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.eat(end);
                }
                _ if first.is_whitespace() => {
                    self.eat(first.len_utf8());
                }
                '"' | '\'' => {
                    let inner = self.rest.get(1..).unwrap_or_default();
                    let end = inner.find(first).unwrap_or(inner.len());
                    let text = inner.get(..end).unwrap_or_default();
                    self.eat((end + 2).min(self.rest.len()));
                    return Some((line, Token::Text(text)));
                }
                '=' if self.rest.starts_with("=>") => {
                    self.eat(2);
                    return Some((line, Token::Is));
                }
                _ if first.is_alphanumeric() || matches!(first, '_' | '$' | '@') => {
                    let end = self
                        .rest
                        .find(|c: char| {
                            !(c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '.' | '-' | ':'))
                        })
                        .unwrap_or(self.rest.len());
                    return Some((line, Token::Word(self.eat(end))));
                }
                _ => {
                    self.eat(first.len_utf8());
                    return Some((line, Token::Sign(first)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_hash_are_told_apart() {
        let text = "output {\n if [a] == \"x\" { # hosts => [\"old\"]\n  elasticsearch { hosts => [\"h1:9200\", \"h2\"] user => \"u\" }\n }\n mutate { add_field => { \"host\" => \"v\" } }\n}\n";
        let shown: Vec<String> = logstash(text)
            .all
            .iter()
            .map(|s| format!("{} {} {}={}", s.line, s.section, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "3 output/x/elasticsearch hosts=h1:9200",
                "3 output/x/elasticsearch hosts=h2",
                "3 output/x/elasticsearch user=u",
                "5 output/mutate/add_field host=v"
            ]
        );
    }
}
