//! What the world looks like, as data: extractor rules, programs that listen, ends of life, public names.
//!
//! Everything is TOML under `data/` and `rules/`, compiled in and typed at the door: a wrong word fails a
//! test here, not a look in the field. The crate is pure, it reads no file, clock or network.
//!
//! - [`rules`]: where configuration files name other machines (a fixture beside each);
//! - [`attached`]: what devices on a cable or in a slot are for;
//! - [`banners`]: what servers say of themselves;
//! - [`certificate_settings`]: where programs are told which certificate to use;
//! - [`services`]: programs that listen, and what they speak;
//! - [`devices`]: what devices are, by what their management tables say;
//! - [`hardware`]: whose a hardware address is;
//! - [`ends_of_life`]: until when an operating system gets corrections;
//! - [`service_principals`]: what a class of service principal names stands for;
//! - [`events`]: what events of Windows and its text logs tell of who used what;
//! - [`logs`]: how services write down who used them;
//! - [`mail`]: what is asked about the mail of a domain;
//! - [`mail_clients`]: doors through which mail and calendars are read, and the programs that do;
//! - [`mail_tenants`]: services that keep, filter or send the mail of others;
//! - [`mail_senders`]: what a sender of mail seems to be, by what it says of itself;
//! - [`named_conf`]: which zones BIND's settings say it answers for;
//! - [`public`]: public time servers and mirrors, which reports fold away;
//! - [`radius`]: how RADIUS servers list their clients;
//! - [`vm_moves`]: what stands in the way of a guest that is to move, and what each platform takes;
//! - [`watching`]: what references and ports say about who watches whom.
#![forbid(unsafe_code)]

pub mod attached;
pub mod banners;
pub mod certificate_settings;
pub mod devices;
pub mod ends_of_life;
pub mod events;
pub mod hardware;
mod log_template;
pub mod logs;
pub mod mail;
pub mod mail_clients;
pub mod mail_senders;
pub mod mail_tenants;
pub mod named_conf;
pub mod public;
pub mod radius;
pub mod rules;
pub mod service_principals;
pub mod services;
pub mod vm_moves;
pub mod watching;

pub use banners::product_named;
pub use ends_of_life::{end_of_life, end_of_life_source};
pub use events::{EVENT_GRAMMARS, EventGrammar};
pub use logs::{LOG_GRAMMARS, LogGrammar};
pub use mail::MAIL_NAMES;
pub use public::{is_public_mirror, is_public_time, is_public_time_or_mirror};
pub use rules::{RULES, Rule};
pub use service_principals::{ServiceClass, service_class};
pub use services::{ServiceProgram, service_of_program, service_programs};
