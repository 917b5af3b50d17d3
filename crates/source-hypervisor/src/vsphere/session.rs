//! One session: opened by one log-on, closed by a log-out however the look ends.

use std::io::BufReader;

use groma_model::Reason;
use groma_model::virtualization::Platform;
use groma_platform::vsphere::{Counters, Element, Object, Page, Unread, load, page, whole};

use super::ask::{self, Reference};
use crate::access::Logon;
use crate::cause::Cause;
use crate::http::{Address, Answer, Http, Method, STREAMED_BYTES_MAX, WHOLE_BYTES_MAX, broken};
use crate::look::Asking;
use crate::parting;

const PORT: u16 = 443;
/// The oldest version whose properties are asked for; every newer server speaks it too.
const OLDEST: &str = "5.0";
const COOKIE: &str = "vmware_soap_session";

/// Who answers for what.
#[derive(Clone, Debug, Default)]
struct Content {
    root: Reference,
    sessions: Reference,
    collector: Reference,
    views: Reference,
    /// Who has statistics.
    statistics: Option<Reference>,
    /// `about.instanceUuid`; a lone host has none.
    instance: Option<String>,
    is_lone_host: bool,
    version: Option<String>,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum No {
    /// The platform said so.
    Fault(groma_platform::vsphere::Fault),
    /// The conversation failed.
    Cause(Cause),
}

impl No {
    /// True for a "no" that every other question would get too.
    pub(super) fn is_out(&self) -> bool {
        let Self::Fault(fault) = self else {
            return false;
        };
        matches!(fault.kind.as_str(), "NotAuthenticated" | "InvalidLogin")
    }

    /// In words.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Cause(cause) => cause,
            Self::Fault(fault) => of_fault(&fault),
        }
    }
}

fn of_fault(fault: &groma_platform::vsphere::Fault) -> Cause {
    let said = match fault.words.is_empty() {
        true => fault.kind.clone(),
        false => fault.words.clone(),
    };
    match fault.kind.as_str() {
        "InvalidLogin" => Cause::new(
            format!("the log-on was refused: {said}"),
            Reason::PermissionDenied,
            "correct user and password in the access file; one refused log-on is not tried again, so that no account is locked",
        ),
        "NoPermission" => Cause::new(
            format!("the account may not: {said} {}", fault.about)
                .trim_end()
                .to_owned(),
            Reason::PermissionDenied,
            "give the account the role Read-only on the topmost object, with its children",
        ),
        "NotAuthenticated" => Cause::new(
            format!("the session ended and ended again: {said}"),
            Reason::Refused,
            "look whether somebody ends sessions, or another limit on them is set",
        ),
        _ => Cause::new(format!("the platform said no: {said}"), Reason::Refused, ""),
    }
}

/// A session with one platform.
pub(super) struct Session<'a> {
    asking: &'a Asking<'a>,
    http: Http,
    /// Below the address.
    path: &'static str,
    content: Content,
    version: Option<String>,
    cookie: Option<String>,
    is_in: bool,
}

impl<'a> Session<'a> {
    /// Meets the platform. Nobody is logged on yet.
    ///
    /// # Errors
    /// It is not reached, not known, or not vSphere.
    pub(super) fn open(asking: &'a Asking<'a>) -> Result<Self, Cause> {
        let address = Address::parse(&asking.access.url, PORT)?;
        let path = if address.path.is_empty() { "/sdk" } else { "" };
        let mut session = Self {
            asking,
            http: parting::server(asking, asking.window, (&asking.access.url, PORT))?,
            path,
            content: Content::default(),
            version: None,
            cookie: None,
            is_in: false,
        };
        let content = session.whole(&ask::service()).map_err(No::cause)?;
        session.content = Content::of(&content)?;
        session.agree_on_version();
        Ok(session)
    }

    /// Without a version a server answers as its oldest one would. Which one it takes is found before anybody logs on.
    fn agree_on_version(&mut self) {
        let newest = self.content.version.clone();
        for version in newest.into_iter().chain([OLDEST.to_owned()]) {
            self.version = Some(version);
            if self.whole(&ask::service()).is_ok() {
                return;
            }
        }
        self.version = None;
    }

    /// What a vCenter tells itself from others by; `None` for a lone host.
    pub(super) fn instance(&self) -> Option<&str> {
        let instance = self.content.instance.as_deref();
        instance.filter(|_| !self.content.is_lone_host)
    }

    /// Logs on: the one time a password is sent, to a server that has proved who it is.
    pub(super) fn log_in(&mut self) -> Result<(), No> {
        let Logon::Password { user, password } = &self.asking.access.logon else {
            return Err(No::Cause(Cause::new(
                "vSphere is asked with a user and a password",
                Reason::Locked,
                "write user and password_file into the access file",
            )));
        };
        let question = ask::log_in(&self.content.sessions, user, password);
        let answered = self.whole(&question);
        // An answer that broke off may have let us in; only a fault says that it did not.
        self.is_in = !matches!(answered, Err(No::Fault(_)));
        answered.map(|_| ())
    }

    /// Logs out, also when the look has no time left. Nothing is told if that fails: the platform ends the session by itself.
    pub(super) fn log_out(&mut self) {
        if !std::mem::take(&mut self.is_in) {
            return;
        }
        let question = ask::log_out(&self.content.sessions);
        match parting::late(self.asking, (&self.asking.access.url, PORT)) {
            None => {}
            Some(Ok(http)) => self.http = http,
            Some(Err(_)) => return,
        }
        let _ = self.whole(&question);
    }

