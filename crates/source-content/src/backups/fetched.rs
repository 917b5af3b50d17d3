//! Servers that fetch from other machines: BackupPC, and rsnapshot where it copies what lies elsewhere.

use std::collections::BTreeMap;
use std::path::Path;

use groma_model::fact::BackupJob;

use super::directed::{Directed, called, other};
use crate::reading::Reading;
use crate::text::lossy;

/// Machines of one list that are read at all.
const HOSTS_MAX: usize = 5_000;

/// All such jobs.
pub(super) fn all(reading: &mut Reading<'_>) -> Vec<Directed> {
    let mut jobs = backuppc(reading);
    let file = super::target::RSNAPSHOT;
    let text = reading
        .read_if_there(file)
        .ok()
        .flatten()
        .unwrap_or_default();
    let mut fetched = rsnapshot(file, &lossy(&text));
    if !fetched.is_empty() {
        // One log for all: where one machine failed, the run did not end well for any.
        let ended = super::rsnapshot::last_success(reading, Path::new(file), |_| None);
        fetched.iter_mut().for_each(|job| job.last_success = ended);
    }
    jobs.extend(fetched);
    jobs
}

/// `/etc/backuppc/hosts`, the settings of all and of each, and the list of backups that ended.
fn backuppc(reading: &mut Reading<'_>) -> Vec<Directed> {
    let file = "/etc/backuppc/hosts";
    let mut read = |path: &str| {
        reading
            .read_if_there(path)
            .ok()
            .flatten()
            .map(|bytes| lossy(&bytes))
    };
    let Some(hosts) = read(file) else {
        return Vec::new();
    };
    let common = read("/etc/backuppc/config.pl").unwrap_or_default();
    let root = scalar(&common, "TopDir").unwrap_or_else(|| "/var/lib/backuppc".to_owned());
    let mut jobs = Vec::new();
    for (host, line) in listed(&hosts).into_iter().take(HOSTS_MAX) {
        let own = read(&format!("/etc/backuppc/{host}.pl"))
            .or_else(|| read(&format!("/etc/backuppc/pc/{host}.pl")))
            .unwrap_or_default();
        let ended = read(&format!("{root}/pc/{host}/backups")).and_then(|t| last_ended(&t));
        // What one of them says wins over what all say, also where it says `undef`.
        let setting = |name: &str| match assigned(&own, name) {
            Some(_) => scalar(&own, name),
            None => scalar(&common, name),
        };
        let method = setting("XferMethod").unwrap_or_else(|| "rsync".to_owned());
        let off = setting("BackupsDisable").is_some_and(|v| v != "0");
        let name = setting("ClientNameAlias").unwrap_or_else(|| host.clone());
        let of = other(&name);
        let key = share_key(&method);
        let shares = Some(list(&own, key))
            .filter(|s| !s.is_empty())
            .unwrap_or_else(|| list(&common, key));
        jobs.push(Directed {
            job: BackupJob {
                product: "backuppc".to_owned(),
                name: called(&host, of.as_ref()).into(),
                covers: shares
                    .iter()
                    .filter(|s| s.starts_with('/'))
                    .map(|s| s.as_str().into())
                    .collect(),
                target: Some(root.as_str().into()),
                of,
                rhythm: (!off).then(|| "daily".to_owned()),
                unscheduled: off,
                file: file.into(),
                line,
                ..BackupJob::default()
            },
            last_success: ended,
            started_by: Vec::new(),
        });
    }
    jobs
}

/// Names in the first column, but for its heading.
fn listed(hosts: &str) -> Vec<(String, u32)> {
    let lines = hosts.lines().zip(1_u32..).filter_map(|(line, number)| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let name = words.next()?;
        // The second column says whether the address is found by the name: a digit, also in the heading `dhcp`.
        let is_host = words
            .next()
            .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()));
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        (is_host && plain && !name.starts_with('.')).then(|| (name.to_owned(), number))
    });
    lines.collect()
}

fn share_key(method: &str) -> &'static str {
    match method {
        "smb" => "SmbShareName",
        "tar" => "TarShareName",
        "ftp" => "FtpShareName",
        _ => "RsyncShareName",
    }
}

/// `$Conf{NAME} = 'value';` or `= 7;`. Any other expression of Perl, as `undef`, a list or a text put together of
/// others, says nothing.
fn scalar(text: &str, name: &str) -> Option<String> {
    let value = assigned(text, name)?.trim_start();
    let quote = value.chars().next()?;
    // Letters by which the text means something other than it says.
    let (value, behind, meaning): (_, _, &[char]) = match value.get(1..)?.split_once(quote) {
        Some((text, behind)) if quote == '"' => (text, behind, &['\\', '\n', '$', '@']),
        Some((text, behind)) if quote == '\'' => (text, behind, &['\\', '\n']),
        _ => {
            let (digits, behind) = value.split_at(value.find(|c: char| !c.is_ascii_digit())?);
            (digits, behind, &[])
        }
    };
    let plain = !value.is_empty() && !value.contains(meaning);
    (plain && behind.trim_start().starts_with(';')).then(|| value.to_owned())
}

