//! Queues of CUPS: which printer stands behind each, where, of which model, by which driver (printers.conf(5),
//! classes.conf(5), Adobe's PPD 4.3). Pure, but for asking for a file by its path.

use groma_model::fact::Attachment;

use super::parse::{NAMED_MAX, named};
use crate::text::{lossy, meaningful_lines};

const QUEUES: &str = "/etc/cups/printers.conf";
const CLASSES: &str = "/etc/cups/classes.conf";
/// What names a driver stands in the first lines of its description.
const HEAD_BYTES: usize = 65_536;

/// All queues and classes; `read` gives a file, or nothing where none stands.
pub(super) fn all(read: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Vec<Attachment> {
    let mut found = queues(&read(QUEUES).unwrap_or_default(), QUEUES);
    for queue in &mut found {
        let name = queue.known_as.as_ref().map(ToString::to_string);
        // A queue whose name is no name of a file has no description either.
        let Some(name) = name.filter(|n| !n.contains('/') && !n.starts_with('.')) else {
            continue;
        };
        let head = read(&format!("/etc/cups/ppd/{name}.ppd")).unwrap_or_default();
        let (model, driver) = described(head.get(..HEAD_BYTES).unwrap_or(&head));
        queue.product = queue.product.take().or(model);
        queue.driver = driver.or(queue.driver.take());
        queue.product = queue.product.take().or_else(|| queue.driver.clone());
    }
    found.extend(classes(&read(CLASSES).unwrap_or_default(), CLASSES));
    found
}

/// `<Printer NAME>` with `MakeModel` (the driver's name) and `DeviceURI`. What prints into files is no printer.
fn queues(bytes: &[u8], file: &str) -> Vec<Attachment> {
    let mut out: Vec<Attachment> = Vec::new();
    let (mut queue, mut driver) = (String::new(), None);
    for (_, line) in meaningful_lines(bytes) {
        let text = lossy(line);
        let (key, value) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        match (key, value.trim()) {
            ("<Printer" | "<DefaultPrinter", name) => {
                name.trim_end_matches('>').clone_into(&mut queue);
                driver = None;
            }
            ("MakeModel", model) => driver = Some(model.to_owned()),
            ("DeviceURI", uri) if out.len() < NAMED_MAX => {
                let Some(bus) = bus(uri) else { continue };
                let mut found = named("printer", bus, &queue, driver.take(), file);
                let at = without_account(uri);
                // `usb://Maker/Model`: the serial number behind it stays here.
                let model = at.strip_prefix("usb://").filter(|model| !model.is_empty());
                found.product = model.map(|m| m.replace('/', " ").replace("%20", " "));
                found.at = Some(at.into());
                out.push(found);
            }
            _ => {}
        }
    }
    out
}

/// How the printer hangs on the machine; `None` for a queue that leads to no printer of its own.
fn bus(uri: &str) -> Option<&'static str> {
    match uri.split(':').next()?.to_ascii_lowercase().as_str() {
        "usb" | "ippusb" => Some("usb"),
        "parallel" | "lpt" => Some("parallel"),
        "serial" => Some("serial"),
        "hp" | "hpfax" if uri.contains(":/usb/") => Some("usb"),
        "hp" | "hpfax" | "ipp" | "ipps" | "http" | "https" | "socket" | "lpd" | "smb" | "dnssd"
        | "snmp" | "beh" | "bjnp" | "mfp" => Some("network"),
        _ => None,
    }
}

/// A password may hold any letter: everything up to the last `@` goes, then the query, then a path that names no queue.
fn without_account(uri: &str) -> String {
    let (scheme, rest) = match uri.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), uri),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split('?').next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match is_web(&scheme) && !is_queue(path) {
        true => format!("{scheme}{host}"),
        false => format!("{scheme}{rest}"),
    }
}

/// Schemes whose paths services in a cloud fill with tokens; `beh:/1/3/5/ipps://` wraps one.
fn is_web(scheme: &str) -> bool {
    let last = scheme.trim_end_matches("://").rsplit(['/', ':']).next();
    let last = last.unwrap_or_default().to_ascii_lowercase();
    ["ipp", "ipps", "http", "https"].contains(&last.as_str())
}

