use groma_source::testing::FakeDisk;
use groma_source::{Disk, OpenFile};

use super::testing::{Written, chunk_of, file, head, literal, seal, utf16, values};
use super::*;

fn opened(bytes: Vec<u8>) -> Box<dyn OpenFile> {
    let disk = FakeDisk::new().file("/x", bytes);
    disk.open(std::path::Path::new("/x")).unwrap()
}

fn read(bytes: &[u8]) -> (Result<Told, Reason>, Vec<Event>) {
    let mut out = Vec::new();
    let file = opened(bytes.to_vec());
    let told = of(file.as_ref(), &|| false, |event| out.push(event.clone()));
    (told, out)
}

fn logon(record: u64, user: &str) -> Written {
    Written {
        record,
        at: 1_795_000_000_000 + record as i64 * 1_000,
        provider: "Microsoft-Windows-Security-Auditing",
        number: 4624,
        channel: "Security",
        computer: "DC1.corp.example",
        values: vec![
            ("TargetUserName".into(), user.into()),
            ("IpAddress".into(), "10.20.1.5".into()),
        ],
    }
}

fn logons(count: u64) -> Vec<Written> {
    (1..=count).map(|n| logon(n, &format!("user{n}"))).collect()
}

#[test]
fn events_are_read_with_shared_templates_and_named_values() {
    let (told, events) = read(&file(&logons(10), 4));
    let told = told.unwrap();
    assert_eq!((told.events, told.unreadable, told.damaged), (10, 0, 0));
    assert_eq!(told.oldest, Some(1));
    let names: Vec<&str> = events
        .iter()
        .filter_map(|e| e.value("TargetUserName"))
        .collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[9], "user10");
    let event = &events[3];
    assert_eq!((event.number, event.channel.as_str()), (4624, "Security"));
    assert_eq!(event.computer, "DC1.corp.example");
    assert_eq!(event.provider, "Microsoft-Windows-Security-Auditing");
    assert_eq!(event.at.millis(), 1_795_000_004_000);
    assert_eq!(event.value("IpAddress"), Some("10.20.1.5"));
}

#[test]
fn values_without_a_name_are_counted() {
    let mut written = logon(1, "");
    written.values = ["10.0.0.9:5000", "CORP\\svc", "1"]
        .map(|text| (String::new(), text.to_owned()))
        .to_vec();
    let (_, events) = read(&file(&[written], 1));
    let of = |name| events[0].value(name);
    assert_eq!(
        [of("1"), of("2"), of("3")],
        [Some("10.0.0.9:5000"), Some("CORP\\svc"), Some("1")]
    );
}

#[test]
fn a_damaged_chunk_costs_its_own_events_and_its_place_is_told() {
    let mut bytes = file(&logons(12), 4);
    let second = 4096 + CHUNK;
    bytes[second + 700] ^= 0x40;
    let (told, events) = read(&bytes);
    let told = told.unwrap();
    assert_eq!(
        (told.damaged, told.places.as_slice()),
        (1, &[second as u64][..])
    );
    assert_eq!(events.len(), 8);
}

#[test]
fn a_file_that_was_cut_tells_its_whole_chunks() {
    let bytes = file(&logons(8), 4);
    let (told, events) = read(&bytes[..4096 + CHUNK + 100]);
    assert_eq!((told.unwrap().cut, events.len()), (100, 4));
}

