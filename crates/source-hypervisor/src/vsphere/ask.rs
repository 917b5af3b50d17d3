//! Questions of the vSphere Web Services API, in SOAP: the few there are, none of which changes anything but our own session.

use std::borrow::Cow;

use groma_platform::vsphere::Question;
use zeroize::Zeroizing;

/// Objects of one page.
const PAGE: u32 = 100;

const BEGIN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>";
const END: &str = "</soapenv:Body></soapenv:Envelope>";

/// A managed object to speak to: its type and its key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Reference {
    pub(super) of: String,
    pub(super) key: String,
}

impl Reference {
    /// As an element called `name`.
    fn element(&self, name: &str) -> String {
        let (of, key) = (escaped(&self.of), escaped(&self.key));
        format!("<{name} type=\"{of}\">{key}</{name}>")
    }
}

fn envelope(method: &str, this: &Reference, rest: &str) -> String {
    let this = this.element("_this");
    format!("{BEGIN}<{method} xmlns=\"urn:vim25\">{this}{rest}</{method}>{END}")
}

/// What there is, and who answers for what. Asked before a log-on, and of every version.
pub(super) fn service() -> String {
    let this = Reference {
        of: "ServiceInstance".to_owned(),
        key: "ServiceInstance".to_owned(),
    };
    envelope("RetrieveServiceContent", &this, "")
}

/// The log-on.
pub(super) fn log_in(sessions: &Reference, user: &str, password: &str) -> Zeroizing<String> {
    let password = Zeroizing::new(escaped(password).into_owned());
    let user = escaped(user);
    // Enough room at once, so that no copy of it stays behind where a shorter text was.
    let mut text = Zeroizing::new(String::with_capacity(1024 + user.len() + password.len()));
    let this = sessions.element("_this");
    for part in [
        BEGIN,
        "<Login xmlns=\"urn:vim25\">",
        &this,
        "<userName>",
        &user,
        "</userName><password>",
        &password,
        "</password></Login>",
        END,
    ] {
        text.push_str(part);
    }
    text
}

/// The end of a session.
pub(super) fn log_out(sessions: &Reference) -> String {
    envelope("Logout", sessions, "")
}

/// A list of all objects of a kind below `root`, kept for our session.
pub(super) fn view(views: &Reference, root: &Reference, kind: &str) -> String {
    let root = root.element("container");
    let kind = escaped(kind);
    let rest = format!("{root}<type>{kind}</type><recursive>true</recursive>");
    envelope("CreateContainerView", views, &rest)
}

/// The end of such a list.
pub(super) fn close(view: &Reference) -> String {
    envelope("DestroyView", view, "")
}

/// The first page of what `question` asks for, but for the paths that this version does not have.
pub(super) fn first(
    collector: &Reference,
    view: &Reference,
    question: &Question,
    without: &[String],
) -> String {
    let paths = question.paths.iter();
    let paths = paths.filter(|path| !without.iter().any(|out| out == *path));
    let paths: String = paths
        .map(|path| format!("<pathSet>{}</pathSet>", escaped(path)))
        .collect();
    let kind = escaped(question.kind);
    let view = view.element("obj");
    let rest = format!(
        "<specSet><propSet><type>{kind}</type><all>false</all>{paths}</propSet>\
<objectSet>{view}<skip>true</skip><selectSet xsi:type=\"TraversalSpec\"><name>all</name>\
<type>ContainerView</type><path>view</path><skip>false</skip></selectSet></objectSet></specSet>\
<options><maxObjects>{PAGE}</maxObjects></options>"
    );
    envelope("RetrievePropertiesEx", collector, &rest)
}

/// The property at `path` of one object.
pub(super) fn one(collector: &Reference, of: &Reference, path: &str) -> String {
    let (kind, path) = (escaped(&of.of), escaped(path));
    let of = of.element("obj");
    let rest = format!(
        "<specSet><propSet><type>{kind}</type><all>false</all><pathSet>{path}</pathSet></propSet>\
<objectSet>{of}<skip>false</skip></objectSet></specSet><options><maxObjects>1</maxObjects></options>"
    );
    envelope("RetrievePropertiesEx", collector, &rest)
}

/// What statistics are asked for.
pub(super) struct Period {
    /// Between these moments, as XML writes them.
    pub(super) from: String,
    pub(super) to: String,
    /// Seconds of a sample.
    pub(super) interval: u32,
    /// Samples of a series.
    pub(super) samples: u32,
}

/// The statistics `counters` of each of `guests`.
pub(super) fn statistics(
    manager: &Reference,
    guests: &[String],
    counters: &[i64],
    period: &Period,
) -> String {
    let counters: String = counters
        .iter()
        .map(|key| {
            format!("<metricId><counterId>{key}</counterId><instance></instance></metricId>")
        })
        .collect();
    let Period {
        from,
        to,
        interval,
        samples,
    } = period;
    let all: String = guests
        .iter()
        .map(|guest| {
            let guest = escaped(guest);
            format!(
                "<querySpec><entity type=\"VirtualMachine\">{guest}</entity><startTime>{from}</startTime><endTime>{to}</endTime>\
<maxSample>{samples}</maxSample>{counters}<intervalId>{interval}</intervalId><format>csv</format></querySpec>"
            )
        })
        .collect();
    envelope("QueryPerf", manager, &all)
}

/// The page after the one that ended with `token`.
pub(super) fn further(collector: &Reference, token: &str) -> String {
    let rest = format!("<token>{}</token>", escaped(token));
    envelope("ContinueRetrievePropertiesEx", collector, &rest)
}

/// `text` where XML wants text. What XML has no place for becomes a blank, which no user and no password ends with.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| !matches!(letter, '<' | '>' | '&' | '"' | '\'') && letter >= ' ';
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 6);
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' => out.push_str("&#9;"),
            letter if letter < ' ' => out.push(' '),
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_password_stays_one_text(password in "[\\x20-\\x7e\\PC]{0,40}") {
            let sessions = Reference { of: "SessionManager".into(), key: "SessionManager".into() };
            let text = log_in(&sessions, "<a&b>", &password);
            let read = groma_platform::vsphere::whole(text.as_bytes()).unwrap();
            proptest::prop_assert_eq!(read.at("userName").map(|user| user.text.as_str()), Some("<a&b>"));
            proptest::prop_assert_eq!(read.at("password").map(|word| word.text.as_str()), Some(password.as_str()));
        }
    }
}
