//! Instants out of what providers write.
//!
//! A parser of forty lines instead of a calendar crate: a guest needs no zones, no arithmetic and no locale, and
//! its memory is part of what every call costs. Instants before 1970 are refused, for the contract has none.

use crate::Instant;

/// Unix seconds, as digits and nothing else.
#[must_use]
pub fn parse_unix_seconds(text: &str) -> Option<Instant> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u64>().ok().filter(|_| all_digits)?.checked_mul(1000)
}

/// Unix milliseconds, as digits and nothing else.
#[must_use]
pub fn parse_unix_milliseconds(text: &str) -> Option<Instant> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all_digits)
}

/// A date and time with an offset: RFC 3339 (`2015-02-28T08:49:14.5Z`), Meta's offset without a colon
/// (`2015-02-28T08:49:14+0000`), and a blank in place of the `T`. Digits beyond milliseconds are cut off.
#[must_use]
pub fn parse(text: &str) -> Option<Instant> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4)?;
    symbol(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    symbol(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    symbol(&mut rest, b"Tt ")?;
    let hour = number(&mut rest, 2)?;
    symbol(&mut rest, b":")?;
    let minute = number(&mut rest, 2)?;
    symbol(&mut rest, b":")?;
    let second = number(&mut rest, 2)?;
    // A leap second is the last one of its minute, twice.
    if hour > 23 || minute > 59 || second > 60 || day < 1 || day > days_in(year, month)? {
        return None;
    }
    let milliseconds = fraction(&mut rest)?;
    let offset_minutes = offset(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let instant = (minutes * 60 + second.min(59)) * 1000 + milliseconds;
    Instant::try_from(instant).ok()
}

fn number(rest: &mut &[u8], digits: usize) -> Option<i64> {
    let (text, after) = rest.split_at_checked(digits)?;
    *rest = after;
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn symbol(rest: &mut &[u8], allowed: &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    allowed.contains(&first).then_some(first)
}

fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let [b'.', after @ ..] = *rest else {
        return Some(0);
    };
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (text, after) = after.split_at_checked(digits)?;
    *rest = after;
    let padded = text.iter().chain([b'0'; 3].iter()).take(3);
    (digits > 0).then(|| padded.fold(0, |value, byte| value * 10 + i64::from(byte - b'0')))
}

fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match symbol(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2)?;
    if rest.first() == Some(&b':') {
        symbol(rest, b":")?;
    }
    let minutes = number(rest, 2)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    match month {
        2 => Some(28 + i64::from(is_leap(year))),
        4 | 6 | 9 | 11 => Some(30),
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        _ => None,
    }
}

/// Counts in years that begin in March, so that the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_one_instant_agree() {
        for text in [
            "2015-02-28T08:49:14+0000",
            "2015-02-28T08:49:14Z",
            "2015-02-28T09:49:14+01:00",
            "2015-02-28 03:49:14-0500",
            "2015-02-28t08:49:14.000999z",
        ] {
            assert_eq!(parse(text), Some(1_425_113_354_000), "{text}");
        }
        assert_eq!(parse("2015-02-28T08:49:14.5Z"), Some(1_425_113_354_500));
    }

    #[test]
    fn the_calendar_is_right_at_its_edges() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2000-02-29T23:59:59Z"), Some(951_868_799_000));
        assert_eq!(parse("2024-12-31T23:59:60Z"), parse("2024-12-31T23:59:59Z"));
        assert_eq!(parse("2100-03-01T00:00:00Z"), Some(4_107_542_400_000));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(253_402_300_799_000));
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2015-02-28",
            "2015-02-28T08:49:14",
            "2015-02-29T08:49:14Z",
            "2100-02-29T00:00:00Z",
            "2015-13-01T00:00:00Z",
            "2015-00-10T00:00:00Z",
            "2015-01-00T00:00:00Z",
            "2015-02-28T24:00:00Z",
            "2015-02-28T08:49:14.Z",
            "2015-02-28T08:49:14Z ",
            "2015-02-28T08:49:14+24:00",
            "+015-02-28T08:49:14Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn unix_times_are_digits_only() {
        assert_eq!(parse_unix_seconds("1440120384"), Some(1_440_120_384_000));
        assert_eq!(parse_unix_milliseconds("1440120384123"), Some(1_440_120_384_123));
        for text in ["", "+1", "-1", "1.5", " 1", "99999999999999999999"] {
            assert_eq!(parse_unix_seconds(text), None, "{text}");
        }
        assert_eq!(parse_unix_seconds("18446744073709551615"), None);
    }
}
