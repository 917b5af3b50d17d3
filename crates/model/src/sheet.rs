//! The sheet for whoever walks around and reads off panels what no wire tells: its columns, on paper and as a table.

/// What a column of the sheet is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SheetPart {
    /// Filled in by groma: which device is meant.
    Known,
    /// To be filled in by a person.
    Asked,
}

/// A column: its name in the table, who fills it in, and the question on paper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SheetColumn {
    /// Its name in the table.
    pub name: &'static str,
    /// Who fills it in.
    pub part: SheetPart,
    /// The question, or the heading of what is known.
    pub question: &'static str,
    /// Which answers are understood, where they are not free.
    pub answers: &'static str,
}

const fn known(name: &'static str, question: &'static str) -> SheetColumn {
    SheetColumn {
        name,
        part: SheetPart::Known,
        question,
        answers: "",
    }
}

const fn asked(name: &'static str, question: &'static str, answers: &'static str) -> SheetColumn {
    SheetColumn {
        name,
        part: SheetPart::Asked,
        question,
        answers,
    }
}

/// The columns of the sheet in their order. Names may be added, never changed: filled sheets come back months later. None of
/// them asks for a password.
pub const SHEET_COLUMNS: [SheetColumn; 19] = [
    known("device_id", "Device"),
    known("location", "Stands at"),
    known("name", "Name"),
    known("address", "Address"),
    known("mac", "MAC address"),
    known("serial", "Serial number"),
    known("model", "Model"),
    asked("scans", "Does it scan?", "yes, no"),
    asked("faxes", "Does it fax?", "yes, no"),
    asked(
        "sends_mail",
        "Does it send mail (scan to e-mail, alerts)?",
        "yes, no",
    ),
    asked(
        "smtp_server",
        "Mail server (SMTP)",
        "name or address as it stands there; none",
    ),
    asked("smtp_port", "Port", "25, 465, 587"),
    asked("smtp_tls", "Encryption", "none, starttls, tls"),
    asked(
        "smtp_account",
        "Logs on with an account?",
        "no, yes or its name; never a password",
    ),
    asked(
        "ldap_server",
        "Address book server (LDAP)",
        "name or address; none",
    ),
    asked(
        "scan_folder",
        "Scan folder",
        "\\\\server\\share or ftp://server; none",
    ),
    asked("fax_server", "Fax server", "name or address; none"),
    asked("ntp_server", "Time server (NTP)", "name or address; none"),
    asked("dns_server", "Name servers (DNS)", "addresses; none"),
];
