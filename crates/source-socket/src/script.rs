//! `/proc/PID/cmdline` → the script an interpreter runs, pure.
//!
//! A command line may hold a password anywhere, so exactly one word of it is ever looked at as a path,
//! and the caller lets it out only if a file stands there. Everything else stays inside this function.

use std::path::{Path, PathBuf};

/// How much of a command line is read, in bytes. It may be megabytes long; the script stands near the front.
pub const COMMAND_LINE_BYTES: usize = 64 << 10;

/// How an interpreter takes its words.
struct Grammar {
    /// Options that are followed by a word of their own.
    with_value: &'static [&'static str],
    /// Options after which no script comes: code on the command line, a module name.
    without_script: &'static [&'static str],
    /// Options whose next word is the script.
    names_script: &'static [&'static str],
    /// True if only `names_script` names one (Java: the first word else is a class).
    only_named: bool,
}

const PYTHON: Grammar = Grammar {
    with_value: &["-W", "-X", "--check-hash-based-pycs"],
    without_script: &["-c", "-m"],
    names_script: &[],
    only_named: false,
};
const PERL: Grammar = Grammar {
    with_value: &["-I", "-M", "-m"],
    without_script: &["-e", "-E"],
    names_script: &[],
    only_named: false,
};
const RUBY: Grammar = Grammar {
    with_value: &["-I", "-r", "-C", "-E", "-W"],
    without_script: &["-e"],
    names_script: &[],
    only_named: false,
};
const NODE: Grammar = Grammar {
    with_value: &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "-C",
        "--conditions",
    ],
    without_script: &["-e", "--eval", "-p", "--print"],
    names_script: &[],
    only_named: false,
};
const SHELL: Grammar = Grammar {
    with_value: &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"],
    without_script: &["-c", "-s"],
    names_script: &[],
    only_named: false,
};
const PHP: Grammar = Grammar {
    with_value: &["-c", "-d", "-z", "-S", "-t"],
    without_script: &["-r", "-B", "-R", "-E", "-a"],
    names_script: &["-f", "-F"],
    only_named: false,
};
const JAVA: Grammar = Grammar {
    with_value: &[
        "-cp",
        "-classpath",
        "--class-path",
        "-p",
        "--module-path",
        "--add-opens",
    ],
    without_script: &["-m", "--module"],
    names_script: &["-jar"],
    only_named: true,
};
const PLAIN: Grammar = Grammar {
    with_value: &[],
    without_script: &["-c", "-e"],
    names_script: &[],
    only_named: false,
};

/// The grammar of an interpreter by the name of its file, version and all: `python3.11`, `ruby3.1`.
fn grammar(executable: &[u8]) -> Option<&'static Grammar> {
    let start = executable
        .iter()
        .rposition(|b| *b == b'/')
        .map_or(0, |at| at + 1);
    let name = std::str::from_utf8(executable.get(start..)?).ok()?;
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    Some(match stem {
        "python" | "pypy" => &PYTHON,
        "perl" => &PERL,
        "ruby" | "jruby" => &RUBY,
        "node" | "nodejs" | "bun" => &NODE,
        "sh" | "bash" | "dash" | "ksh" | "zsh" | "busybox" => &SHELL,
        "php" => &PHP,
        "java" => &JAVA,
        "lua" | "luajit" | "tclsh" | "wish" | "Rscript" | "guile" => &PLAIN,
        _ => return None,
    })
}

/// True if the program behind `executable` runs scripts, so that its command line is worth a look.
pub fn is_interpreter(executable: &[u8]) -> bool {
    grammar(executable).is_some()
}

/// The word that names the script, made absolute with `working_directory`. The caller checks that a file stands there.
pub fn candidate(
    executable: &[u8],
    command_line: &[u8],
    working_directory: Option<&Path>,
) -> Option<PathBuf> {
    let grammar = grammar(executable)?;
    let mut words = command_line.split(|b| *b == 0).skip(1);
    let script = script_word(grammar, &mut words)?;
    // A name of more than 4096 bytes cannot be opened (PATH_MAX).
    if script.is_empty() || script.len() > 4096 || script.iter().any(u8::is_ascii_control) {
        return None;
    }
    absolute(script, working_directory)
}

