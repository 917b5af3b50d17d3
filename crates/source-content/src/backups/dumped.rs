//! Which databases the words of a dump name. What cannot be told apart from the value of an option is no name: a
//! secret written behind `-p` would else be taken for one.

/// Options of mysqldump and mariadb-dump whose value stands in the next word.
const MYSQL_VALUED: &[&str] = &[
    "--user",
    "--host",
    "--port",
    "--socket",
    "--result-file",
    "--ignore-table",
    "--ignore-table-data",
    "--ignore-database",
    "--where",
    "--tab",
    "--default-character-set",
    "--character-sets-dir",
    "--defaults-file",
    "--defaults-extra-file",
    "--defaults-group-suffix",
    "--login-path",
    "--max-allowed-packet",
    "--net-buffer-length",
    "--protocol",
    "--compatible",
    "--fields-terminated-by",
    "--fields-enclosed-by",
    "--fields-optionally-enclosed-by",
    "--fields-escaped-by",
    "--lines-terminated-by",
    "--log-error",
    "--plugin-dir",
    "--default-auth",
    "--ssl-ca",
    "--ssl-capath",
    "--ssl-cert",
    "--ssl-key",
    "--ssl-cipher",
    "--ssl-crl",
    "--ssl-crlpath",
    "--ssl-mode",
    "--tls-version",
    "--bind-address",
];
/// Their options without a value, or with one only behind `=`.
const MYSQL_FLAGS: &[&str] = &[
    "--add-drop-database",
    "--add-drop-table",
    "--add-drop-trigger",
    "--add-locks",
    "--all",
    "--all-databases",
    "--all-tablespaces",
    "--allow-keywords",
    "--apply-slave-statements",
    "--column-statistics",
    "--comments",
    "--compact",
    "--complete-insert",
    "--compress",
    "--create-options",
    "--databases",
    "--delayed-insert",
    "--delete-master-logs",
    "--disable-keys",
    "--dump-date",
    "--dump-history",
    "--dump-replica",
    "--dump-slave",
    "--events",
    "--extended-insert",
    "--flush-logs",
    "--flush-privileges",
    "--force",
    "--gtid",
    "--hex-blob",
    "--insert-ignore",
    "--lock-all-tables",
    "--lock-tables",
    "--master-data",
    "--source-data",
    "--no-autocommit",
    "--no-create-db",
    "--no-create-info",
    "--no-data",
    "--no-data-med",
    "--no-defaults",
    "--no-set-names",
    "--no-tablespaces",
    "--opt",
    "--order-by-primary",
    "--order-by-size",
    "--quick",
    "--quote-names",
    "--replace",
    "--routines",
    "--set-charset",
    "--set-gtid-purged",
    "--single-transaction",
    "--ssl",
    "--ssl-verify-server-cert",
    "--system",
    "--tables",
    "--triggers",
    "--tz-utc",
    "--verbose",
    "--xml",
];
const MYSQL_LETTERS_VALUED: &[u8] = b"uhPSrwT";
const MYSQL_LETTERS: &[u8] = b"aABcCdeEfFiIkKlnNqQRtvxXyY";

/// What one word means for the words behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Alone,
    Valued,
    /// `-p` by itself: the program asks, and a secret written behind it is taken for a name.
    Secret,
    Unknown,
}

/// The plain words of mysqldump in their order; `None` where one of them may be something else than a name.
pub(super) fn mysql(words: &[String]) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word.len() < 2 {
            names.push(word);
            continue;
        }
        let plain_follows = words.peek().is_some_and(|next| !next.starts_with('-'));
        match mysql_option(word) {
            Meaning::Alone => {}
            Meaning::Valued => {
                words.next();
            }
            Meaning::Secret | Meaning::Unknown if plain_follows => return None,
            Meaning::Secret | Meaning::Unknown => {}
        }
    }
    Some(names)
}

fn mysql_option(word: &str) -> Meaning {
    let Some(long) = word.strip_prefix("--") else {
        return mysql_letters(word);
    };
    let switched = ["skip-", "disable-", "enable-"];
    let base = switched.iter().find_map(|s| long.strip_prefix(s));
    // An underline is a hyphen to these programs.
    let spelt = format!("--{}", base.unwrap_or(long).replace('_', "-"));
    match spelt.as_str() {
        _ if word.contains('=') || base.is_some() => Meaning::Alone,
        "--password" => Meaning::Secret,
        long if MYSQL_VALUED.contains(&long) => Meaning::Valued,
        long if MYSQL_FLAGS.contains(&long) => Meaning::Alone,
        _ => Meaning::Unknown,
    }
}

/// Letters written together; one that has a value takes the rest of the word for it.
fn mysql_letters(word: &str) -> Meaning {
    let letters = word.as_bytes().get(1..).unwrap_or_default();
    for (at, letter) in letters.iter().enumerate() {
        let last = at + 1 == letters.len();
        match letter {
            b'p' if last => return Meaning::Secret,
            b'p' | b'#' => return Meaning::Alone,
            l if MYSQL_LETTERS_VALUED.contains(l) && last => return Meaning::Valued,
            l if MYSQL_LETTERS_VALUED.contains(l) => return Meaning::Alone,
            l if MYSQL_LETTERS.contains(l) => {}
            _ => return Meaning::Unknown,
        }
    }
    Meaning::Alone
}

/// The one name of pg_dump among its plain words. It takes no secret on its line: with `-W` before a word, or more
/// words than one, none is sure to be a name.
pub(super) fn postgresql<'a>(words: &[String], plain: &[&'a str]) -> Option<&'a str> {
    let asks = words.iter().any(|w| w == "-W" || w == "--password");
    match plain {
        [one] if !asks => Some(one),
        [] => None,
        _ => Some("$"),
    }
}