    /// Opens a list of all objects of `kind`.
    pub(super) fn view(&mut self, kind: &str) -> Result<Reference, No> {
        let question = ask::view(&self.content.views, &self.content.root, kind);
        let answer = self.whole(&question)?;
        let view = answer.at("returnval").and_then(reference);
        view.ok_or_else(|| No::Cause(senseless("a list of objects without a key")))
    }

    /// Closes a list. If that fails, the log-out closes it.
    pub(super) fn close(&mut self, view: &Reference) {
        if !self.asking.window.is_over() {
            let _ = self.whole(&ask::close(view));
        }
    }

    /// Who tells properties.
    pub(super) fn collector(&self) -> &Reference {
        &self.content.collector
    }

    /// Asks for a page; each object goes to `found` as it comes.
    pub(super) fn page(
        &mut self,
        question: &str,
        found: &mut dyn FnMut(Object),
    ) -> Result<Page, No> {
        let answer = self.ask(question, STREAMED_BYTES_MAX)?;
        let status = answer.status;
        page(BufReader::with_capacity(64 << 10, answer.body), found)
            .map_err(|unread| meaning(unread, status))
    }

    /// Who has statistics, if anybody does.
    pub(super) fn statistics(&self) -> Option<&Reference> {
        self.content.statistics.as_ref()
    }

    /// Asks for statistics of `counters`: measurements go to `read`.
    pub(super) fn load(
        &mut self,
        question: &str,
        platform: &Platform,
        counters: &Counters,
        interval: u32,
        read: &mut groma_platform::Read,
    ) -> Result<(), No> {
        let answer = self.ask(question, STREAMED_BYTES_MAX)?;
        let status = answer.status;
        let from = BufReader::with_capacity(64 << 10, answer.body);
        load(from, platform, counters, interval, read).map_err(|unread| meaning(unread, status))
    }

    fn whole(&mut self, question: &str) -> Result<Element, No> {
        let answer = self.ask(question, WHOLE_BYTES_MAX)?;
        let status = answer.status;
        whole(BufReader::new(answer.body)).map_err(|unread| meaning(unread, status))
    }

    fn ask(&mut self, question: &str, most: u64) -> Result<Answer, No> {
        let action = match &self.version {
            Some(version) => format!("urn:vim25/{version}"),
            None => "urn:vim25".to_owned(),
        };
        let cookie = self.cookie.clone().unwrap_or_default();
        let headers = [
            ("content-type", "text/xml; charset=utf-8"),
            ("soapaction", action.as_str()),
            ("cookie", cookie.as_str()),
        ];
        let headers = headers.get(..if cookie.is_empty() { 2 } else { 3 });
        let answer = self.http.request(
            Method::Post,
            self.path,
            headers.unwrap_or_default(),
            question.as_bytes(),
            most,
        );
        let answer = answer.map_err(No::Cause)?;
        if let Some(cookie) = cookie_of(&answer) {
            self.cookie = Some(cookie);
        }
        match answer.status {
            // A fault comes with 500.
            200 | 500 => Ok(answer),
            status => Err(No::Cause(no_service(status))),
        }
    }
}

/// The cookie of the session, as it is sent back.
fn cookie_of(answer: &Answer) -> Option<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    let mut all = all.filter_map(|value| value.to_str().ok()?.split(';').next());
    all.find(|cookie| cookie.split('=').next().map(str::trim) == Some(COOKIE))
        .map(|cookie| cookie.trim().to_owned())
}

fn no_service(status: u16) -> Cause {
    let (reason, remedy) = match status {
        401 | 403 => (
            Reason::PermissionDenied,
            "check what stands before the platform",
        ),
        503 => (
            Reason::Unreachable,
            "wait until its service vpxd runs, then look again",
        ),
        _ => (
            Reason::NotThisService,
            "check the url: https://HOST of a vCenter or an ESXi",
        ),
    };
    let what = format!("the answer has the status {status}, which is none of vSphere");
    Cause::new(what, reason, remedy)
}

fn meaning(unread: Unread, status: u16) -> No {
    match unread {
        Unread::Fault(fault) => No::Fault(fault),
        Unread::Broken(error) => No::Cause(broken(&error)),
        Unread::Malformed(_) if status == 500 => No::Cause(no_service(status)),
        malformed @ Unread::Malformed(_) => No::Cause(senseless(&malformed.to_string())),
    }
}

fn senseless(what: &str) -> Cause {
    Cause::new(
        what,
        Reason::Malformed,
        "check the url: https://HOST of a vCenter or an ESXi",
    )
}

fn reference(element: &Element) -> Option<Reference> {
    Some(Reference {
        of: element.of.clone(),
        key: element.own_text()?.to_owned(),
    })
}

impl Content {
    fn of(answer: &Element) -> Result<Self, Cause> {
        let content = answer.at("returnval");
        let part = |name: &str| {
            let part = content.and_then(|content| reference(content.at(name)?));
            part.ok_or_else(|| senseless(&format!("it does not tell its {name}")))
        };
        let about = |name: &str| content.and_then(|content| content.text(name));
        let instance = about("about/instanceUuid").and_then(groma_platform::uuid);
        let is_version = |text: &&str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        Ok(Self {
            root: part("rootFolder")?,
            sessions: part("sessionManager")?,
            collector: part("propertyCollector")?,
            views: part("viewManager")?,
            statistics: part("perfManager").ok(),
            instance,
            is_lone_host: about("about/apiType") == Some("HostAgent"),
            version: about("about/apiVersion")
                .filter(is_version)
                .map(str::to_owned),
        })
    }
}
