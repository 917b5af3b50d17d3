//! How BIND's settings say which zones it answers for: a grammar of words, braces and semicolons.
//!
//! Pure, and for two readers: who reads the zones, and who reads the log of questions and keeps only names of these zones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use groma_model::Reason;

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

/// A `dnstap` statement: which messages are written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TapSetting {
    /// The view it is in; without one it stands for all views that have none of their own.
    pub view: Option<String>,
    /// True if every question of a client is among them: those of clients it looks names up for (`client`), and those
    /// it answers from its own zones (`auth`).
    pub has_every_question: bool,
}

/// What one file of settings says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// Zones, in order.
    pub zones: Vec<ZoneSetting>,
    /// Where the names of files are counted from (`options { directory }`).
    pub directory: Option<String>,
    /// What stands behind `dnstap-output`: `file` or `unix`, and a path.
    pub dnstap: Option<Vec<String>>,
    /// What its `dnstap` statements have written down.
    pub taps: Vec<TapSetting>,
    /// Other files that belong here, with the view that asks for them.
    pub includes: Vec<(String, Option<String>)>,
    /// True if the file has more words than are read.
    pub is_cut: bool,
}

/// What all files of settings say together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllSettings {
    /// Zones, in order.
    pub zones: Vec<ZoneSetting>,
    /// Where the names of files are counted from (`options { directory }`).
    pub directory: Option<String>,
    /// What stands behind `dnstap-output`: `file` or `unix`, and a path.
    pub dnstap: Option<Vec<String>>,
    /// What its `dnstap` statements have written down.
    pub taps: Vec<TapSetting>,
    /// Files that belong here and were not read, or not to their end; each with the reason.
    pub unread: BTreeMap<String, Reason>,
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

/// Files of settings that are read; one that two views include counts twice.
const FILES_MAX: usize = 512;
/// Octets of all of them together.
const BYTES_MAX: usize = 64 << 20;

/// All settings that begin in the first of [`FILES`] that is there, as far as `read` can read them. `read` is asked for whole
/// paths, for each once. A file that two views include is part of both.
pub fn all(read: &mut dyn FnMut(&str) -> Result<String, Reason>) -> AllSettings {
    let mut told = AllSettings::default();
    let mut texts = BTreeMap::new();
    for first in FILES {
        match read(first) {
            Err(Reason::NotPresent | Reason::Vanished) => continue,
            Err(reason) => {
                told.unread.insert((*first).to_owned(), reason);
            }
            Ok(text) => {
                texts.insert((*first).to_owned(), Ok(text));
                told.everything_from(first, &mut texts, read);
            }
        }
        break;
    }
    told
}

impl AllSettings {
    /// True if BIND writes down every question of its clients, in whichever view.
    pub fn taps_every_question(&self) -> bool {
        let for_all = self.taps.iter().any(|tap| tap.view.is_none());
        for_all && self.taps.iter().all(|tap| tap.has_every_question)
    }

    fn everything_from(
        &mut self,
        first: &str,
        texts: &mut BTreeMap<String, Result<String, Reason>>,
        read: &mut dyn FnMut(&str) -> Result<String, Reason>,
    ) {
        let folder = first.rsplit_once('/').map_or("", |(folder, _)| folder);
        let begin: (String, Option<String>) = (first.to_owned(), None);
        let mut met = BTreeSet::from([begin.clone()]);
        let mut waiting = VecDeque::from([begin]);
        let mut bytes_left = BYTES_MAX;
        while let Some((path, view)) = waiting.pop_front() {
            let text = texts.entry(path.clone()).or_insert_with(|| read(&path));
            let settings = match text {
                Ok(text) if text.len() <= bytes_left => {
                    bytes_left -= text.len();
                    parse(text, view.as_deref())
                }
                Ok(_) => {
                    self.unread.insert(path, Reason::BudgetExhausted);
                    continue;
                }
                Err(reason) => {
                    self.unread.insert(path, reason.clone());
                    continue;
                }
            };
            for (file, view) in self.take(path, settings) {
                let place = (beside(folder, &file), view);
                if met.contains(&place) {
                    continue;
                }
                if file.contains(['*', '?', '[']) {
                    self.unread.insert(place.0, Reason::Unsupported);
                } else if met.len() >= FILES_MAX {
                    self.unread.insert(place.0, Reason::BudgetExhausted);
                } else {
                    met.insert(place.clone());
                    waiting.push_back(place);
                }
            }
        }
    }