#[test]
fn what_the_head_claims_is_no_size() {
    let mut bytes = file(&logons(2), 4);
    bytes[42..44].copy_from_slice(&u16::MAX.to_le_bytes());
    bytes[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(read(&bytes).1.len(), 2);
    // A record of 4 GiB, in a chunk whose checksums are right.
    let chunk = &mut bytes[4096..4096 + CHUNK];
    chunk[516..520].copy_from_slice(&u32::MAX.to_le_bytes());
    seal(chunk);
    assert_eq!(read(&bytes).1.len(), 0);
}

#[test]
fn in_a_log_that_is_open_the_chunk_that_is_written_may_have_old_checksums() {
    // The log was full and began again: the newest events lie in the first chunk.
    let mut wrapped = file(&[logons(9).split_off(6), logons(6)].concat(), 3);
    let stale = 4096 + 52;
    let second = stale + CHUNK;
    for at in [stale, second] {
        wrapped[at] ^= 0xff;
        let free_of = at - 52;
        let head = checksum_of_head(&wrapped[free_of..free_of + 512]);
        wrapped[free_of + 124..free_of + 128].copy_from_slice(&head.to_le_bytes());
    }
    let places = |bytes: &[u8]| read(bytes).0.unwrap().places;
    assert_eq!(places(&wrapped), [4096, 4096 + CHUNK as u64]);
    wrapped[120] = 1;
    assert_eq!(places(&wrapped), [4096 + CHUNK as u64]);
    assert_eq!(read(&wrapped).1.len(), 6);
    // What lies behind it is of the last round, and is not read with the templates of this one.
    let third = wrapped[4096 + 512..].windows(4).enumerate();
    let (third, _) = third
        .filter(|(_, begin)| begin == b"\x2a\x2a\0\0")
        .nth(2)
        .unwrap();
    wrapped[4096 + 512 + third + 8] = 1;
    assert_eq!(read(&wrapped).1.len(), 5);
}

fn checksum_of_head(head: &[u8]) -> u32 {
    chunk::checksum(&[&head[..120], &head[128..512]])
}

#[test]
fn another_file_is_refused() {
    for bad in [&b""[..], b"ElfFile", b"PK\x03\x04", &[0; 5000]] {
        assert_eq!(read(bad).0, Err(Reason::Malformed));
    }
}

#[test]
fn text_that_is_no_text_is_replaced() {
    let mut bytes = file(&[logon(1, "anna")], 1);
    let at = bytes.windows(8).position(|w| w == utf16("anna")).unwrap();
    bytes[at..at + 2].copy_from_slice(&[0x00, 0xd8]);
    seal(&mut bytes[4096..]);
    let (_, events) = read(&bytes);
    assert_eq!(events[0].value("TargetUserName"), Some("\u{fffd}nna"));
}

/// A template whose body holds itself, and values that repeat the part they lie in.
#[test]
fn what_holds_itself_ends() {
    let itself = |begin: usize| {
        let mut out = vec![0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0];
        let place = (begin + out.len() + 4) as u32;
        out.extend(place.to_le_bytes());
        out.extend([0; 20]);
        let body: Vec<u8> = [0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0]
            .into_iter()
            .chain(place.to_le_bytes())
            .collect();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        values(&mut out, &[]);
        out
    };
    let mut bytes = head(1, 0);
    bytes.extend(chunk_of(&itself));
    let (told, events) = read(&bytes);
    assert_eq!((told.unwrap().unreadable, events.len()), (1, 0));
}

/// Each part is given itself again, many times: without a bound on leaves this is 200 to the power of 32.
#[test]
fn parts_that_repeat_one_another_are_bounded() {
    let begin = std::time::Instant::now();
    let bomb = |begin: usize| {
        // <Event>%0%0…</Event>
        let mut out = vec![0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0];
        let place = begin + out.len() + 4;
        out.extend((place as u32).to_le_bytes());
        out.extend([0; 20]);
        let mut body = vec![0x0f, 1, 1, 0, 0x01, 0xff, 0xff, 0, 0, 0, 0];
        let name_at = place + 24 + body.len() + 4;
        body.extend((name_at as u32).to_le_bytes());
        body.extend([0, 0, 0, 0, 0, 0, 5, 0]);
        body.extend(utf16("Event"));
        body.extend([0, 0, 0x02]);
        (0..50).for_each(|_| body.extend([0x0e, 0, 0, 0x21]));
        body.extend([0x04, 0]);
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(&body);
        // The value is an instance of the same template, with values that reach over the rest.
        let mut value = vec![];
        for _ in 0..20 {
            let mut inner = vec![0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0];
            inner.extend((place as u32).to_le_bytes());
            values(&mut inner, &[(0x21, value)]);
            value = inner;
        }
        values(&mut out, &[(0x21, value)]);
        out
    };
    let mut bytes = head(1, 0);
    bytes.extend(chunk_of(&bomb));
    let (told, events) = read(&bytes);
    assert_eq!((told.unwrap().unreadable, events.len()), (1, 0));
    assert!(
        begin.elapsed().as_secs() < 20,
        "work is bounded, not only depth"
    );
}

/// An instance of a template that is written right there: `<Event>` with its value 0 so many times.
fn repeating(begin: usize, times: usize, value: &dyn Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut out = vec![0x0f, 1, 1, 0, 0x0c, 1, 7, 0, 0, 0];
    let place = begin + out.len() + 4;
    out.extend((place as u32).to_le_bytes());
    out.extend([0; 20]);
    let mut body = vec![0x0f, 1, 1, 0];
    body.extend(opened_element(place + 24 + body.len(), "Event"));
    (0..times).for_each(|_| body.extend([0x0e, 0, 0, 0x21]));
    body.extend([0x04, 0]);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(&body);
    let value = value(begin + out.len() + 8);
    values(&mut out, &[(0x21, value)]);
    out
}

/// The begin of an element with a name of five letters, as it stands in templates.
fn opened_element(begin: usize, name: &str) -> Vec<u8> {
    let mut out = vec![0x01, 0xff, 0xff, 0, 0, 0, 0];
    out.extend((begin as u32 + 11).to_le_bytes());
    out.extend([0, 0, 0, 0, 0, 0, 5, 0]);
    out.extend(utf16(name));
    out.extend([0, 0, 0x02]);
    out
}

/// A raw element has no leaves that are counted and is not kept: read once for each place that repeats it, 64 times 64
/// places of 40 KB are minutes.
#[test]
fn elements_without_a_template_are_counted_each_time_they_are_read() {
    let raw = |begin: usize| {
        let mut out = opened_element(begin, "Other");
        (0..13_000).for_each(|_| out.extend([0x08, b'a', 0]));
        out.extend([0x04, 0]);
        out
    };
    let inner = |begin: usize| repeating(begin, 64, &raw);
    let bomb = |begin: usize| repeating(begin, 64, &inner);
    let mut bytes = head(3, 0);
    (0..3).for_each(|_| bytes.extend(chunk_of(&bomb)));
    let before = std::time::Instant::now();
    let (told, events) = read(&bytes);
    assert_eq!((told.unwrap().unreadable, events.len()), (3, 0));
    assert!(before.elapsed().as_secs() < 20, "work is bounded");
}

#[test]
fn the_clock_is_asked_within_a_chunk() {
    let file = opened(file(&logons(12), 6));
    let asked = std::cell::Cell::new(0);
    let is_over = || {
        asked.set(asked.get() + 1);
        asked.get() > 4
    };
    let mut events = 0;
    let told = of(file.as_ref(), &is_over, |_| events += 1).unwrap();
    assert!(told.stopped && told.unreadable == 0, "{told:?}");
    assert_eq!(events, 3);
}

#[test]
fn no_bytes_make_it_panic_or_hang() {
    let good = file(&logons(6), 3);
    let small = &good[4096..4096 + 4096];
    for seed in 0..400 {
        let mutated = groma_fuzz::mutate(seed, &[small]);
        let mut bytes = head(1, 0);
        bytes.extend(&mutated);
        bytes.resize(4096 + CHUNK, 0);
        let chunk = &mut bytes[4096..];
        chunk[..8].copy_from_slice(b"ElfChnk\0");
        chunk[48..52].copy_from_slice(&4096_u32.to_le_bytes());
        seal(chunk);
        let _ = read(&bytes);
        let _ = read(&mutated);
    }
    for seed in 0..60 {
        let _ = read(&groma_fuzz::mutate(seed, &[&good]));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read(
        values in proptest::collection::vec(("[A-Za-z]{0,12}", "\\PC{0,40}"), 0..12),
        count in 1_u64..9, most in 1_usize..4,
    ) {
        let written: Vec<Written> = (1..=count)
            .map(|n| Written { values: values.clone(), ..logon(n, "") })
            .collect();
        let (told, events) = read(&file(&written, most));
        proptest::prop_assert_eq!(told.unwrap().unreadable, 0);
        proptest::prop_assert_eq!(events.len() as u64, count);
        for event in events {
            let texts: Vec<&str> = event.values.iter().map(|(_, text)| text.as_str()).collect();
            let want: Vec<&str> = values.iter().map(|(_, text)| text.as_str()).collect();
            proptest::prop_assert_eq!(texts, want);
        }
    }
}

/// Files of real machines, where somebody has some: `GROMA_EVTX=DIRECTORY cargo test -p groma-source-log real_files -- --nocapture`.
#[test]
#[allow(clippy::print_stdout, reason = "a person asked to see it")]
fn real_files_where_there_are_some() {
    let Some(directory) = std::env::var_os("GROMA_EVTX") else {
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let (told, events) = read(&std::fs::read(entry.path()).unwrap());
        let kinds: std::collections::BTreeSet<_> = events.iter().map(|e| e.number).collect();
        let told = told.map(|t| (t.events, t.unreadable, t.damaged, t.cut));
        println!("{told:?} {:?} {} ids", entry.file_name(), kinds.len());
    }
    let _ = literal("");
}

/// Another's reader (libevtx) must read what our writer wrote as we do: else both of ours may be wrong alike.
#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says why")]
fn another_reader_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made-up.evtx");
    let mut all = logons(9);
    all.push(Written {
        values: vec![("".into(), "10.20.1.5:50123".into())],
        number: 2889,
        ..logon(10, "")
    });
    std::fs::write(&path, file(&all, 4)).unwrap();
    let mut command = std::process::Command::new("evtxexport");
    let Ok(out) = command.args(["-f", "xml"]).arg(&path).output() else {
        return println!("skipped: evtxexport is not installed (package libevtx-utils)");
    };
    let theirs = String::from_utf8(out.stdout).unwrap();
    let (told, ours) = read(&std::fs::read(&path).unwrap());
    assert_eq!((told.unwrap().events, ours.len()), (10, 10));
    let records: Vec<&str> = theirs.split("<Event>").collect();
    assert_eq!(records.len(), 11, "{theirs}");
    for (event, xml) in ours.iter().zip(&records[1..]) {
        for part in [
            format!("Provider Name=\"{}\"", event.provider),
            format!("<EventID>{}</EventID>", event.number),
            format!("<Channel>{}</Channel>", event.channel),
            format!("<Computer>{}</Computer>", event.computer),
        ] {
            assert!(xml.contains(&part), "{part} in {xml}");
        }
        for (name, value) in &event.values {
            let named = format!("<Data Name=\"{name}\">{value}</Data>");
            let bare = format!("<Data>{value}</Data>");
            assert!(
                xml.contains(&named) || xml.contains(&bare),
                "{named} in {xml}"
            );
        }
        let second = event.at.millis() / 1_000 % 60;
        assert!(xml.contains(&format!(":{second:02}.")), "{second} in {xml}");
    }
}
