//! How BIND's settings say which zones it answers for: a grammar of words, braces and semicolons.
//!
//! Pure, and for two readers: who reads the zones, and who reads the log of questions and keeps only names of these zones.

use std::collections::VecDeque;

/// Words of one file that are read; the settings of a server with 50,000 zones have fewer.
const WORDS_MAX: usize = 2_000_000;
/// Braces within braces.
const DEPTH_MAX: usize = 32;

/// A zone as the settings have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneSetting {
    /// Its name as written, without a final dot, lower case.
    pub name: String,
    /// The view it is in.
    pub view: Option<String>,
    /// `primary`, `secondary`, `forward`, `stub`, `hint`, `mirror`, …; the old words (`master`, `slave`) are told as the new ones.
    pub role: String,
    /// Its file as written.
    pub file: Option<String>,
    /// `raw` or `map`, where the file is no text.
    pub format: Option<String>,
    /// True if somebody may change it while the server runs.
    pub is_dynamic: bool,
}

/// What one file of settings says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Zones, in order.
    pub zones: Vec<ZoneSetting>,
    /// Where the names of files are counted from (`options { directory }`).
    pub directory: Option<String>,
    /// Other files that belong here, with the view that asks for them.
    pub includes: Vec<(String, Option<String>)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
}

/// Where BIND's settings begin, by distribution; each begins with the next only where it is not there.
pub const FILES: &[&str] = &[
    "/etc/bind/named.conf",
    "/etc/named.conf",
    "/usr/local/etc/namedb/named.conf",
];

/// Files of settings that are read.
const FILES_MAX: usize = 512;

/// All settings that begin in the first of [`FILES`] that `read` has. `read` is asked for whole paths.
pub fn all(read: &mut dyn FnMut(&str) -> Option<String>) -> Settings {
    let mut told = Settings::default();
    let Some((first, text)) = FILES.iter().find_map(|file| Some((*file, read(file)?))) else {
        return told;
    };
    let folder = first.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut met = vec![first.to_owned()];
    let mut waiting = VecDeque::from([parse(&text, None)]);
    while let Some(settings) = waiting.pop_front() {
        told.zones.extend(settings.zones);
        told.directory = told.directory.or(settings.directory);
        for (file, view) in settings.includes {
            let path = beside(folder, &file);
            if met.len() >= FILES_MAX || met.contains(&path) {
                continue;
            }
            let text = read(&path);
            met.push(path);
            waiting.extend(text.map(|text| parse(&text, view.as_deref())));
        }
    }
    told
}

/// `file` as `folder` means it.
pub fn beside(folder: &str, file: &str) -> String {
    match file.starts_with('/') {
        true => file.to_owned(),
        false => format!("{}/{file}", folder.trim_end_matches('/')),
    }
}

/// Reads one file. What is no zone, view, option or include is passed over; a file that ends in the middle tells what it told.
pub fn parse(text: &str, view: Option<&str>) -> Settings {
    let mut settings = Settings::default();
    let mut tokens: VecDeque<Token> = tokens(text);
    block(&mut tokens, view, 0, &mut settings);
    settings
}

/// Reads statements up to the brace that closes them.
fn block(tokens: &mut VecDeque<Token>, view: Option<&str>, depth: usize, settings: &mut Settings) {
    while !tokens.is_empty() {
        let (words, opened) = statement(tokens);
        let first = words.first().map(|word| word.to_ascii_lowercase());
        match (first.as_deref(), opened) {
            (Some("include"), false) => {
                let file = words.get(1).cloned();
                let view = view.map(str::to_owned);
                settings.includes.extend(file.map(|file| (file, view)));
            }
            (Some("view"), true) if depth < DEPTH_MAX => {
                let name = words.get(1).cloned();
                block(tokens, name.as_deref(), depth + 1, settings);
            }
            (Some("zone"), true) => zone(&words, tokens, view, settings),
            (Some("options"), true) => options(tokens, settings),
            (_, true) => skip(tokens),
            // A brace that closes, or a statement without one.
            (None, false) if depth > 0 => return,
            _ => {}
        }
    }
}

/// The words up to a semicolon or a brace; true if one opened.
fn statement(tokens: &mut VecDeque<Token>) -> (Vec<String>, bool) {
    let mut words = Vec::new();
    while let Some(token) = tokens.pop_front() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Open => return (words, true),
            Token::End if words.is_empty() => {}
            Token::End | Token::Close => return (words, false),
        }
    }
    (words, false)
}

