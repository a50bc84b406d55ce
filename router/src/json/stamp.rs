//! RFC 3339 timestamps in UTC with milliseconds: `2026-01-02T03:04:05.678Z`.

use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339};

const DAY_MS: u64 = 86_400_000;
/// Last millisecond of the year 9999, the last that RFC 3339 can name.
const STAMP_MS_MAX: u64 = 253_402_300_799_999;

/// Appends the timestamp of `ms` (milliseconds since 1970), without quotes. Times after the year 9999 read as its end.
pub fn write_stamp(out: &mut Vec<u8>, ms: u64) {
    let ms = ms.min(STAMP_MS_MAX);
    let (year, month, day) = civil(ms / DAY_MS);
    let of_day = ms % DAY_MS;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], of_day / 3_600_000);
    put(&mut text[14..16], of_day / 60_000 % 60);
    put(&mut text[17..19], of_day / 1_000 % 60);
    put(&mut text[20..23], of_day % 1_000);
    out.extend_from_slice(&text);
}

/// Milliseconds since 1970 of an RFC 3339 time; one without an offset is read as UTC. `None`: not a time, or before 1970.
pub fn parse_stamp(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| PrimitiveDateTime::parse(&format!("{text}Z"), &Rfc3339).map(PrimitiveDateTime::assume_utc))
        .ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok().filter(|ms| *ms <= STAMP_MS_MAX)
}

fn put(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day counted from 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(ms: u64) -> String {
        let mut out = Vec::new();
        write_stamp(&mut out, ms);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_times_are_written() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(written(ms), text);
        }
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        assert_eq!(parse_stamp("2026-01-02T03:04:05.678"), Some(1_767_323_045_678));
        assert_eq!(parse_stamp("2026-01-02T04:04:05.678+01:00"), Some(1_767_323_045_678));
        assert_eq!(parse_stamp("yesterday"), None);
        assert_eq!(parse_stamp("1969-12-31T23:59:59Z"), None);
    }

    proptest! {
        #[test]
        fn every_time_is_read_back(ms in 0..=STAMP_MS_MAX) {
            prop_assert_eq!(parse_stamp(&written(ms)), Some(ms));
        }
    }
}
