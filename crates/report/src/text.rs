//! Every text of the report, in one place, so that a language is one more constant.
//!
//! `{0}`, `{1}`… are filled by [`fill`]; plural forms stand beside each other, divided by `|`, and
//! [`Catalogue::plural`] picks one. Words of the inventory (`smtp-relay`, `config-only`) get their
//! titles from the registry; this catalogue only adds the short forms a drawing has room for.

use groma_model::evidence::Witness;
use groma_model::inventory::{
    Basis, CertificatePlaceEntry, Disposition, Likelihood, ReachedBy, Severity, Strength,
    VerdictWord,
};
use groma_model::name::Protection;

macro_rules! catalogue {
    ($($name:ident: $text:literal,)*) => {
        /// The texts of one language.
        #[derive(serde::Serialize)]
        pub(crate) struct Catalogue { $(pub(crate) $name: &'static str,)* }

        /// English.
        pub(crate) static ENGLISH: Catalogue = Catalogue { $($name: $text,)* };
    };
}

catalogue! {
    language: "en",
    product: "groma",
    tagline: "Dependency report",
    title_one: "Who needs whom on {0}",
    title_many: "Who needs whom: {0}",
    title_empty: "Nothing was looked at yet",
    generated: "Made {0} UTC",
    shared_why: "What there is, what needs what, ports, dates, numbers and products are as they were found.",
    of_snapshot: "Snapshot {0}",
    skip: "Skip to the report",
    sections: "Sections",

    seconds: "{0} s|{0} s",
    minutes: "{0} min|{0} min",
    hours: "{0} h|{0} h",
    days: "{0} day|{0} days",
    host: "{0} host|{0} hosts",
    thing: "{0} thing|{0} things",
    outside_thing: "{0} outside|{0} outside",
    device: "{0} device|{0} devices",
    dependency: "{0} dependency|{0} dependencies",
    more: "and {0} more|and {0} more",
    alike: "and {0} more of this kind|and {0} more of this kind",
    consumers: "{0} consumer depends on it|{0} consumers depend on it",
    times: "seen once|seen {0} times",

    watched: "Watched for {0}, between {1} and {2} UTC, from {3}.",
    vantages_more: "{0} and {1} more hosts",
    not_an_audit: "Watched {0} on {1}: this is a first look, not an audit.",
    not_an_audit_why: "What runs at night, once a month or on other machines cannot show itself in such a look. Let it watch longer, and from more hosts, before anything is switched off.",
    not_compared: "Not compared with your list.",
    not_compared_why: "Nobody imported a list of what you believe you have, so this report cannot say what is missing from it.",
    looked_at_nothing: "No host was looked at.",

    number_hosts: "hosts",
    number_devices: "devices",
    number_dependencies: "dependencies",
    number_hidden: "hidden dependencies",
    number_certificates: "certificates that expire within 90 days",
    number_people: "questions only a person can answer",

    overview: "Overview",
    brief_breaks: "What would break that nobody had listed",
    brief_breaks_none: "No hidden dependency was seen. In a short look that says little.",
    brief_stops: "When {0} goes, {1} stops: its {2} is there.",
    brief_limps: "When {0} goes, {1} does only part of its work: its {2} is there.",
    brief_unsaid: "When {0} goes, {1} loses its {2}; nobody has said what that means.",
    brief_because: "No list shows it: {0}.",
    brief_more_hidden: "{0} more hidden dependency|{0} more hidden dependencies",
    brief_risks: "The gravest risks",
    brief_more_risks: "{0} more in the register|{0} more in the register",
    brief_waves: "Are the waves ready?",
    brief_more_waves: "{0} more wave|{0} more waves",
    brief_finished: "Is the audit finished?",
    brief_no_estimate: "Nobody can say yet how much is still unseen: no estimate was made.",
    brief_no_estimate_because: "Nobody can say yet how much is still unseen. {0}",
    brief_inside: "{0} of {1} were looked at from inside.",
    brief_partial: "{0} of {1} scopes were seen only in part.",
    brief_gap: "Not seen: {0} ({1}). What would help: {2}.",
    brief_more_gaps: "All that is not known, and why",
    brief_asked: "Who is asked what",
    brief_questions: "{0} question|{0} questions",
    brief_more_people: "{0} more person or team|{0} more persons or teams",
    brief_nobody_asked: "No question is open.",

    waves: "Waves",
    waves_lead: "In their order: when, who, what moves, how to go back, and what is measured. What nobody has filled in is a question.",
    waves_none: "No wave is known to this report. \"groma wave plan --files DIR\" proposes waves and writes a file for each, to be edited; \"groma report --wave FILE\" puts them here and on the map.",
    wave_unnamed: "(wave without a name)",
    wave_from_to: "{0} to {1} UTC",
    wave_no_window: "no window yet",
    wave_window: "Window",
    wave_change: "Change",
    wave_requires: "Begins only after",
    wave_requires_none: "no other wave",
    wave_parallel: "May run beside",
    wave_parallel_none: "no other wave",
    wave_moves: "Takes the place",
    wave_move: "{0} → {1}; names that follow: {2}",
    wave_move_no_names: "{0} → {1}; no name follows",
    wave_expected: "Must work afterwards",
    wave_exclusions: "Left out",
    wave_nothing: "nothing",
    wave_coexistence: "Side by side",
    wave_until: "Side by side until",
    wave_back: "The way back",
    wave_trigger: "What makes us go back",
    wave_minutes: "Going back takes",
    wave_decides: "Who decides",
    wave_backup: "Copy it relies on",
    wave_tested: "Restore tried on",
    wave_criteria: "Counts as a success",
    wave_at_least: "{0} at least {1}",
    wave_at_most: "{0} at most {1}",
    wave_baseline: ", compared with {0}",
    wave_accepted_by: ", accepted by {0}",
    wave_told: "Who is told what",
    wave_not_here: "{0} (nothing of that name was found)",
    wave_crossing: "Needs that cross to or from this wave",
    wave_crossing_line: "{0} need crosses to or from it|{0} needs cross to or from it",
    wave_needs: "{0} needs {1} ({2}): {3}",
    wave_needed_by: "{1} is needed by {0} ({2}): {3}",
    wave_none: "in no wave",
    wave_blank: "{0} blank field|{0} blank fields",
    wave_question: "Question, nobody named yet: {0}",
    wave_question_for: "Question for {0}: {1}",
    wave_ask_window: "When may it happen?",
    wave_ask_owner: "Who answers for this wave?",
    wave_ask_change: "Which change in the ticket system is it?",
    wave_ask_members: "What belongs to it?",
    wave_ask_moves: "What takes whose place, and which names follow?",
    wave_ask_expected: "Which needs must work afterwards?",
    wave_ask_coexistence: "How do old and new live side by side?",
    wave_ask_until: "Until when do they?",
    wave_ask_back: "What is done to go back?",
    wave_ask_trigger: "What makes us go back?",
    wave_ask_minutes: "How many minutes does going back take?",
    wave_ask_decides: "Who decides to go back?",
    wave_ask_backup: "Which copy does going back rely on?",
    wave_ask_tested: "When was restoring that copy last tried?",
    wave_ask_criteria: "What is measured to call it a success?",
    wave_ask_accepts: "Who accepts {0}?",
    wave_ask_told: "Who is told what, and when?",

    view: "Picture",
    view_layers: "By layers",
    view_waves: "By waves",
    view_waves_lead: "Columns are waves in their order. A line marked with a cross leads from one wave to another: it must work across the cut while they stand apart. Shared services are not drawn.",
    waves_map_label: "Map of dependencies by waves",
    waves_map_none: "In no wave",
    waves_map_later: "{0} later wave|{0} later waves",
    waves_map_more: "{0} more|{0} more",
    waves_map_left_out: "{0} thin line is not drawn.|{0} thin lines are not drawn.",
    waves_map_crosses: "{0}, crosses from {1} to {2}",
    legend_cut: "crosses from one wave to another",

    risks: "What to mind first",
    risks_lead: "Ranked by consequence: how grave, how likely, how many depend on it.",
    risks_none: "No check found a risk in what was seen. That is worth as much as what was seen: see what is not known, below.",
    risks_rest: "{0} more in the register of risks below.|{0} more in the register of risks below.",
    why: "Why we say so",
    first: "Do first",
    owner: "Owner",
    nobody: "nobody yet",
    nobody_named: "nobody named yet",
    control_date: "Check by",
    no_date: "no date yet",

    map: "The map",
    map_lead_things: "Each box is a host, a device or a system that others need. What stands lower carries what stands higher.",
    map_lead_parts: "Each box is a program or a job. What stands lower carries what stands higher.",
    map_lead_groups: "{0} things are too many to draw one by one: hosts of one network and layer share a box; those that most others need stand alone.",
    map_empty: "No dependency was seen, so there is nothing to draw yet.",
    map_hint: "Drag to move, Ctrl and wheel to zoom, click a box to see who needs it and why.",
    map_search: "Find a host, address or program",
    map_shared: "Shared services",
    map_hidden_only: "Hidden only",
    map_closer: "Closer",
    map_further: "Further away",
    map_fit: "Whole map",
    mail: "Mail domains",
    mail_lead: "What name servers say about the mail, the directory and the calls of the domains that were asked about. Lower what others remember for long before the wave, at least as long before as it lasts.",
    mail_record: "Record",
    mail_says: "Says",
    mail_none: "Nothing",
    mail_remembered: "Remembered for",
    mail_machines: "Leads to",
    mail_remarks: "To mind",
    mail_lookups: "{0} of 10 look-ups",
    mail_told_to: "told to {0}",
    directories: "Directories",
    directories_lead: "What directories keep about the estate, as one machine was told that asked them. Persons are counted, not listed.",
    directory_computers: "machines: {0}, of which quiet or disabled: {1}",
    directory_domain: "The domain, its servers and who holds which role",
    directory_sites: "Sites and networks",
    directory_trusts: "Trusts",
    directory_quiet: "Machines nobody heard of lately",
    directory_services: "Accounts that services run as, and their services",
    directory_delegation: "Who may act for others",
    directory_policies: "Policies",
    directory_printing: "Print queues",
    directory_files: "Folders of people, name spaces and published folders",
    directory_dhcp: "Servers that may give out addresses",
    directory_dns: "Zones and what stands in them",
    directory_certificates: "Certificate services",
    directory_points: "Who publishes itself",
    directory_mail: "Mail organisation",
    directory_mailboxes: "Mailboxes and groups that others hang on",
    directory_other: "Set-up of the directory server",
    directory_account: "account {0}",
    directory_senders: "lets in",
    directory_told: "{0} from {1}, {2}",
    directory_on: "On",
    directory_says: "Says",
    directory_sources: "Told by",
    routes: "Mail routes",
    routes_lead: "Where mail servers send mail on to, as their settings, aliases and the rules of their users say. Of addresses only the domain is kept. What leads on stands first, what is deleted by itself and limits of mailboxes last.",
    routes_rule: "Rule",
    routes_from: "For",
    routes_to: "Leads to",
    routes_entries: "Entries",
    routes_written: "Written in",
    routes_any: "any",
    sign_in: "Who signs in through whom",
    sign_in_lead: "Services that identity providers sign people in for, as the providers' own files and exported lists say. All of them stop letting people in when the provider moves, changes its name or its certificate. A list keeps what is long gone: ask where nobody knows the machine.",
    sign_in_service: "Service",
    sign_in_through: "Signs in through",
    sign_in_way: "By",
    sign_in_to: "People are sent back to",
    sign_in_of_nobody: "which one, the list does not say",
    names: "Time and names",
    names_lead: "Whom each machine asks for the time and for names, where that is written, and whether it was seen to do so.",
    names_time: "Takes the time from",
    names_resolvers: "Asks for names",
    names_in_use: "in use",
    names_only_written: "not seen in use",
    names_leading: "Names that lead here",
    names_leading_lead: "Records of the zones that were read, and the machines they lead to in the end. Change them when the machine moves; others remember the old answer for as long as the record says.",
    names_nobodys: "nobody we saw has {0}: ask a person",
    names_nowhere: "leads nowhere: {0}",
    names_asked: "asked for {0} times, last {1}",
    map_label: "Layered map of dependencies",
    map_edges_left_out: "{0} thin lines between groups are not drawn; the panel of each box counts them.",
    map_parts_of: "Inside {0}",
    legend_seen: "seen or written down",
    legend_hidden: "hidden: a standard inventory does not show it",
    legend_shared: "shared service",
    legend_outside: "outside",
    band_outside: "Outside",
    band_elsewhere: "Other machines",
    band_system: "System",
    shape_job: "scheduled job",
    shape_file: "named in this file",
    band_shared: "Shared services",
    needs_badge: "needs {0}",
    group_in: "{0} in {1}",
    group_apart: "{0} with no dependency seen",
    anywhere: "no address",
    listens_on: "port {0}",

    panel: "Details",
    panel_close: "Close",
    panel_needed_by: "Who needs it",
    panel_needs: "What it needs",
    panel_nobody: "Nobody was seen needing it. That is not the same as nobody.",
    panel_nothing: "It was not seen needing anything.",
    panel_members: "In this group",
    panel_risks: "Risks",
    panel_why: "Why we say so",
    panel_cut: "Evidence of this line is in the JSON export.",
    panel_more: "{0} more",
    panel_no_match: "Nothing of that name here.",

    hidden: "Hidden dependencies",
    hidden_lead: "A standard inventory (host facts, open ports, your list) does not show these. The most surprising first.",
    hidden_none: "None were seen. In a short look that says little.",
    wrong_left_out: "{0} dependency was judged wrong by a person and is left out.|{0} dependencies were judged wrong by a person and are left out.",
    on: "on",
    part_on: "{0} on {1}",
    needs: "needs",
    reached: "Reached",
    account: "Account",
    written_in: "Written in",
    uses: "Uses",
    program: "Program",
    last_seen: "Last seen",
    last_used: "Last used",
    last_read: "Last read",
    not_seen_in_use: "not seen in use",
    next_due: "Next due",
    rhythm: "Rhythm",
    through: "Through",
    one_of_several: "others there can take its place",
    onward: "May lead on to",
    between: "What stands between",
    between_lead: "Relays, tunnels and rules that hand calls on, and who stands behind them. Where nothing tells which way a call takes, it says so.",
    between_door: "Stands there",
    between_behind: "Behind it",
    between_for: "For whom",
    between_maybe: "nobody knows; perhaps {0}",
    legend_concluded: "concluded: through what stands between",
    protection: "Protection",
    secret_here: "a password stands beside it",
    not_current: "not seen at the last look",

    findings: "Register of risks",
    findings_lead: "Every risk in six fields: open ones by consequence, then those a person accepted, then those that are closed. Rows a person wrote are marked.",
    findings_none: "The register is empty.",
    risk_state: "State",
    risk_open: "open",
    risk_open_since: "open since {0}",
    risk_accepted: "accepted",
    risk_closed: "closed",
    risk_closed_on: "closed on {0}",
    risk_wrong: "judged wrong by {0}: {1}",
    risk_confirmed: "confirmed by {0}: {1}",
    risk_by_person: "written by a person",
    risk: "Risk",
    indicator: "Indicator",
    impact: "Impact",
    likelihood: "Likelihood",
    mitigations: "Mitigations",
    owner_and_date: "Owner, control date",
    accepted_by: "Accepted by {0}: {1}",

    archives: "Archives",
    archives_lead: "Mail archives, the largest first: they often lie on one machine alone, and nobody misses them before they are gone.",
    volumes: "Volumes and transfer times",
    volumes_lead: "Everything that was measured, what takes longest to carry first. Hours are for a line of {0}: the line at its best, and a third of it with a price for each item.",
    volumes_short: "Volumes",
    volumes_what: "Which part",
    volumes_hours: "To carry it over",
    volumes_catch_up: "To carry what a day changes",
    volumes_changed: "{0} written in a day",
    volumes_never: "never catches up",
    volumes_measured: "Measured",
    rights: "Rights",
    rights_lead: "Who may do what to whose data. What stands for nobody any more comes first: it will be asked for after the move.",
    rights_who: "Who",
    rights_may: "May",
    rights_where: "Where it is written",
    rights_whole_share: "the share as a whole",
    rights_files: "owner of files",
    backups: "Backups",
    backups_lead: "What is copied, by what and how often. Whether a copy can be restored only a person can say: the wave that relies on it tells when that was last tried.",
    backups_of: "Copy of",
    backups_job: "Job",
    backups_last: "Last well",
    backups_never: "never seen to end well",
    backups_to: "Goes to",
    backups_restore: "Restore tried",
    backup_tested: "on {0}, as wave {1} says",
    backup_untested: "Question for {0} ({1}): when was restoring it last tried?",
    backup_no_wave: "not known: its machine is in no wave",
    notes: "Notes",
    notes_lead: "What people noted about systems and things, with name and day.",
    note: "Note",
    note_about: "About",
    note_by: "By",
    note_unsigned: "a list, or somebody who is not named",
    glossary: "Words",
    glossary_lead: "The words this report uses, each in one sentence.",
    data: "Data that must move",
    data_what: "What it is",
    data_size: "Size",
    data_growth: "Growth, hours",
    data_rights: "Who may",
    data_backups: "Copied by",
    data_items: "{0} items",
    data_about: "about {0} items",
    data_grows: "{0} more a day",
    data_shrinks: "{0} less a day",
    data_hours: "{0} to {1} h",
    data_nobody: "stands for nobody",
    data_last: "last well {0}",
    data_not_started: "nothing starts it",
    data_no_backup: "No job of its machine",
    data_connected: "{0} connected when looked at",
    data_catch_up: "{0} to {1} h for what changes in a day",
    data_lead_link: "Databases and shares, the largest first. Hours are for a line of {0}: the line at its best, and a third of it with a price for each item.",
    ledger: "Who logs on where, and how",
    ledger_short: "Logons",
    ledger_lead: "Each way in which somebody uses a service: account, mechanism and protection, as the service's own log tells it, also of those who come once a month. Of a directory also the clients that no log tells, with what their settings and connections say.",
    ledger_consumer: "Who",
    ledger_provider: "Uses",
    ledger_how: "How",
    ledger_when: "When",
    ledger_logs: "Told by",
    ledger_nobody: "as nobody",
    ledger_refused: "refused",
    ledger_clear: "in clear text",
    ledger_never: "never seen in use",
    ledger_due: "next {0} UTC",
    ledger_below: "searches below {0}",
    ledger_by: "by {0}",
    ledger_unknown: "not known how",
    ledger_times: "once, {1} UTC|{0} times, {1} to {2} UTC",
    guests: "Virtual machines",
    guests_lead: "What platforms of virtualization tell of their guests: what stands in the way of a move, and how each would go where. Those with the gravest things in their way stand first.",
    guests_on: "{0} guest on {1}|{0} guests on {1}",
    guests_grave: "{0} with something critical in its way|{0} with something critical in their way",
    guests_inside: "{0} looked at from inside|{0} looked at from inside",
    guests_unsure_line: "{0} that may be a machine already known|{0} that may be machines already known",
    guests_where: "Where",
    guests_size: "Size",
    guests_blockers: "In the way of a move",
    guests_ways: "How it would go",
    guests_critical: "critical",
    guests_warning: "warning",
    guests_no_blocker: "nothing known",
    guests_at: "on {0}",
    guests_runs: "runs",
    guests_off: "off",
    guests_suspended: "suspended",
    guests_container: "container",
    guests_agent: "looked at from inside",
    guests_processors: "{0} processor|{0} processors",
    guests_memory: "{0} of memory",
    guests_used: "disks take {0}",
    guests_at_most: "disks take {0} at most",
    guests_snapshots: "{0} snapshot|{0} snapshots",
    guests_way: "{0}: {1}",
    guests_way_still: "{0}: {1}, stands still {2} min",
    guests_exceeds: "too much for it: {0}",
    guests_hosts: "What carries them",
    guests_product: "Product",
    guests_host_memory: "Memory",
    guests_host_processors: "Processors",
    guests_running: "{0}, of which {1} run",
    guests_maintenance: "in maintenance",
    guests_free: "{0} free",
    guests_given: "{0} given to running guests",
    guests_cores: "{0} core|{0} cores",
    guests_busy: "{0} % busy",
    guests_stores: "Where their disks lie",
    guests_room: "Free",
    guests_not_measured: "not measured",
    guests_unsure: "Which may be one machine or two",
    guests_unsure_lead: "One mark says that it is a machine already known, another one says no, or not for certain. Both are kept until somebody tells.",
    devices: "Devices: what each is, whether it mails, and what it needs for that",
    devices_short: "Devices",
    devices_lead: "Everything that takes no agent and keeps settings of its own, those first that somebody must be asked about. Yes, no or unknown stands with who says so; where witnesses contradict one another, all of them are told.",
    devices_what: "What it is",
    devices_where: "Where",
    devices_does: "Prints, scans, faxes",
    devices_mails: "Mails",
    devices_needs: "Needs of the mail server",
    devices_told: "Told by",
    devices_class_unknown: "class unknown",
    devices_serial: "serial number {0}",
    devices_against: "but: {0}",
    devices_disputed: "Witnesses do not agree: {0}",
    devices_ask: "stands on the sheet: somebody must read its panel",
    devices_answer_yes: "yes",
    devices_answer_no: "no",
    devices_answer_unknown: "unknown",
    devices_anonymous: "without an account",
    devices_account: "with the account {0}",
    devices_some_account: "with an account",
    devices_prints: "prints: {0}",
    devices_scans: "scans: {0}",
    devices_faxes: "faxes: {0}",
    mail_ledger: "Who sends mail, and what each sender needs",
    mail_ledger_short: "Mail",
    mail_ledger_lead: "Each sender and reader of mail, as the mail server's own log tells it: what it is, how it proves who it is, to whom it sends, which entry of the server's settings lets it through, and what was refused.",
    mail_ledger_who: "Sender or reader",
    mail_ledger_class: "Seems to be",
    mail_ledger_server: "Mail server",
    mail_ledger_needs: "Needs",
    mail_ledger_domains: "Domains",
    mail_ledger_allowed: "Let through by",
    mail_ledger_when: "When",
    mail_accounts: "{0} accounts",
    mail_accounts_many: "more than eight accounts",
    mail_by_address: "reaches the server by its address {0}",
    mail_by_name: "reaches the server as {0}",
    mail_certificate: "a certificate the server trusts",
    mail_from: "as {0}",
    mail_to_outside: "out of the house: {0}",
    mail_to_inside: "inside: {0}",
    mail_to_unknown: "to {0}",
    mail_allowed_unknown: "no entry we know",
    mail_messages: "1 message, {1} UTC|{0} messages, {1} to {2} UTC",
    mail_refused: "{0} refused ({1}), last {2} UTC",
    retire: "Retire instead of migrate?",
    retire_lead: "Machines nobody was seen to use for weeks, although their connections were watched, at every hour of the day on one day or another. That is a question for whoever owns them and no proof that nobody needs them: ask before the wave is planned, then take the machine off the network for a month, with a date and a way back, before it is given up.",
    retire_watched: "Watched",
    retire_rests_on: "What it rests on, and what nobody could see",
    retire_ask: "Ask",
    retire_no_owner: "nobody is known to own it",
    retire_days: "{0} day|{0} days",
    watching: "Who watches, where logs go",
    watching_lead: "For each machine that was looked at: who may ask it how it is, whom it tells, and where its logs are sent. Machines nobody is known to watch stand first.",
    watched_by: "Watched by",
    logs_to: "Logs go to",
    watch_anybody: "nobody named: {0} answers whoever asks",
    watch_network: "nobody named: {1} answers {0}",
    watch_itself: "nobody from elsewhere: {0} answers this machine alone",
    watch_nobody: "Nobody that was found",
    logs_stay: "They stay there, as far as was found",

    certificates: "Certificates",
    certificates_lead: "By expiry, counted from the day of this report.",
    certificates_none: "No certificate of its own was met.",
    certificates_authorities: "{0} authority of a trust store is not listed.|{0} authorities of trust stores are not listed.",
    expires: "Expires",

    runs: "What runs next",
    runs_lead: "What clocks start within 35 days: jobs that need another machine, and jobs that run once a day or less often. Times are UTC, counted from the schedule and the time zone of each host.",
    runs_none: "No job is due in that time.",
    next_run: "Next run",
    then: "then",
    about: "about",
    job: "Job",
    run_needs: "{0} at {1}",
    run_needs_column: "Needs",
    days_left: "{0} day left|{0} days left",
    expired: "expired {0} day ago|expired {0} days ago",
    certificate: "Certificate",
    valid_for: "Valid for",
    found: "Where it was met",
    issuer: "Issuer",
    strength_of_key: "Key and signature",
    self_signed: "signed by itself",
    key_here: "key lies here",
    last_met: "last seen {0}, not by the newest look",
    used_by: "used by {0} on {1}, as {2} says",
    trusted_by: "trusted by {0} on {1}, as {2} says",
    served_on: ", served on port {0}",
    nobody_starts_it: " (nothing starts it)",
    same_key: "same key as {0}",
    weak: "weak",
    file_on: "{0} on {1}",

    dependencies: "All dependencies",
    dependencies_lead: "One line per consumer, kind and provider.",
    consumer: "Consumer",
    provider: "Provider",
    kind: "Kind",
    basis: "Known how",
    strength: "Without it",
    filter: "Filter",
    shown_of: "Showing {0} of {1}. The rest is in the CSV and JSON formats of this report.",

    listeners: "Who listens",
    listeners_lead: "Endpoints held open, and by which program.",
    as_it_says: "(as it says itself)",
    endpoint: "Endpoint",
    service: "Service",
    any_address: "every address",
    unknown_program: "not told (needs more rights)",

    host_column: "Host",
    hosts_column: "Hosts",
    hosts: "Hosts and devices",
    name: "Name",
    operating_system: "Operating system",
    addresses: "Addresses",
    hardware: "Hardware",
    system: "System",
    looked_from_inside: "Looked at from inside",
    yes: "yes",
    no: "no",
    processors: "{0} processor|{0} processors",

    systems: "Systems",
    systems_lead: "What seems to belong together and what it seems to be for. To be confirmed by a person.",
    functions: "Proposed functions",
    members: "Members",
    to_be_confirmed: "to be confirmed",
    confirmed: "confirmed by {0}",

    questions: "Questions to people",
    questions_lead: "What no machine can know.",
    to_nobody: "No owner known",

    unknown: "What we do not know, and why",
    unknown_short: "Not known",
    questions_short: "Questions",
    unknown_lead: "Absence counts only where everything was looked at.",
    coverage_none: "No look reported what it covered: treat all of this as partial.",
    source: "Way of looking",
    complete: "Seen completely",
    partial: "Seen in part",
    period: "Speaks for",
    gaps: "What was not seen",
    gaps_none: "No gap was reported.",
    places: "{0} place|{0} places",
    reason: "Why",
    remedy: "What would help",
    no_remedy: "nothing known",
    folded: "Folded away",
    folded_lead: "Real, but the same nearly everywhere; the map shows them on request.",
    folded_by: "needed by {0}",
    folded_local: "Connections of a host with itself",

    summary_hidden: "{0} of them hidden|{0} of them hidden",
    summary_risks: "{0} risk|{0} risks",
    summary_certificates: "{0} certificate expiring|{0} certificates expiring",
    summary_questions: "{0} question to people|{0} questions to people",
    summary_surprises: "Most surprising",

    footer: "Everything here was read, nothing was changed. Each line can say why we believe it: the evidence is in the JSON export.",
    no_script: "The map can be searched and clicked where JavaScript is allowed. All of it also stands in the tables.",
}

/// `text` with `{0}`, `{1}`… replaced by `values`; values are never looked into.
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((place, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        filled.push_str(
            place
                .parse()
                .ok()
                .and_then(|at: usize| values.get(at))
                .copied()
                .unwrap_or_default(),
        );
        rest = after;
    }
    filled.push_str(rest);
    filled
}

impl Catalogue {
    /// The form of `forms` that this language uses with the number `n`.
    pub(crate) fn plural(&self, forms: &'static str, n: u64) -> &'static str {
        match forms.split_once('|') {
            Some((one, _)) if n == 1 => one,
            Some((_, many)) => many,
            None => forms,
        }
    }

    /// A number with its noun, as `12 hosts`.
    pub(crate) fn count(&self, forms: &'static str, n: usize) -> String {
        fill(self.plural(forms, n as u64), &[&crate::human::number(n)])
    }

    /// A severity.
    pub(crate) fn severity(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }

    /// A likelihood.
    pub(crate) fn likelihood(&self, likelihood: Likelihood) -> &'static str {
        match likelihood {
            Likelihood::Low => "low",
            Likelihood::Medium => "medium",
            Likelihood::High => "high",
        }
    }

    /// What the consumer loses.
    pub(crate) fn strength(&self, strength: Strength) -> &'static str {
        match strength {
            Strength::Blocking => "stops",
            Strength::Degrading => "limps",
            Strength::Unknown => "unknown",
        }
    }

    /// How an edge is known.
    pub(crate) fn basis(&self, basis: Basis) -> &'static str {
        match basis {
            Basis::Observed => "observed",
            Basis::Declared => "written down",
            Basis::Inferred => "concluded",
        }
    }

    /// A witness.
    pub(crate) fn witness(&self, witness: Witness) -> &'static str {
        match witness {
            Witness::Live => "live",
            Witness::History => "logs",
            Witness::Written => "files",
            Witness::Network => "network",
            Witness::Declared => "list",
        }
    }

    /// How a provider is found; `as` follows.
    pub(crate) fn reached_by(&self, reached: ReachedBy) -> &'static str {
        match reached {
            ReachedBy::Name => "by name",
            ReachedBy::Alias => "by alias",
            ReachedBy::AddressLiteral => "by address",
            ReachedBy::HostsFile => "by a hosts file entry",
            ReachedBy::Broadcast => "by NetBIOS name",
        }
    }

    /// A judgement.
    pub(crate) fn verdict(&self, verdict: VerdictWord) -> &'static str {
        match verdict {
            VerdictWord::Confirmed => "confirmed",
            VerdictWord::Wrong => "wrong",
            VerdictWord::Accepted => "accepted",
        }
    }

    /// What protects the bytes.
    pub(crate) fn protection(&self, protection: Protection) -> &'static str {
        match protection {
            Protection::None => "clear text",
            Protection::Starttls => "STARTTLS",
            Protection::Tls => "TLS",
        }
    }

    /// What a part is, where no port says more.
    pub(crate) fn shape(&self, shape: crate::map::Shape) -> &'static str {
        match shape {
            crate::map::Shape::Job => self.shape_job,
            crate::map::Shape::File => self.shape_file,
            _ => "",
        }
    }

    /// What becomes of a system.
    pub(crate) fn disposition(&self, disposition: Disposition) -> &'static str {
        match disposition {
            Disposition::Stay => "stays",
            Disposition::Move => "moves",
            Disposition::Replace => "is replaced",
            Disposition::Retire => "is retired",
        }
    }

    /// The heading of a layer; a word this version does not know stands as it came.
    pub(crate) fn layer<'a>(&self, layer: &'a str) -> &'a str {
        match layer {
            "hardware" => "Hardware",
            "network" => "Network",
            "virtualization" => "Virtualization",
            "os" => "Hosts",
            "storage" => "Storage",
            "identity" => "Identity",
            "database" => "Databases",
            "mail" => "Mail",
            "application" => "Applications",
            "backup" => "Backup",
            "monitoring" => "Monitoring",
            "endpoint" => "Endpoints",
            other => other,
        }
    }

    /// A dependency kind in the few letters a box on the map has room for.
    pub(crate) fn short_kind<'a>(&self, kind: &'a str) -> &'a str {
        match kind {
            "ldap-bind" => "LDAP",
            "smtp-submission" => "mail submission",
            "smtp-relay" => "mail relay",
            "nosql" => "store",
            "message-queue" => "queue",
            "http" => "web",
            "http-proxy" => "proxy",
            "ntp" => "time",
            "package-mirror" => "packages",
            "kerberos" => "Kerberos",
            "syslog" => "logs",
            "other" => "network",
            "dns" => "DNS",
            "dhcp" => "DHCP",
            "radius" => "RADIUS",
            "federation" => "single sign-on",
            "imap" => "IMAP",
            "pop3" => "POP3",
            "sql" => "SQL",
            "smb" => "SMB",
            "nfs" => "NFS",
            "iscsi" => "iSCSI",
            "ftp" => "FTP",
            "snmp" => "SNMP",
            "ssh" => "SSH",
            "rdp" => "RDP",
            "ups" => "UPS",
            other => other,
        }
    }

    /// Where a certificate was met, without the host.
    pub(crate) fn place(&self, place: &CertificatePlaceEntry) -> String {
        use groma_model::fact::CertificatePlace;
        match &place.place {
            CertificatePlace::File { path, .. } => path.lossy().into_owned(),
            CertificatePlace::Endpoint {
                address,
                port,
                protocol,
                ..
            } => {
                let address = std::net::SocketAddr::new(*address, port.0);
                format!("{address} ({protocol})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groma_model::registry::REGISTRY;

    #[test]
    fn values_are_filled_in_and_never_looked_into() {
        assert_eq!(fill("{0} on {1}", &["{1}", "b"]), "{1} on b");
        assert_eq!(fill("nothing {7} there", &[]), "nothing  there");
        assert_eq!(fill("open {", &[]), "open ");
    }

    #[test]
    fn plurals_follow_the_number() {
        assert_eq!(ENGLISH.count(ENGLISH.host, 1), "1 host");
        assert_eq!(ENGLISH.count(ENGLISH.host, 0), "0 hosts");
        assert_eq!(ENGLISH.count(ENGLISH.times, 1), "seen once");
    }

    #[test]
    fn every_layer_of_the_registry_has_a_heading() {
        for layer in &REGISTRY.layers {
            assert_ne!(ENGLISH.layer(&layer.name), layer.name, "{}", layer.name);
        }
    }

    #[test]
    fn every_dependency_kind_fits_into_a_box() {
        for kind in REGISTRY.dependencies.keys() {
            assert!(ENGLISH.short_kind(kind).chars().count() <= 21, "{kind}");
        }
    }
}
