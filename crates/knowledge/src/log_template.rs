//! One line of a log as a grammar writes it: literal text with fields in braces.

use memchr::{memchr, memchr2, memchr3, memmem};

/// Longest text of a time.
const TIME_MAX: usize = 40;

/// What a field of a grammar is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// The account used.
    Account,
    /// The name a name server was asked for.
    Asked,
    /// Where a search of a directory begins.
    Base,
    /// The address of who called this machine.
    Client,
    /// What the service's own settings call who called this machine.
    ClientName,
    /// What a directory is searched for: only the names of its attributes are kept.
    Filter,
    /// How the account was proven.
    Mechanism,
    /// The name that was called.
    Name,
    /// The port that was called.
    Port,
    /// What the client says it is (a user agent).
    Program,
    /// The address this machine called.
    Server,
    /// The value that ties lines of one use together.
    Session,
    /// The share of a file server that was used.
    Share,
    /// When the line was written, in a log whose lines do not begin with it.
    Time,
}

/// The names a grammar may use, each with its field.
const NAMES: &[(&str, Field)] = &[
    ("account", Field::Account),
    ("asked", Field::Asked),
    ("base", Field::Base),
    ("client", Field::Client),
    ("client_name", Field::ClientName),
    ("filter", Field::Filter),
    ("mechanism", Field::Mechanism),
    ("name", Field::Name),
    ("port", Field::Port),
    ("program", Field::Program),
    ("server", Field::Server),
    ("share", Field::Share),
    ("time", Field::Time),
];

impl Field {
    /// The field a grammar calls `name`; `session` is the name of what ties lines together there. The error lists what
    /// there is.
    pub fn named(name: &str, session: Option<&str>) -> Result<Self, String> {
        if session == Some(name) {
            return Ok(Self::Session);
        }
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, field)| *field).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
            let tie = session.map_or_else(
                || "this grammar ties lines by process: it has no `session`".to_owned(),
                |session| format!("`{session}` ties lines together"),
            );
            format!(
                "`{name}` is no field groma knows: {}; {tie}; `{{}}` skips a word",
                names.join(", ")
            )
        })
    }
}

/// A piece of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Literal(String),
    /// A value; `None` is skipped.
    Field(Option<Field>),
    /// Whatever stands before the next literal, blanks too.
    Anything,
    /// One blank or more.
    Blanks,
    /// The line ends here.
    End,
}

/// Literal text with fields in braces, ready to be matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    opening: Opening,
}

/// What every message a template fits must show at its begin.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Opening {
    /// It begins with this text.
    Literal(String),
    /// A field and this text, in which the first sign that ends a field stands so far from its begin.
    Field(String, usize),
    /// Nothing can be said.
    Any,
}

/// The begin of a message, looked at once for all templates that may fit it.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'m> {
    message: &'m [u8],
    /// Where the first sign stands that ends a field.
    stop: usize,
}

impl<'m> Begin<'m> {
    /// Of this message.
    pub fn of(message: &'m str) -> Self {
        let message = message.as_bytes();
        let stop = message.iter().position(|byte| is_stop(*byte));
        let stop = stop.unwrap_or(message.len());
        Self { message, stop }
    }
}

impl Template {
    /// Reads a template; the error says what is wrong with it.
    pub fn parse(text: &str, session: Option<&str>) -> Result<Self, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                literal.push(first);
                rest = after;
                continue;
            }
            let Some(after) = rest.strip_prefix('{') else {
                literal.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            };
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| format!("{text}: a brace is not closed"))?;
            flush(&mut pieces, &mut literal);
            pieces.push(match name {
                "" => Piece::Field(None),
                "*" => Piece::Anything,
                "$" => Piece::End,
                " " => Piece::Blanks,
                name => Piece::Field(Some(Field::named(name, session)?)),
            });
            rest = after;
        }
        flush(&mut pieces, &mut literal);
        sound(text, &pieces)?;
        let opening = opening(&pieces);
        Ok(Self { pieces, opening })
    }

    /// False if the begin of a message shows that [`Self::matches`] would be, which costs far less than to try.
    #[inline]
    pub fn may_match(&self, begin: &Begin<'_>) -> bool {
        match &self.opening {
            Opening::Literal(literal) => {
                begin.message.first() == literal.as_bytes().first()
                    && begin.message.starts_with(literal.as_bytes())
            }
            Opening::Field(literal, offset) => {
                let here = begin.stop.checked_sub(*offset);
                let here = here.and_then(|at| begin.message.get(at..));
                here.is_some_and(|here| here.starts_with(literal.as_bytes()))
            }
            Opening::Any => true,
        }
    }

    /// Calls `take` with every field and its value if `message` begins as the template says. What `take` was told holds
    /// only if the answer is true.
    pub fn matches<'m>(&self, message: &'m str, mut take: impl FnMut(Field, &'m str)) -> bool {
        let mut rest = message;
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let field = match piece {
                Piece::Literal(literal) => match after(rest, literal) {
                    Some(after) => {
                        rest = after;
                        continue;
                    }
                    None => return false,
                },
                Piece::End => return rest.is_empty(),
                Piece::Blanks => {
                    let after = rest.trim_start_matches(' ');
                    if after.len() == rest.len() {
                        return false;
                    }
                    rest = after;
                    continue;
                }
                Piece::Field(field) => *field,
                Piece::Anything => None,
            };
            let next = match pieces.peek() {
                Some(Piece::Literal(literal)) => Some(literal.as_str()),
                Some(Piece::Blanks) => Some(" "),
                _ => None,
            };
            let end = match (piece, field) {
                (Piece::Anything, _) => {
                    next.and_then(|next| memmem::find(rest.as_bytes(), next.as_bytes()))
                }
                (_, Some(Field::Time)) => end_of_time(rest, next),
                // It may hold blanks, and nothing is written behind it.
                (_, Some(Field::Share)) if next.is_none() => Some(rest.len()),
                _ => end_of_field(rest, next),
            };
            let Some((value, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
                return false;
            };
            if let Some(field) = field {
                take(field, value);
            }
            rest = after;
        }
        true
    }

    /// Its fields.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(field) => *field,
            _ => None,
        })
    }
}

