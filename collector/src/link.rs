//! The speed of a line as people write it: `100Mbit`, `1Gbit/s`, `2.5G`, `64000`.

use clap::Args;
use groma_model::inventory::Inventory;

/// Faster than any line there is; what is above is a slip of the keyboard.
const BPS_MAX: f64 = 1e15;

/// The line that hours are reckoned for.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Line {
    /// The line that data would be carried over, as `100Mbit` or `2.5Gbit` per second [default: 1Gbit].
    #[arg(long, value_name = "SPEED", value_parser = speed)]
    link: Option<u64>,
}

impl Line {
    /// Reckons the hours of every volume, and how each guest would go, again for this line.
    pub(crate) fn apply(self, inventory: &mut Inventory) {
        if let Some(bps) = self.link {
            inventory.link_bps = bps;
            groma_graph::transfer(&mut inventory.volumes, bps);
            groma_graph::guests::fill(inventory);
        }
    }
}

/// Bits per second. Units count in thousands (IEC 80000-13); bytes are refused, because half of the readers would
/// take them for bits.
fn speed(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no speed: write bits per second, as 100Mbit or 2.5Gbit");
    let whole = text.trim();
    let digits = whole
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(whole.len());
    let (number, unit) = whole.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = per_second(unit.trim());
    let lower = unit.to_ascii_lowercase();
    // However the second is written: `MB/S` and `MBps` are bytes, `Mb/s` and `mbps` are bits.
    if lower.contains("byte") || unit.ends_with('B') {
        return Err(format!(
            "{text:?} counts bytes: a line is given in bits, as 100Mbit"
        ));
    }
    let unit = ["it", "b"].iter().fold(lower.as_str(), |unit, end| {
        unit.strip_suffix(end).unwrap_or(unit)
    });
    let factor = match unit {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        _ => return Err(wrong()),
    };
    let bps = number * factor;
    if !(1.0..=BPS_MAX).contains(&bps) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and 10^15"
    )]
    Ok(bps as u64)
}

/// The unit without what says that it is one of a second.
fn per_second(unit: &str) -> &str {
    let at = unit.len().saturating_sub(2);
    match unit.split_at_checked(at) {
        Some((unit, end)) if end.eq_ignore_ascii_case("/s") || end.eq_ignore_ascii_case("ps") => {
            unit
        }
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_in_many_ways() {
        let same = [
            "100Mbit",
            "100mbit/s",
            "100 Mbit/s",
            "100M",
            "100Mbps",
            "0.1Gbit",
            "100000kbit",
            "100000000",
            "100Mb/s",
        ];
        for text in same {
            assert_eq!(speed(text), Ok(100_000_000), "{text}");
        }
        for text in [
            "",
            "fast",
            "-5M",
            "0",
            "1e99",
            "NaN",
            "100MB",
            "12MByte/s",
            "1Pbit",
            "9999999Tbit",
        ] {
            assert!(speed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_no_bits_however_the_second_is_written() {
        for text in [
            "100MBps", "100MB/S", "100MB/s", "100MBPS", "100GB ", "100B", "1MB/", "1é",
        ] {
            assert!(speed(text).is_err(), "{text}");
        }
        for text in ["100Mb/S", "100mbPS", "100MBit/S", "100MBITPS"] {
            assert_eq!(speed(text), Ok(100_000_000), "{text}");
        }
    }
}
