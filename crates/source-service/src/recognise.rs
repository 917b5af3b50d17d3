//! Whose words these are: by the form of what was heard, whatever was asked and wherever.

/// A protocol, as the first bytes of a server show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spoken {
    Amqp,
    /// `220`: a mail server or a file server; only its answer to EHLO tells.
    Code220,
    Dns,
    Http,
    Imap,
    Ldap,
    ManageSieve,
    Memcached,
    Mysql,
    Nntp,
    Pop3,
    Postgresql,
    Rdp,
    Redis,
    Rsync,
    Rtsp,
    Sip,
    Smb,
    Ssh,
    Telnet,
    Tls,
    Vnc,
    Xmpp,
    AsteriskManager,
}

impl Spoken {
    /// The word a fact carries.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Amqp => "amqp",
            Self::Code220 => "smtp",
            Self::Dns => "dns",
            Self::Http => "http",
            Self::Imap => "imap",
            Self::Ldap => "ldap",
            Self::ManageSieve => "managesieve",
            Self::Memcached => "memcached",
            Self::Mysql => "mysql",
            Self::Nntp => "nntp",
            Self::Pop3 => "pop3",
            Self::Postgresql => "postgresql",
            Self::Rdp => "rdp",
            Self::Redis => "redis",
            Self::Rsync => "rsync",
            Self::Rtsp => "rtsp",
            Self::Sip => "sip",
            Self::Smb => "smb",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Tls => "tls",
            Self::Vnc => "vnc",
            Self::Xmpp => "xmpp",
            Self::AsteriskManager => "asterisk-manager",
        }
    }
}

/// Beginnings of text that one protocol alone has.
const BEGINNINGS: &[(&[u8], Spoken)] = &[
    (b"SSH-", Spoken::Ssh),
    (b"HTTP/1.", Spoken::Http),
    (b"RTSP/1.0 ", Spoken::Rtsp),
    (b"SIP/2.0 ", Spoken::Sip),
    (b"+OK", Spoken::Pop3),
    (b"* OK", Spoken::Imap),
    (b"* PREAUTH", Spoken::Imap),
    (b"* BYE", Spoken::Imap),
    (b"RFB 00", Spoken::Vnc),
    (b"@RSYNCD:", Spoken::Rsync),
    (b"\"IMPLEMENTATION\" ", Spoken::ManageSieve),
    (b"\"SIEVE\" ", Spoken::ManageSieve),
    (b"AMQP\0", Spoken::Amqp),
    (b"-NOAUTH ", Spoken::Redis),
    (b"-DENIED Redis", Spoken::Redis),
    (b"-ERR wrong number of arguments for 'get'", Spoken::Redis),
    (b"-ERR unknown command", Spoken::Redis),
    (b"<?xml version='1.0'?><stream:stream", Spoken::Xmpp),
    (b"<stream:stream", Spoken::Xmpp),
    (b"Asterisk Call Manager/", Spoken::AsteriskManager),
    (b"-ERR Protocol error", Spoken::Redis),
    (b"+PONG\r\n", Spoken::Redis),
    (b"VERSION 1.", Spoken::Memcached),
    (b"ERROR\r\nERROR\r\n", Spoken::Memcached),
    (b"\xfeSMB", Spoken::Smb),
];

/// The protocol these bytes belong to, if their form tells.
pub(crate) fn spoken(heard: &[u8]) -> Option<Spoken> {
    let begins =
        |(beginning, spoken): &(&[u8], Spoken)| heard.starts_with(beginning).then_some(*spoken);
    BEGINNINGS
        .iter()
        .find_map(begins)
        .or_else(|| crate::ssh::identity(heard).map(|_| Spoken::Ssh))
        .or_else(|| by_form(heard))
}

fn by_form(heard: &[u8]) -> Option<Spoken> {
    match heard {
        [b'2', b'2', b'0', b' ' | b'-', ..] => Some(Spoken::Code220),
        [b'4' | b'5', b'2' | b'5', _, b' ' | b'-', ..] if is_mail_refusal(heard) => {
            Some(Spoken::Code220)
        }
        [b'2', b'0', b'0' | b'1', b' ', ..] if is_news(heard) => Some(Spoken::Nntp),
        // A record of TLS: an alert of two bytes, or a handshake message.
        [21, 3, 0..=4, 0, 2, 1 | 2, ..] | [22, 3, 0..=4, _, _, 2, ..] => Some(Spoken::Tls),
        // Telnet negotiates: IAC, then WILL, WONT, DO, DONT (RFC 854).
        [0xff, 0xfb..=0xfe, option, ..] if *option < 50 => Some(Spoken::Telnet),
        // NetBIOS session message with SMB within.
        [0, 0, _, _, 0xfe | 0xff, b'S', b'M', b'B', ..] => Some(Spoken::Smb),
        // TPKT with a connection confirm (X.224).
        [3, 0, _, _, _, 0xd0, ..] => Some(Spoken::Rdp),
        _ if is_mysql(heard) => Some(Spoken::Mysql),
        _ if is_postgresql(heard) => Some(Spoken::Postgresql),
        _ if crate::ldap::is_message(heard) => Some(Spoken::Ldap),
        _ => None,
    }
}