/// What the pieces ask of a message's begin.
fn opening(pieces: &[Piece]) -> Opening {
    match pieces {
        [Piece::Literal(literal), ..] => Opening::Literal(literal.clone()),
        // Neither a time nor what quotes, brackets or bars enclose ends at such a sign.
        [Piece::Field(field), Piece::Literal(literal), ..]
            if *field != Some(Field::Time) && !literal.starts_with(ENCLOSING) =>
        {
            // The field holds none of these signs, and what stands before the first one in the literal is none either:
            // so the first one of the literal is the first one of the message.
            match literal.bytes().position(is_stop) {
                Some(offset) => Opening::Field(literal.clone(), offset),
                None => Opening::Any,
            }
        }
        _ => Opening::Any,
    }
}

/// What stands after `literal`. Most lines differ in its first letter, which costs no call.
#[inline]
fn after<'m>(rest: &'m str, literal: &str) -> Option<&'m str> {
    if rest.as_bytes().first() != literal.as_bytes().first() {
        return None;
    }
    rest.strip_prefix(literal)
}

fn flush(pieces: &mut Vec<Piece>, literal: &mut String) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal)));
    }
}

fn sound(text: &str, pieces: &[Piece]) -> Result<(), String> {
    if pieces.is_empty() || pieces == [Piece::End] {
        return Err("a template says nothing".to_owned());
    }
    for pair in pieces.windows(2) {
        match pair {
            [Piece::End, _] => return Err(format!("{text}: {{$}} is the end of a line")),
            [
                Piece::Field(_) | Piece::Anything,
                Piece::Field(_) | Piece::Anything,
            ] => {
                return Err(format!(
                    "{text}: two fields touch, and nothing tells where the first ends"
                ));
            }
            _ => {}
        }
    }
    match pieces.last() {
        Some(Piece::Anything) => Err(format!("{text}: {{*}} ends nowhere")),
        _ => Ok(()),
    }
}

/// Where a time ends: it may hold blanks, but it is short.
fn end_of_time(rest: &str, next: Option<&str>) -> Option<usize> {
    let Some(next) = next else {
        return Some(rest.len().min(TIME_MAX));
    };
    let head = rest.as_bytes();
    let head = head.get(..TIME_MAX + next.len()).unwrap_or(head);
    memmem::find(head, next.as_bytes())
}

/// Where a field ends: at the literal after it, or at a blank. Only what quotes enclose holds blanks, or the signs
/// that log lines are made of.
fn end_of_field(rest: &str, next: Option<&str>) -> Option<usize> {
    let bytes = rest.as_bytes();
    let Some(next) = next.map(str::as_bytes) else {
        return Some(memchr2(b' ', b'\t', bytes).unwrap_or(bytes.len()));
    };
    let first = *next.first()?;
    let here = |at: usize| bytes.get(at..).is_some_and(|here| here.starts_with(next));
    match first {
        b'"' => end_of_quoted(bytes).filter(|at| here(*at)),
        // An address of mail may hold a quoted text that looks like the rest of the line.
        b'>' => memchr3(b'>', b'"', b' ', bytes).filter(|at| here(*at)),
        // Columns between bars: what one holds is no further column.
        b'|' => memchr(b'|', bytes).filter(|at| here(*at)),
        // What a blank ends holds none, so nothing in it looks like another field.
        b' ' => memchr3(b' ', b'"', b'\t', bytes).filter(|at| here(*at)),
        _ => {
            let mut from = 0;
            loop {
                let at = from + memchr(first, bytes.get(from..)?)?;
                let between = bytes.get(from..at)?;
                if between.iter().any(|byte| is_stop(*byte)) {
                    return None;
                }
                if here(at) {
                    return Some(at);
                }
                if is_stop(first) {
                    return None;
                }
                from = at + 1;
            }
        }
    }
}

