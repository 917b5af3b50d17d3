//! `groma-agent carry`: what waits in the spool, as signed files for somebody to carry to the collector.
//!
//! Nothing is taken out of the spool: only the collector's word frees a frame, and nobody here hears it. Each file has the number its frame has, so
//! that whatever comes a second way is known there and changes nothing. The agent must not run meanwhile, and not only because two may not use one
//! spool: of a run that goes on, a number the collector has before it was sent would mean that this machine was put back in time.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use groma_model::Timestamp;
use groma_ship::Identity;
use groma_spool::{DirectoryError, Frame, Limits, LocalDir, Space, Spool};
use groma_sys::own;

use super::batches::{encoded, gap_of_refused};
use super::home::Home;
use super::speaking::Pen;
use super::travelling::{Sender, Travels};
use crate::{output, state};

#[derive(Args, Debug)]
pub(crate) struct CarryArgs {
    /// The folder that the files are written to, one for each batch that waits; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes what waits as files.
pub(crate) fn carry(arguments: &CarryArgs) -> Result<()> {
    let home = Home::at(state::directory());
    let Some(identity) = home.identity()? else {
        bail!(
            "this machine is not enrolled: groma-agent look --out FILE writes what can be carried"
        );
    };
    let pen = Pen::of(identity)?;
    let mut spool = opened(&home)?;
    let now = groma_sys::this_machine(true).clock.now();
    make(&arguments.out)?;
    let written = write_all(&mut spool, &pen, now, &arguments.out)?;
    let text = match written {
        0 => "nothing waits to be sent\n".to_owned(),
        _ => format!(
            "{written} batches written to {out}; they wait here too, and count once: where the collector's store is, groma import {out}/*.batch\n",
            out = arguments.out.display()
        ),
    };
    Ok(output::unless_closed(
        io::stdout().write_all(text.as_bytes()),
    )?)
}

fn opened(home: &Home) -> Result<Spool> {
    let directory = home.spool();
    let measured = directory.clone();
    let space = move || groma_sys::space_at(&measured).map(|(bytes, free)| Space { bytes, free });
    let disk = LocalDir::open(&directory, Box::new(space)).map_err(|error| match error {
        DirectoryError::InUse { .. } => anyhow::Error::new(error).context(
            "the agent runs: stop it (systemctl stop groma-agent), carry, and start it again",
        ),
        error => error.into(),
    })?;
    let (spool, lost) = Spool::open(Box::new(disk), Limits::default())?;
    for loss in lost {
        output::tell(&format!(
            "the spool lost something, and a file says so: {loss}"
        ));
    }
    Ok(spool)
}

/// Every frame that waits, each as a file. How many there are.
fn write_all(spool: &mut Spool, pen: &Pen, now: Timestamp, out: &Path) -> Result<usize> {
    let mut written = 0;
    for frame in spool.frames() {
        let frame = frame.context("read the spool")?;
        let (ended, batch) = as_batch(&frame, pen.identity(), now)?;
        let file = out.join(name_of(&frame, pen.identity(), ended));
        write(&file, &pen.signed(batch)?).with_context(|| format!("write {}", file.display()))?;
        written += 1;
    }
    if written > 0 {
        sync(out).with_context(|| format!("write to {}", out.display()))?;
    }
    Ok(written)
}

/// Names that sort by the time of the look: they are imported in that order where somebody writes `*`.
fn name_of(frame: &Frame, identity: &Identity, ended: Timestamp) -> String {
    let moment: String = ended
        .to_string()
        .chars()
        .take(19)
        .filter(char::is_ascii_digit)
        .collect();
    // What a collector called this agent becomes a file's name, and nothing else.
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let agent: String = identity.agent.as_str().chars().filter(plain).collect();
    format!(
        "{agent}-{moment}-{:x}-{}.batch",
        frame.epoch, frame.sequence
    )
}

/// The batch of a frame under our name, and when its look ended. Nobody answers a file, so what cannot be read is told here already.
fn as_batch(frame: &Frame, identity: &Identity, now: Timestamp) -> Result<(Timestamp, Vec<u8>)> {
    let sender = Sender {
        identity,
        run: None,
        now,
    };
    let batch = match sender.travels(frame, None) {
        Travels::InPlace(batch) => batch,
        Travels::AsKept(header, bytes) => {
            match groma_wire::decode(&mut &*bytes, &groma_wire::Limits::local()) {
                Ok(_) => return Ok((header.ended, bytes.to_vec())),
                Err(error) => {
                    sender.telling(frame, gap_of_refused(Some(&header), &error.to_string()))
                }
            }
        }
    };
    Ok((batch.header.ended, encoded(&batch)?))
}

fn make(out: &Path) -> Result<()> {
    if out.is_dir() {
        return Ok(());
    }
    own::folder(out).with_context(|| format!("create {}", out.display()))
}

/// A new file that gets its name when it is whole and durable: media that are carried are pulled out. What lies there under that name is replaced and never
/// followed, for the folder may be one that others write to.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("batch.new");
    let _ = fs::remove_file(&fresh);
    let mut file = own::create_new(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

fn sync(directory: &Path) -> io::Result<()> {
    match own::settle(directory) {
        // Some file systems of sticks and network shares know no such thing.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use groma_model::{AgentId, Batch, SiteId};
    use groma_ship::Key;
    use groma_wire::signature::split;

    use super::super::batches::telling;
    use super::*;

    fn identity(agent: u8) -> Identity {
        Identity {
            agent: AgentId::from_random([agent; 16]),
            site: SiteId::new("north"),
            copied_from: None,
            collector: "https://collector".to_owned(),
            agents_port: 1,
            generation: 1,
            renew_at: Timestamp::from_millis(0),
            until: Timestamp::from_millis(0),
            key: Key::generate().unwrap().pem(),
            certificate: "the certificate".to_owned(),
            authorities: String::new(),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }

    fn batch(number: (u64, u64)) -> Vec<u8> {
        encoded(&telling(
            &identity(1),
            number,
            now(),
            gap_of_refused(None, ""),
        ))
        .unwrap()
    }

    /// A spool with these payloads, and what stands in the files that are carried from it.
    fn carried(home: &Path, pen: &Pen) -> Vec<(String, Batch)> {
        let mut spool = opened(&Home::at(home.to_owned())).unwrap();
        let out = home.join("out");
        make(&out).unwrap();
        let written = write_all(&mut spool, pen, now(), &out).unwrap();
        let mut names: Vec<PathBuf> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        assert_eq!(names.len(), written);
        let read = |path: PathBuf| {
            let file = fs::read(&path).unwrap();
            let parts = split(&file).unwrap();
            assert!(parts.signature.is_some(), "{}", path.display());
            let local = groma_wire::Limits::local();
            let batch = groma_wire::decode(&mut &*parts.batch, &local).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, batch)
        };
        names.into_iter().map(read).collect()
    }

    fn spool(home: &Path, payloads: &[((u64, u64), Vec<u8>)]) {
        let nothing = || {
            Ok(Space {
                bytes: 1 << 40,
                free: 1 << 40,
            })
        };
        let disk = LocalDir::open(&home.join("spool"), Box::new(nothing)).unwrap();
        let (mut spool, _) = Spool::open(Box::new(disk), Limits::default()).unwrap();
        for ((epoch, sequence), bytes) in payloads {
            spool.append(*epoch, *sequence, bytes).unwrap();
        }
    }

    #[test]
    fn what_waits_is_written_under_its_number_and_waits_on() {
        let home = tempfile::tempdir().unwrap();
        let numbers = [(7, 1), (7, 2), (7, 10)];
        spool(home.path(), &numbers.map(|number| (number, batch(number))));
        let pen = Pen::of(identity(1)).unwrap();
        for _ in 0..2 {
            let found = carried(home.path(), &pen);
            let mut is: Vec<(u64, u64)> = found
                .iter()
                .map(|(_, batch)| (batch.header.epoch, batch.header.sequence))
                .collect();
            is.sort_unstable();
            assert_eq!(is, numbers);
            assert!(found.iter().all(|(name, _)| name.ends_with(".batch")));
        }
        // Somebody who put a link there leads us nowhere.
        let (name, _) = carried(home.path(), &pen).remove(0);
        let (elsewhere, link) = (
            home.path().join("elsewhere"),
            home.path().join("out").join(name),
        );
        fs::write(&elsewhere, "untouched").unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        carried(home.path(), &pen);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
        assert!(!link.is_symlink());
    }

    #[test]
    fn what_is_no_batch_any_more_is_told_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        spool(home.path(), &[((7, 1), b"nothing".to_vec())]);
        let found = carried(home.path(), &Pen::of(identity(1)).unwrap());
        assert_eq!(found.len(), 1);
        let header = &found[0].1.header;
        assert_eq!(header.agent, identity(1).agent);
        assert_eq!((header.epoch, header.sequence), (7, 1));
        assert!(matches!(
            found[0].1.records[0].said,
            groma_model::batch::Said::Missed(_)
        ));
    }

    #[test]
    fn what_was_made_under_a_former_name_is_carried_under_todays() {
        let home = tempfile::tempdir().unwrap();
        spool(home.path(), &[((7, 1), batch((7, 1)))]);
        let found = carried(home.path(), &Pen::of(identity(2)).unwrap());
        assert_eq!(found[0].1.header.agent, identity(2).agent);
    }

    #[test]
    fn a_spool_in_use_says_to_stop_the_agent() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::at(home.path().to_owned());
        let _held = home.alone().unwrap();
        let refused = format!("{:#}", opened(&home).err().unwrap());
        assert!(refused.contains("stop it"), "{refused}");
    }
}