/// `554` and `421` of a mail server that does not want us; its line speaks of mail.
fn is_mail_refusal(heard: &[u8]) -> bool {
    let line = String::from_utf8_lossy(heard).to_ascii_lowercase();
    (line.starts_with("554") || line.starts_with("421") || line.starts_with("521"))
        && ["smtp", "mail", "spam", "blocked using"]
            .iter()
            .any(|word| line.contains(word))
}

fn is_news(heard: &[u8]) -> bool {
    let line = String::from_utf8_lossy(heard).to_ascii_lowercase();
    ["nntp", "news", "posting", "inn "]
        .iter()
        .any(|word| line.contains(word))
}

/// Protocol 10 of MySQL: a packet numbered 0 whose length fits, a version text and its end; or the refusal of a host.
fn is_mysql(heard: &[u8]) -> bool {
    let [a, b, c, 0, body @ ..] = heard else {
        return false;
    };
    let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
    match body {
        [10, version @ ..] => {
            let text = version.iter().position(|&byte| byte == 0);
            length == body.len() && text.is_some_and(|end| (3..80).contains(&end))
        }
        // 1130, 1129, 1040: not allowed, blocked, too many connections.
        [0xff, 0x6a | 0x69 | 0x10, 4, ..] => length == body.len(),
        _ => false,
    }
}

/// An ErrorResponse of PostgreSQL: `E`, its length, fields that begin with a severity.
fn is_postgresql(heard: &[u8]) -> bool {
    let [b'E', 0, 0, _, _, fields @ ..] = heard else {
        return false;
    };
    ["SFATAL\0", "SERROR\0"]
        .iter()
        .any(|severity| fields.starts_with(severity.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_words_are_known_by_their_form() {
        let known: [(&[u8], Spoken); 13] = [
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", Spoken::Ssh),
            (b"Only for staff\r\nSSH-2.0-x\r\n", Spoken::Ssh),
            (b"220 mail.corp.example ESMTP\r\n", Spoken::Code220),
            (b"* OK ready\r\n", Spoken::Imap),
            (b"+OK ready\r\n", Spoken::Pop3),
            (b"HTTP/1.1 400 Bad Request\r\n", Spoken::Http),
            (b"RFB 003.008\n", Spoken::Vnc),
            (b"\xff\xfd\x18\xff\xfd\x20", Spoken::Telnet),
            (b"\x15\x03\x03\x00\x02\x02\x28", Spoken::Tls),
            (b"\0\0\0\x54\xffSMB\x72", Spoken::Smb),
            (b"\x03\0\0\x13\x0e\xd0\0\0", Spoken::Rdp),
            (b"554 5.7.1 no mail for you\r\n", Spoken::Code220),
            (
                b"200 news.corp.example InterNetNews ready\r\n",
                Spoken::Nntp,
            ),
        ];
        for (heard, expected) in known {
            assert_eq!(spoken(heard), Some(expected), "{}", heard.escape_ascii());
        }
    }

    #[test]
    fn what_only_looks_alike_is_nobodys() {
        let alike: [&[u8]; 9] = [
            b"",
            b"2",
            b"200 OK\r\n",
            b"554 \r\n",
            b"ERROR\r\n",
            b"\xff\xff\xff\xff",
            b"\x16\x03\x01",
            b"\x05\0\0\0\x0a",
            b"Error: bad request\n",
        ];
        for heard in alike {
            assert_eq!(spoken(heard), None, "{}", heard.escape_ascii());
        }
    }

    #[test]
    fn the_first_packet_of_a_database_is_whole_or_none() {
        let mut packet = b"\x4a\0\0\0\x0a8.0.36\0".to_vec();
        packet.resize(4 + 0x4a, 7);
        assert_eq!(spoken(&packet), Some(Spoken::Mysql));
        packet.push(1);
        assert_eq!(spoken(&packet), None);
        let refused = b"\x46\0\0\0\xff\x6a\x04Host '10.0.0.5' is not allowed to connect to this MariaDB server12";
        let mut refused = refused.to_vec();
        refused.resize(4 + 0x46, b'.');
        assert_eq!(spoken(&refused), Some(Spoken::Mysql));
    }
}