/// `$Conf{NAME} = ['/a', '/b'];`, over as many lines as it takes.
fn list(text: &str, name: &str) -> Vec<String> {
    let Some(value) = assigned(text, name) else {
        return Vec::new();
    };
    let value = value.split(';').next().unwrap_or_default();
    let parts = value.split(['\'', '"']).skip(1).step_by(2);
    parts.take(HOSTS_MAX).map(str::to_owned).collect()
}

fn assigned<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let at = from;
        from += line.len();
        (at, line)
    });
    let wanted = format!("$Conf{{{name}}}");
    let found = lines.filter_map(|(at, line)| {
        let rest = line.trim_start().strip_prefix(&wanted)?.trim_start();
        rest.starts_with('=').then_some(at)
    });
    let at = found.last()?;
    text.get(at..)?.split_once('=').map(|(_, value)| value)
}

/// The end of the newest full or incremental backup: tab-separated number, type, begin, end.
fn last_ended(backups: &str) -> Option<i64> {
    let ends = backups.lines().filter_map(|line| {
        let mut fields = line.split('\t').skip(1);
        let kind = fields.next()?;
        matches!(kind, "full" | "incr").then(|| fields.nth(1)?.parse().ok())?
    });
    ends.max()
}

/// False for paths and volumes of this machine (`lvm://vg0/home/`), and for schemes that rsnapshot does not know.
fn is_elsewhere(source: &str) -> bool {
    let foreign = !source.contains("://") || source.starts_with("rsync://");
    foreign && !source.starts_with('/')
}

/// The machine and the path of `root@web1:/etc/`, `web1::module/` and `rsync://account:secret@web1:8730/module/`. In a
/// URL a colon stands before the secret or the port too; neither comes along.
fn source_of(source: &str) -> (&str, &str) {
    let Some(url) = source.strip_prefix("rsync://") else {
        let (host, path) = source.split_once([':', '/']).unwrap_or((source, ""));
        return (host.rsplit('@').next().unwrap_or(host), path);
    };
    // A secret may hold a slash; a module hardly ever an `@`.
    let url = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    let (authority, path) = url.split_once('/').unwrap_or((url, ""));
    let host = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or(authority),
    };
    (host, path)
}

