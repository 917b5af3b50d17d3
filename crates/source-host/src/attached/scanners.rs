//! Scanners that SANE reaches through the network, by the settings of its backends, and who may scan through this
//! machine (sane-net(5), sane-epson2(5), sane-magicolor(5), sane-xerox_mfp(5), sane-pixma(5), sane-escl(5), saned(8)).
//! Scanners on a cable are known by their bus. What a backend finds by calling out into the network stands in no file.

use groma_model::fact::Attachment;

use super::parse::{NAMED_MAX, named};
use crate::text::{lossy, meaningful_lines};

const PLACE: &str = "/etc/sane.d";
/// Backends whose settings name machines, by how they do: a word before the name, or none (`net`).
const BACKENDS: &[(&str, &str)] = &[
    ("net", ""),
    ("epson", "net"),
    ("epson2", "net"),
    ("epsonds", "net"),
    ("magicolor", "net"),
    ("kodakaio", "net"),
    ("xerox_mfp", "tcp"),
    ("dell1600n_net", "named_scanner:"),
    ("pixma", "://"),
    ("escl", "device"),
];

/// All scanners; `more` are files of `dll.d`, `read` gives a file, or nothing where none stands.
pub(super) fn all(
    more: &[String],
    read: &mut dyn FnMut(&str) -> Option<Vec<u8>>,
) -> Vec<Attachment> {
    let mut lists = vec![read(&format!("{PLACE}/dll.conf")).unwrap_or_default()];
    lists.extend(more.iter().filter_map(|path| read(path)));
    let on = |backend: &str| {
        let mut lines = lists.iter().flat_map(|list| meaningful_lines(list));
        lines.any(|(_, line)| line == backend.as_bytes())
    };
    let mut found = Vec::new();
    for (backend, word) in BACKENDS.iter().filter(|(backend, _)| on(backend)) {
        let file = format!("{PLACE}/{backend}.conf");
        let bytes = read(&file).unwrap_or_default();
        let hosts = named_by(&bytes, word);
        found.extend(hosts.into_iter().map(|(host, model)| Attachment {
            known_as: None,
            product: model,
            at: Some(host.into()),
            ..named("scanner", "network", "", Some((*backend).to_owned()), &file)
        }));
    }
    let file = format!("{PLACE}/saned.conf");
    found.extend(offered(&read(&file).unwrap_or_default(), &file));
    found
}

/// Machines a backend's settings name, each with a model where one is written.
fn named_by(bytes: &[u8], word: &str) -> Vec<(String, Option<String>)> {
    let lines = meaningful_lines(bytes).map(|(_, line)| lossy(line));
    let lines = lines.filter(|line| !line.starts_with(';'));
    let hosts = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        match word {
            // `connect_timeout = 60` is a setting; a name of a machine holds no `=`.
            "" => (!line.contains('=')).then(|| (first.to_owned(), None)),
            "://" => {
                let (scheme, rest) = first.split_once("://")?;
                let known = ["bjnp", "mfnp"].contains(&scheme.to_ascii_lowercase().as_str());
                known.then(|| (rest.split('/').next().unwrap_or(rest).to_owned(), None))
            }
            "device" if first == "device" => {
                // A password may hold any letter; the path names no machine.
                let (scheme, rest) = words.next()?.split_once("://")?;
                let host = rest.rsplit('@').next()?.split(['/', '?']).next()?;
                let rest: Vec<&str> = words.take_while(|w| !w.contains('=')).collect();
                let model = rest.join(" ").trim_matches('"').to_owned();
                let is_url = matches!(scheme, "http" | "https") && !host.is_empty();
                let model = Some(model).filter(|m| !m.is_empty());
                is_url.then(|| (format!("{scheme}://{host}"), model))
            }
            _ if first == word => Some((words.next()?.to_owned(), None)),
            _ => None,
        }
    });
    let elsewhere = |host: &str| !matches!(host, "autodiscovery" | "localhost" | "127.0.0.1" | "");
    hosts
        .filter(|(host, _)| elsewhere(host))
        .take(NAMED_MAX)
        .collect()
}

