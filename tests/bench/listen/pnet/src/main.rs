//! Counts the frames pnet's datalink hears at an interface, as it comes: the loop of its own examples. args: interface seconds
use std::time::{Duration, Instant};

use pnet_datalink::{Channel, Config};

fn main() {
    let mut words = std::env::args().skip(1);
    let (name, seconds) = (words.next().unwrap(), words.next().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let all = pnet_datalink::interfaces();
    let interface = all.iter().find(|i| i.name == name).unwrap();
    // A patience, so that it ends; everything else as it comes.
    let config = Config { read_timeout: Some(Duration::from_millis(200)), ..Config::default() };
    let Ok(Channel::Ethernet(_, mut hears)) = pnet_datalink::channel(interface, config) else { panic!("no channel") };
    println!("ready");
    let mut count = 0_u64;
    while Instant::now() < end {
        count += u64::from(hears.next().is_ok_and(|frame| frame.len() > 50));
    }
    println!("{count}");
}