/// `backup<TAB>root@web1:/etc/<TAB>web1/`: one job for each machine it fetches from.
fn rsnapshot(file: &str, text: &str) -> Vec<Directed> {
    let mut machines: BTreeMap<String, (Vec<String>, u32)> = BTreeMap::new();
    let mut root = None;
    for (line, number) in text
        .lines()
        .zip(1_u32..)
        .filter(|(l, _)| !l.starts_with('#'))
    {
        let mut words = line.split('\t').filter(|w| !w.is_empty());
        match (words.next(), words.next()) {
            (Some("snapshot_root"), Some(at)) => root = Some(at.to_owned()),
            (Some("backup"), Some(source)) if is_elsewhere(source) => {
                let (host, path) = source_of(source);
                let slot = machines
                    .entry(host.to_owned())
                    .or_insert((Vec::new(), number));
                slot.0.push(path.to_owned());
            }
            _ => {}
        }
    }
    let job = |(host, (paths, line)): (String, (Vec<String>, u32))| {
        let of = other(&host)?;
        Some(Directed {
            job: BackupJob {
                product: "rsnapshot".to_owned(),
                name: called(file, Some(&of)).into(),
                covers: paths
                    .iter()
                    .filter(|p| p.starts_with('/'))
                    .map(|p| p.as_str().into())
                    .collect(),
                target: root.as_deref().map(Into::into),
                of: Some(of),
                file: file.into(),
                line,
                ..BackupJob::default()
            },
            last_success: None,
            started_by: vec!["rsnapshot".to_owned()],
        })
    };
    machines.into_iter().filter_map(job).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_hosts_has_a_heading_and_comments() {
        let hosts = "# x\nhost        dhcp    user    moreUsers     # heading\nlocalhost   0   backuppc\nweb1.corp.example 0 anna ben\n../etc 0 x\n";
        let names: Vec<String> = listed(hosts)
            .into_iter()
            .map(|(name, line)| format!("{line} {name}"))
            .collect();
        assert_eq!(names, ["3 localhost", "4 web1.corp.example"]);
    }

    #[test]
    fn settings_in_perl_are_read_and_the_last_word_counts() {
        let text = "# $Conf{XferMethod} = 'smb';\n$Conf{XferMethod} = 'tar';\n$Conf{RsyncShareName} = ['/'];\n$Conf{TarShareName} = [\n   '/etc',\n   '/srv',\n];\n$Conf{XferMethod} = 'rsync';\n";
        assert_eq!(scalar(text, "XferMethod").as_deref(), Some("rsync"));
        assert_eq!(list(text, "TarShareName"), ["/etc", "/srv"]);
        assert_eq!(scalar(text, "Nothing"), None);
    }

    #[test]
    fn undef_and_other_expressions_of_perl_are_no_name() {
        let text = "$Conf{ClientNameAlias} = undef;\n$Conf{BackupsDisable} = 0;\n$Conf{FullPeriod} = 6.97;\n$Conf{XferMethod} = \"rsync\" ;\n$Conf{Hosts} = ['a'];\n$Conf{Root} = '/srv/@b';\n\
            $Conf{TopDir} = $ENV{X};\n$Conf{LogDir} = 'a' . 'b';\n$Conf{Open} = 'a\n$Conf{Last} = 7";
        let of = |name: &str| scalar(text, name);
        for name in [
            "ClientNameAlias",
            "FullPeriod",
            "Hosts",
            "TopDir",
            "LogDir",
            "Open",
            "Last",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(of("BackupsDisable").as_deref(), Some("0"));
        assert_eq!(of("XferMethod").as_deref(), Some("rsync"));
        assert_eq!(of("Root").as_deref(), Some("/srv/@b"));
    }

    #[test]
    fn a_backup_that_was_broken_off_did_not_end_well() {
        assert_eq!(
            last_ended("0\tfull\t100\t200\t3\n1\tincr\t300\t400\t3\n2\tpartial\t500\t600\n"),
            Some(400)
        );
    }

    #[test]
    fn what_rsnapshot_fetches_is_told_by_machine() {
        let jobs = rsnapshot(
            "/etc/rsnapshot.conf",
            "snapshot_root\t/backup/\nbackup\t/home/\tlocalhost/\nbackup\troot@web1:/etc/\tweb1/\nbackup\troot@web1:/srv/\tweb1/\n#backup\troot@ghost:/\tx\n",
        );
        let said: Vec<String> = jobs
            .iter()
            .map(|d| {
                format!(
                    "{} {:?}",
                    d.job.name,
                    d.job
                        .covers
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                )
            })
            .collect();
        assert_eq!(said, ["/etc/rsnapshot.conf of web1 [\"/etc/\", \"/srv/\"]"]);
    }

    #[test]
    fn a_volume_of_this_machine_and_an_unknown_scheme_are_no_machine() {
        let jobs = rsnapshot(
            "/etc/rsnapshot.conf",
            "snapshot_root\t/backup/\nbackup\tlvm://vg0/home/\tlocalhost/\nbackup\tzfs://tank/x\tx/\nbackup\trsync://nas1/module/\tnas1/\nbackup\tweb1::module/\tweb1/\n",
        );
        let of: Vec<String> = jobs
            .iter()
            .filter_map(|d| d.job.of.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(of, ["nas1", "web1"]);
    }

    #[test]
    fn an_account_in_a_url_is_no_machine_and_its_secret_stays() {
        let jobs = rsnapshot(
            "/etc/rsnapshot.conf",
            "snapshot_root\t/backup/\nbackup\trsync://copy:can/ary@nas1:8730/module/\tnas1/\nbackup\trsync://[fd00::7]/m/\tx/\nbackup\tcopy@nas2:/srv/\tnas2/\n",
        );
        let of: Vec<String> = jobs
            .iter()
            .filter_map(|d| d.job.of.as_ref().map(ToString::to_string))
            .collect();
        assert_eq!(of, ["fd00::7", "nas1", "nas2"]);
        let all = format!("{:?}", jobs.iter().map(|d| &d.job).collect::<Vec<_>>());
        assert!(!all.contains("ary") && !all.contains("copy:"), "{all}");
    }

    #[test]
    fn no_text_makes_it_panic() {
        groma_fuzz::hammer(2000, &[b"$Conf{XferMethod} = ['a', \"b\"];\nlocalhost 0 x\n0\tfull\t1\t2\nbackup\ta@b:/c\td\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            listed(&text);
            list(&text, "XferMethod");
            scalar(&text, "XferMethod");
            last_ended(&text);
            rsnapshot("/x", &text);
        });
    }
}