fn script_word<'a>(
    grammar: &Grammar,
    words: &mut impl Iterator<Item = &'a [u8]>,
) -> Option<&'a [u8]> {
    while let Some(word) = words.next() {
        let is = |list: &[&str]| list.iter().any(|option| option.as_bytes() == word);
        if is(grammar.names_script) {
            return words.next();
        }
        if is(grammar.without_script) || is_code(grammar, word) {
            return None;
        }
        if is(grammar.with_value) {
            words.next();
        } else if word == b"--" {
            return words.next().filter(|_| !grammar.only_named);
        } else if !word.starts_with(b"-") && !word.starts_with(b"+") && !word.is_empty() {
            return (!grammar.only_named).then_some(word);
        }
    }
    None
}

/// Short options may be run together: `-lc`, `-ne`; then the last letter takes the code.
fn is_code(grammar: &Grammar, word: &[u8]) -> bool {
    let bundled = word.len() > 2
        && word.starts_with(b"-")
        && word.iter().skip(1).all(u8::is_ascii_alphabetic);
    bundled
        && !grammar.only_named
        && grammar
            .without_script
            .iter()
            .any(|option| option.len() == 2 && option.as_bytes().last() == word.last())
}

fn absolute(script: &[u8], working_directory: Option<&Path>) -> Option<PathBuf> {
    let path = PathBuf::from(path_of(script)?);
    let whole = if path.is_absolute() {
        path
    } else {
        working_directory?.join(path)
    };
    Some(
        whole
            .components()
            .filter(|part| *part != std::path::Component::CurDir)
            .collect(),
    )
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(std::ffi::OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<std::ffi::OsString> {
    std::str::from_utf8(bytes).ok().map(Into::into)
}

/// True if the name alone says script: for processes whose files we cannot see from here.
pub fn looks_like_script(path: &Path) -> bool {
    let known = [
        "py", "pyc", "pyz", "pl", "rb", "js", "mjs", "cjs", "ts", "php", "phar", "sh", "jar",
        "war", "lua", "tcl", "r", "R",
    ];
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| known.contains(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(executable: &str, line: &str) -> Option<String> {
        let line = line.replace(' ', "\0");
        let path = candidate(
            executable.as_bytes(),
            line.as_bytes(),
            Some(Path::new("/srv/app")),
        );
        path.map(|p| p.to_string_lossy().into_owned())
    }

    #[test]
    fn the_script_is_the_first_word_that_is_no_option() {
        assert_eq!(
            found(
                "/usr/bin/python3.11",
                "python3 /opt/x.py --password hunter2"
            )
            .as_deref(),
            Some("/opt/x.py")
        );
        assert_eq!(
            found("/usr/bin/python3", "python3 -u -W ignore ./run.py").as_deref(),
            Some("/srv/app/run.py")
        );
        assert_eq!(
            found("/usr/bin/perl", "perl -w -I lib tool.pl secret").as_deref(),
            Some("/srv/app/tool.pl")
        );
        assert_eq!(
            found(
                "/usr/bin/node",
                "node --require trace --max-old=1 server.js"
            )
            .as_deref(),
            Some("/srv/app/server.js")
        );
        assert_eq!(
            found("/usr/bin/dash", "/bin/sh -e /usr/local/bin/job").as_deref(),
            Some("/usr/local/bin/job")
        );
        assert_eq!(
            found("/usr/bin/php8.2", "php -d a=b -f /srv/w.php").as_deref(),
            Some("/srv/w.php")
        );
        assert_eq!(
            found(
                "/usr/lib/jvm/x/bin/java",
                "java -Dpw=secret -cp a:b -jar app.jar secret"
            )
            .as_deref(),
            Some("/srv/app/app.jar")
        );
    }

    #[test]
    fn code_modules_and_classes_are_not_scripts() {
        for (executable, line) in [
            ("/usr/bin/python3", "python3 -c print(1) /etc/passwd"),
            ("/usr/bin/python3", "python3 -m http.server"),
            ("/usr/bin/perl", "perl -ne print /etc/passwd"),
            ("/usr/bin/bash", "bash -lc secret"),
            ("/usr/bin/bash", "-bash"),
            ("/usr/bin/java", "java -cp a.jar org.example.Main secret"),
            ("/usr/bin/php8.2", "php -r secret"),
            ("/usr/sbin/nginx", "nginx -c /etc/nginx.conf"),
            ("/usr/bin/python3", ""),
        ] {
            assert_eq!(found(executable, line), None, "{line}");
        }
    }
}