/// `printers/NAME`, `classes/NAME` of CUPS and Windows, `ipp/print` and the like of printers (RFC 8010, PWG 5100.12).
fn is_queue(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let plain = |name: &str| {
        name.trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    match parts.as_slice() {
        ["printers" | "classes", name] | ["printers", name, ".printer"] => !name.starts_with('.'),
        ["" | "ipp"] => true,
        ["ipp", name] => {
            ["print", "port", "printer", "lp", "faxout"].contains(&plain(name).as_str())
        }
        _ => false,
    }
}

/// Classes spread jobs over several queues: they work as long as one of these does.
fn classes(bytes: &[u8], file: &str) -> Vec<Attachment> {
    let mut out: Vec<Attachment> = Vec::new();
    for (_, line) in meaningful_lines(bytes) {
        let text = lossy(line);
        let (key, value) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        match key {
            "<Class" | "<DefaultClass" if out.len() < NAMED_MAX => {
                let name = value.trim().trim_end_matches('>');
                out.push(named("printer-class", "software", name, None, file));
            }
            "Printer" => {
                if let Some(class) = out.last_mut() {
                    let before = class.product.take().map_or(String::new(), |p| p + ", ");
                    class.product = Some(before + value.trim());
                }
            }
            _ => {}
        }
    }
    out
}

/// `*ModelName: "…"` and `*NickName: "…"`: the printer, and the driver made for it.
fn described(ppd: &[u8]) -> (Option<String>, Option<String>) {
    let value = |key: &[u8]| {
        let mut lines = meaningful_lines(ppd).filter_map(|(_, line)| line.strip_prefix(key));
        let text = lossy(lines.next()?);
        let inner = text.trim().strip_prefix('"')?.split('"').next()?.trim();
        (!inner.is_empty()).then(|| inner.to_owned())
    };
    (value(b"*ModelName:"), value(b"*NickName:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "tests/fixtures/cups-2.4";

    fn recorded(path: &str) -> Option<Vec<u8>> {
        let below = path.strip_prefix("/etc/cups/")?;
        let at = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read(at.join(RECORDED).join(below)).ok()
    }

    #[test]
    fn queues_that_cups_wrote_say_where_which_model_and_which_driver() {
        let said: Vec<String> = all(&mut recorded)
            .into_iter()
            .map(|a| groma_model::Fact::Attachment(a).says())
            .collect();
        assert_eq!(
            said,
            [
                "network Generic PDF Printer (printer) as back at socket://192.0.2.10:9100, used in /etc/cups/printers.conf",
                "network HP Color LaserJet CM3530 MFP (printer) as front at ipp://192.0.2.9/ipp/print, used in /etc/cups/printers.conf",
                "usb Zebra ZD420 (printer) as label at usb://Zebra/ZD420, used in /etc/cups/printers.conf",
                "software front, back (printer-class) as office, used in /etc/cups/classes.conf",
            ]
        );
        let drivers: Vec<Option<String>> =
            all(&mut recorded).into_iter().map(|a| a.driver).collect();
        assert_eq!(
            drivers[1].as_deref(),
            Some("HP Color LaserJet CM3530 MFP PDF")
        );
        assert_eq!(drivers[2], None, "a raw queue has no driver");
        assert!(!format!("{:?}", all(&mut recorded)).contains("canary"));
        assert!(!format!("{:?}", all(&mut recorded)).contains("D1X"));
    }

    #[test]
    fn what_prints_into_a_file_or_is_commented_out_is_no_printer() {
        let text = b"<Printer pdf>\nDeviceURI cups-pdf:/\n</Printer>\n<Printer none>\nDeviceURI file:///dev/null\n</Printer>\n#<Printer ghost>\n#DeviceURI usb://Ghost/1\n";
        assert_eq!(queues(text, "f"), []);
    }

    #[test]
    fn an_account_of_any_letters_is_left_out() {
        for uri in [
            "smb://b:ca/nary@files1/q",
            "ipp://b:ca?nary@files1/printers/q",
        ] {
            let said = without_account(uri);
            assert!(
                said.contains("://files1/") && said.ends_with("/q") && !said.contains("nary"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_path_that_names_no_queue_is_left_out() {
        for uri in [
            "ipps://print.example/v1/canary",
            "https://print.example/canary",
            "beh:/1/3/5/IPPS://print.example/ipp/canary",
            "ipp://print.example/printers/../canary",
            "http://print.example/printers/a/canary",
        ] {
            let said = without_account(uri);
            assert!(said.ends_with("://print.example"), "{said}");
        }
        for uri in [
            "ipp://192.0.2.9/ipp/print",
            "ipp://192.0.2.9/ipp/port1",
            "ipps://192.0.2.9:631/printers/front",
            "http://192.0.2.9/printers/front/.printer",
            "lpd://192.0.2.9/queue",
            "usb://Zebra/ZD420",
            "socket://192.0.2.10:9100",
        ] {
            assert_eq!(without_account(uri), uri);
        }
    }

    #[test]
    fn no_settings_make_it_panic() {
        let corpus: &[&[u8]] = &[
            b"<Printer a>\nMakeModel x y\nDeviceURI hp:/usb/x?serial=1\n",
            b"<Class c>\nPrinter a\nPrinter b\n",
            b"*ModelName: \"x\"\n*NickName: \"y\"\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            queues(bytes, "f");
            classes(bytes, "f");
            described(bytes);
            without_account(&lossy(bytes));
        });
    }
}