/// Passes over what stands within braces, however deep.
fn skip(tokens: &mut VecDeque<Token>) {
    let mut depth = 1_usize;
    while let Some(token) = tokens.pop_front() {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Each statement within braces, without those below it.
fn each(tokens: &mut VecDeque<Token>, mut said: impl FnMut(&str, &[String], bool)) {
    loop {
        let (words, opened) = statement(tokens);
        if words.is_empty() && !opened {
            return;
        }
        let first = words.first().map(|word| word.to_ascii_lowercase());
        said(first.as_deref().unwrap_or_default(), &words, opened);
        if opened {
            skip(tokens);
        }
    }
}

fn options(tokens: &mut VecDeque<Token>, settings: &mut Settings) {
    each(tokens, |first, words, _| {
        if first == "directory" {
            settings.directory = words.get(1).cloned();
        }
    });
}

fn zone(
    words: &[String],
    tokens: &mut VecDeque<Token>,
    view: Option<&str>,
    settings: &mut Settings,
) {
    let mut zone = ZoneSetting {
        name: plain(words.get(1)),
        view: view.map(str::to_owned),
        role: String::new(),
        file: None,
        format: None,
        is_dynamic: false,
    };
    each(tokens, |first, words, _| match first {
        "type" => zone.role = role(&plain(words.get(1))),
        "file" => zone.file = words.get(1).cloned(),
        "masterfile-format" => zone.format = Some(plain(words.get(1))),
        "allow-update" | "update-policy" => zone.is_dynamic = true,
        _ => {}
    });
    // Other classes than the internet's are the server talking of itself.
    let class = words.get(2).map_or("in", String::as_str);
    if class.eq_ignore_ascii_case("in") {
        settings.zones.push(zone);
    }
}

fn plain(word: Option<&String>) -> String {
    let word = word.map(String::as_str).unwrap_or_default();
    word.trim_end_matches('.').to_ascii_lowercase()
}

fn role(word: &str) -> String {
    match word {
        "master" => "primary".to_owned(),
        "slave" => "secondary".to_owned(),
        other => other.to_owned(),
    }
}

/// Words, braces and semicolons, without comments of the three kinds.
fn tokens(text: &str) -> VecDeque<Token> {
    let mut out = VecDeque::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if out.len() >= WORDS_MAX {
            break;
        }
        rest = match first {
            _ if first.is_whitespace() => rest.get(first.len_utf8()..).unwrap_or_default(),
            '#' => after_line(rest),
            '/' if rest.starts_with("//") => after_line(rest),
            '/' if rest.starts_with("/*") => rest.split_once("*/").map_or("", |(_, after)| after),
            '{' => pushed(&mut out, Token::Open, rest),
            '}' => pushed(&mut out, Token::Close, rest),
            ';' => pushed(&mut out, Token::End, rest),
            '"' => quoted(&mut out, rest),
            _ => word(&mut out, rest),
        };
    }
    out
}

fn after_line(rest: &str) -> &str {
    rest.split_once('\n').map_or("", |(_, after)| after)
}

fn pushed<'t>(out: &mut VecDeque<Token>, token: Token, rest: &'t str) -> &'t str {
    out.push_back(token);
    rest.get(1..).unwrap_or_default()
}

fn quoted<'t>(out: &mut VecDeque<Token>, rest: &'t str) -> &'t str {
    let inner = rest.get(1..).unwrap_or_default();
    let (text, after) = inner.split_once('"').unwrap_or((inner, ""));
    out.push_back(Token::Word(text.to_owned()));
    after
}

fn word<'t>(out: &mut VecDeque<Token>, rest: &'t str) -> &'t str {
    let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
    let end = rest.find(ends).unwrap_or(rest.len());
    let (text, after) = rest.split_at(end);
    out.push_back(Token::Word(text.to_owned()));
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = r#"
// zone "not.example" { type master; file "x"; };
key "k" { algorithm hmac-sha256; secret "zone"; };
options { /* directory "/no"; */ directory "/var/cache/bind"; forwarders { 10.0.0.1; }; };
include "/etc/bind/more.conf";
view "inside" {
  match-clients { 10.0.0.0/8; };
  include "inside.conf";
  zone "Corp.Example." IN { type master; file "db.corp"; allow-update { key k; }; };
  zone "old.example" { type slave; masters { 10.0.0.2; }; file "s/old"; masterfile-format raw; };
};
zone "id.server" CH { type master; file "db.chaos"; };
zone "." { type hint; file "db.root"; }; # end
"#;

    #[test]
    fn zones_views_and_files_are_read() {
        let settings = parse(CONF, None);
        assert_eq!(settings.directory.as_deref(), Some("/var/cache/bind"));
        let includes = [
            ("/etc/bind/more.conf".to_owned(), None),
            ("inside.conf".to_owned(), Some("inside".to_owned())),
        ];
        assert_eq!(settings.includes, includes);
        let told: Vec<String> = (settings.zones.iter())
            .map(|z| {
                let view = z.view.as_deref().unwrap_or("-");
                let file = z.file.as_deref().unwrap_or("-");
                format!(
                    "{} {view} {} {file} {:?} {}",
                    z.name, z.role, z.format, z.is_dynamic
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "corp.example inside primary db.corp None true",
                "old.example inside secondary s/old Some(\"raw\") false",
                " - hint db.root None false",
            ]
        );
    }

    #[test]
    fn files_that_belong_together_are_read_once() {
        let mut asked = Vec::new();
        let settings = all(&mut |path| {
            asked.push(path.to_owned());
            match path {
                "/etc/bind/named.conf" => {
                    Some("include \"a\"; view v { include \"/b\"; };".to_owned())
                }
                "/etc/bind/a" => {
                    Some("include \"/etc/bind/a\"; options { directory \"/d\"; };".to_owned())
                }
                "/b" => Some("zone x.example { type primary; file y; };".to_owned()),
                _ => None,
            }
        });
        assert_eq!(asked, ["/etc/bind/named.conf", "/etc/bind/a", "/b"]);
        assert_eq!(settings.directory.as_deref(), Some("/d"));
        assert_eq!(settings.zones[0].view.as_deref(), Some("v"));
    }

    #[test]
    fn a_torn_file_tells_what_it_told() {
        for end in 0..CONF.len() {
            let _ = parse(CONF.get(..end).unwrap_or_default(), None);
        }
        assert_eq!(
            parse("view x { view y { zone a { type primary; ", None)
                .zones
                .len(),
            1
        );
        assert!(parse(&"view a { ".repeat(50_000), None).zones.is_empty());
        assert!(parse("}}}};;;{{{", None).zones.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z{};\"/#* \n]{0,200}") {
            let _ = parse(&text, None);
        }
    }
}
