//! Numbers as people read them.

/// Bytes with a decimal unit: `480 B`, `1.2 MB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut amount = count as f64;
    let mut unit = 0;
    // What would be shown as 1000.0 takes the next unit.
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{amount:.1} {}", UNITS[unit]),
    }
}

/// A time in its two largest units: `19 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The same where it may not be known.
pub(super) fn span_or_dash(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_250_000, "1.2 MB"),
            (999_999, "1.0 MB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn times_have_two_units_at_most() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min"), (97_300, "1 d 3 h")]
        {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(span_or_dash(None), "-");
    }
}