    /// Keeps what the file `path` says, and returns what it includes.
    fn take(&mut self, path: String, settings: Settings) -> Vec<(String, Option<String>)> {
        self.zones.extend(settings.zones);
        self.directory = self.directory.take().or(settings.directory);
        self.dnstap = self.dnstap.take().or(settings.dnstap);
        self.taps.extend(settings.taps);
        if settings.is_cut {
            self.unread.insert(path, Reason::TooLarge);
        }
        settings.includes
    }
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
    settings.is_cut = tokens.len() >= WORDS_MAX;
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
            (Some("dnstap"), true) => settings.taps.push(tap(tokens, view)),
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

/// `{ client; auth query; … }`, or `all`.
fn tap(tokens: &mut VecDeque<Token>, view: Option<&str>) -> TapSetting {
    let (mut client, mut auth) = (false, false);
    each(tokens, |sort, words, _| {
        let which = words.get(1).map(|word| word.to_ascii_lowercase());
        if which.is_none_or(|which| which == "query") {
            client |= matches!(sort, "all" | "client");
            auth |= matches!(sort, "all" | "auth");
        }
    });
    TapSetting {
        view: view.map(str::to_owned),
        has_every_question: client && auth,
    }
}

/// Each statement within braces, without those below it.
fn each(tokens: &mut VecDeque<Token>, mut said: impl FnMut(&str, &[String], bool)) {
    each_with(tokens, |first, words, opened, tokens| {
        said(first, words, opened);
        if opened {
            skip(tokens);
        }
    });
}

/// The same; what opens has to be read to its brace.
fn each_with(
    tokens: &mut VecDeque<Token>,
    mut said: impl FnMut(&str, &[String], bool, &mut VecDeque<Token>),
) {
    loop {
        let (words, opened) = statement(tokens);
        if words.is_empty() && !opened {
            return;
        }
        let first = words.first().map(|word| word.to_ascii_lowercase());
        said(first.as_deref().unwrap_or_default(), &words, opened, tokens);
    }
}

fn options(tokens: &mut VecDeque<Token>, settings: &mut Settings) {
    each_with(tokens, |first, words, opened, tokens| {
        match (first, opened) {
            ("dnstap", true) => settings.taps.push(tap(tokens, None)),
            (_, true) => skip(tokens),
            ("directory", _) => settings.directory = words.get(1).cloned(),
            ("dnstap-output", _) => settings.dnstap = words.get(1..).map(<[String]>::to_vec),
            _ => {}
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
    fn what_dnstap_writes_down_is_told_from_its_statements() {
        for (conf, every) in [
            ("options { dnstap { all; }; };", true),
            (
                "options { dnstap { client; auth query; }; directory \"/d\"; };",
                true,
            ),
            (
                "options { dnstap { CLIENT; Auth; resolver response; }; }; view v { dnstap { all query; }; };",
                true,
            ),
            ("options { dnstap { auth; }; };", false),
            ("options { dnstap { client response; auth; }; };", false),
            ("options { dnstap { resolver; forwarder; }; };", false),
            (
                "options { dnstap { all; }; }; view v { dnstap { auth; }; };",
                false,
            ),
            (
                "view v { dnstap { all; }; }; view w { recursion no; };",
                false,
            ),
            ("options { dnstap-output file \"x\"; };", false),
        ] {
            let settings = all(&mut |path| match path {
                "/etc/named.conf" => Ok(conf.to_owned()),
                _ => Err(Reason::Vanished),
            });
            assert_eq!(settings.taps_every_question(), every, "{conf}");
        }
        let conf = "options { dnstap { all; }; directory \"/d\"; dnstap-output file \"x\"; };";
        let settings = parse(conf, None);
        assert_eq!(settings.directory.as_deref(), Some("/d"));
        assert!(settings.dnstap.is_some());
    }

    fn files<'f>(
        files: &'f [(&str, &str)],
        asked: &'f mut Vec<String>,
    ) -> impl FnMut(&str) -> Result<String, Reason> + 'f {
        |path| {
            asked.push(path.to_owned());
            match files.iter().find(|(known, _)| *known == path) {
                Some((_, "locked")) => Err(Reason::PermissionDenied),
                Some((_, text)) => Ok((*text).to_owned()),
                None => Err(Reason::Vanished),
            }
        }
    }

    #[test]
    fn files_that_belong_together_are_read_once() {
        let mut asked = Vec::new();
        let settings = all(&mut files(
            &[
                (
                    "/etc/bind/named.conf",
                    "include \"a\"; view v { include \"/b\"; };",
                ),
                (
                    "/etc/bind/a",
                    "include \"/etc/bind/a\"; options { directory \"/d\"; };",
                ),
                ("/b", "zone x.example { type primary; file y; };"),
            ],
            &mut asked,
        ));
        assert_eq!(asked, ["/etc/bind/named.conf", "/etc/bind/a", "/b"]);
        assert_eq!(settings.directory.as_deref(), Some("/d"));
        assert_eq!(settings.zones[0].view.as_deref(), Some("v"));
        assert!(settings.unread.is_empty(), "{:?}", settings.unread);
    }

    #[test]
    fn a_file_that_two_views_include_is_part_of_both() {
        let mut asked = Vec::new();
        let settings = all(&mut files(
            &[
                (
                    "/etc/named.conf",
                    "view in { include \"common\"; }; view out { include \"common\"; };",
                ),
                (
                    "/etc/common",
                    "zone x.example { type primary; file y; }; include \"common\";",
                ),
            ],
            &mut asked,
        ));
        let views: Vec<_> = (settings.zones.iter()).map(|z| z.view.as_deref()).collect();
        assert_eq!(views, [Some("in"), Some("out")]);
        assert_eq!(
            asked,
            ["/etc/bind/named.conf", "/etc/named.conf", "/etc/common"]
        );
    }

    #[test]
    fn what_was_not_read_is_told_with_its_reason() {
        let mut asked = Vec::new();
        let many: String = (0..FILES_MAX).map(|n| format!("include f{n};")).collect();
        let settings = all(&mut files(
            &[
                (
                    "/etc/bind/named.conf",
                    "include \"keys\"; include \"zones/*.conf\"; include gone; include many;",
                ),
                ("/etc/bind/keys", "locked"),
                ("/etc/bind/many", &many),
            ],
            &mut asked,
        ));
        for (path, reason) in [
            ("keys", Reason::PermissionDenied),
            ("zones/*.conf", Reason::Unsupported),
            ("gone", Reason::Vanished),
            ("f511", Reason::BudgetExhausted),
        ] {
            let told = settings.unread.get(&format!("/etc/bind/{path}"));
            assert_eq!(told, Some(&reason), "{path}");
        }
        let mut asked = Vec::new();
        let locked = [("/etc/bind/named.conf", "locked"), ("/etc/named.conf", "")];
        let settings = all(&mut files(&locked, &mut asked));
        assert_eq!(asked, ["/etc/bind/named.conf"]);
        assert_eq!(settings.unread.len(), 1);
        // Its twin: where no BIND is, nothing is missing.
        assert_eq!(
            all(&mut files(&[], &mut Vec::new())),
            AllSettings::default()
        );
        assert!(parse(&"x ".repeat(WORDS_MAX + 1), None).is_cut);
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