/// The access list of saned: names, addresses and networks, one on a line.
fn offered(bytes: &[u8], file: &str) -> Option<Attachment> {
    let lines = meaningful_lines(bytes).map(|(_, line)| lossy(line));
    let mut hosts: Vec<String> = lines
        .filter(|line| !line.contains('=') && !line.contains(char::is_whitespace))
        .filter(|line| !matches!(line.as_str(), "localhost" | "127.0.0.1" | "[::1]"))
        .take(NAMED_MAX)
        .collect();
    hosts.sort();
    (!hosts.is_empty()).then(|| Attachment {
        product: Some("saned".to_owned()),
        known_as: None,
        offered_to: hosts.into_iter().map(Into::into).collect(),
        ..named("scanner-server", "software", "", None, file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = "tests/fixtures/sane-1.2";

    /// The settings as Debian ships them, and more lines behind those of one file.
    fn with(more: &'static [(&'static str, &'static str)]) -> Vec<String> {
        let mut read = |path: &str| {
            let below = path.strip_prefix("/etc/sane.d/")?;
            let at = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let mut bytes = std::fs::read(at.join(SHIPPED).join(below)).ok()?;
            let lines = more.iter().filter(|(file, _)| *file == below);
            lines.for_each(|(_, text)| bytes.extend(text.bytes()));
            Some(bytes)
        };
        let found = all(&[], &mut read).into_iter();
        found
            .map(|a| {
                groma_model::Fact::Attachment(a.clone()).says()
                    + &a.driver.map_or(String::new(), |d| format!(" [{d}]"))
            })
            .collect()
    }

    #[test]
    fn settings_as_shipped_name_no_scanner() {
        assert_eq!(with(&[]), [] as [&str; 0]);
        let comments = &[
            ("net.conf", "# ghost\nconnect_timeout = 60\nlocalhost\n"),
            ("epson2.conf", "# net ghost\nnet autodiscovery\n"),
            ("saned.conf", "# ghost\ndata_portrange = 10000 - 10100\n"),
            ("escl.conf", "#device http://ghost:80 X\n"),
        ];
        assert_eq!(with(comments), [] as [&str; 0]);
    }

    #[test]
    fn scanners_on_the_network_are_told_with_their_backend() {
        let lines = &[
            ("net.conf", "scan1.corp.example\n"),
            ("epson2.conf", "net 192.0.2.41\n"),
            ("xerox_mfp.conf", "tcp 192.0.2.42 9400\n"),
            ("dell1600n_net.conf", "named_scanner: mfp.corp.example\n"),
            ("pixma.conf", "bjnp://192.0.2.43:8612/timeout=1500\n"),
            (
                "escl.conf",
                "device https://192.0.2.44:443 \"HP M578\" \"hack=localhost\"\n",
            ),
            // A backend that nobody switched on names nobody.
            ("dll.conf", "# magicolor\n"),
            ("saned.conf", "192.0.2.0/24\nws1.corp.example\n"),
        ];
        let said = with(lines);
        let end =
            |file: &str, backend: &str| format!(", used in /etc/sane.d/{file}.conf [{backend}]");
        let one = |at: &str, backend: &str| {
            format!(
                "network a device without a name (scanner) at {at}{}",
                end(backend, backend)
            )
        };
        assert_eq!(
            said,
            [
                one("scan1.corp.example", "net"),
                one("192.0.2.41", "epson2"),
                one("192.0.2.42", "xerox_mfp"),
                one("mfp.corp.example", "dell1600n_net"),
                one("192.0.2.43:8612", "pixma"),
                format!("network HP M578 (scanner) at https://192.0.2.44:443{}", end("escl", "escl")),
                "software saned (scanner-server) for 192.0.2.0/24, ws1.corp.example, used in /etc/sane.d/saned.conf".to_owned(),
            ]
        );
    }

    #[test]
    fn a_scanner_behind_an_account_is_told_without_it() {
        let told = |line: &str| named_by(line.as_bytes(), "device");
        let found = told("device https://u:ca/nary@192.0.2.44:443/eSCL?canary \"HP M578\"\n");
        let model = Some("HP M578".to_owned());
        assert_eq!(found, [("https://192.0.2.44:443".to_owned(), model)]);
        assert_eq!(told("device ftp://u:canary@192.0.2.44\n"), []);
        assert_eq!(told("device canary@192.0.2.44\n"), []);
    }

    #[test]
    fn a_backend_that_is_switched_off_names_nobody() {
        let mut read = |path: &str| match path {
            "/etc/sane.d/dll.conf" => Some(b"net\n#epson2\n".to_vec()),
            "/etc/sane.d/epson2.conf" => Some(b"net 192.0.2.41\n".to_vec()),
            _ => None,
        };
        assert_eq!(all(&[], &mut read), []);
    }

    #[test]
    fn no_settings_make_it_panic() {
        let corpus: &[&[u8]] = &[
            b"net 192.0.2.1\nbjnp://a:1/x\n",
            b"device https://a@b:1 \"c d\"\n",
            b"host\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            for (_, word) in BACKENDS {
                named_by(bytes, word);
            }
            offered(bytes, "f");
        });
    }
}