/// True for a sign that log lines are made of.
#[inline]
fn is_stop(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'=' | b'<' | b'"')
}

/// Where a literal begins with one of these, the field before it ends by a rule of its own.
const ENCLOSING: [char; 4] = ['"', '>', '|', ' '];

/// The first quote that is not escaped.
fn end_of_quoted(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(template: &str, message: &str) -> Option<Vec<(Field, String)>> {
        let template = Template::parse(template, Some("conn")).unwrap();
        let mut out = Vec::new();
        template
            .matches(message, |field, value| out.push((field, value.to_owned())))
            .then_some(out)
    }

    fn matches(template: &str, message: &str) -> bool {
        taken(template, message).is_some()
    }

    fn first(template: &str, message: &str) -> Option<String> {
        taken(template, message).map(|taken| taken[0].1.clone())
    }

    #[test]
    fn a_line_matches_from_its_begin_or_not_at_all() {
        let template = "{}: client={}[{client}]";
        let client = first(template, "4Fx: client=a.corp.example[10.0.0.1], x");
        assert_eq!(client.unwrap(), "10.0.0.1");
        assert_eq!(taken(template, "warning: 4Fx: client=a[10.0.0.1]"), None);
        assert_eq!(taken(template, "helo=<x: client=a[10.0.0.1]>"), None);
    }

    #[test]
    fn a_field_holds_blanks_only_within_quotes() {
        let template = "BIND dn=\"{account}\" method=128";
        let dn = first(template, "BIND dn=\"cn=Big Copier,dc=x\" method=128");
        assert_eq!(dn.unwrap(), "cn=Big Copier,dc=x");
        assert_eq!(taken("from {account} port", "from x y port"), None);
        assert_eq!(first("last {account}", "last x y").unwrap(), "x");
    }

    #[test]
    fn what_stands_between_bars_is_one_column() {
        let template = "{account}|{client}|{}|connect|ok|{share}{$}";
        let row = taken(template, "CORP\\anna b|10.0.0.1|pc|connect|ok|old drawings").unwrap();
        assert_eq!(row[0].1, "CORP\\anna b");
        assert_eq!(row[2], (Field::Share, "old drawings".to_owned()));
        let opened = "anna|10.0.0.1|openat|ok|r|/srv/x|connect|ok|plans";
        assert_eq!(taken(template, opened), None);
    }

    #[test]
    fn a_quote_that_is_not_escaped_ends_what_it_encloses() {
        let template = "\"{}\" {} \"{program}\"{$}";
        assert_eq!(
            first(template, r#""GET /\" 2 \"x" 200 "curl/8""#).unwrap(),
            "curl/8"
        );
        assert_eq!(taken(template, r#""GET /" 2 "x" 200 "curl/8""#), None);
    }

    #[test]
    fn a_time_and_braces_are_read() {
        let template = "{client} [{time}] {{{*}}} {account}{$}";
        assert!(matches(
            "{time}{ }{client} {account}{$}",
            "1795212000.1    10.0.0.1 a=<b>"
        ));
        assert!(!matches("{} H={client}{$}", "\"x H=10.0.0.9"));
        let taken = taken(template, "10.0.0.1 [20/Nov/2026:10:11:12 +0000] {a b} anna").unwrap();
        assert_eq!(taken[1], (Field::Time, "20/Nov/2026:10:11:12 +0000".into()));
        assert_eq!(taken[2], (Field::Account, "anna".into()));
    }

    #[test]
    fn a_template_that_cannot_be_read_says_why() {
        for bad in ["", "{$}", "{}{}", "x {}{*} ", "x {a", "x {$} y", "x {*}"] {
            assert!(Template::parse(bad, None).is_err(), "{bad}");
        }
        let error = Template::parse("x {acount} y", Some("conn")).unwrap_err();
        assert!(
            error.starts_with("`acount` is no field groma knows: account, asked, base, client,"),
            "{error}"
        );
        assert!(error.contains("`conn` ties lines together"), "{error}");
        assert!(Template::parse("x {conn} y", None).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_message_makes_it_panic(message in "\\PC{0,80}") {
            for template in ["{}: client={}[{client}], x", "\"{account}\" {*} {time}]", "{account}>{client}", "é{account}é"] {
                let _ = taken(template, &message);
            }
        }
    }
}
