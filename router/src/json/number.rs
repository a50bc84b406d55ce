//! Whole numbers, read from JSON text exactly: no detour over floating point.

/// A JSON number as a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It is this.
    Value(u64),
    /// It is whole and below zero.
    Negative,
    /// It has a fraction.
    Fractional,
    /// It is whole and above `u64::MAX`.
    TooLarge,
}

/// Reads the text of a valid JSON number. `3600.0` and `36e2` are whole, as JSON Schema has it.
pub fn whole(text: &str) -> Whole {
    if let Ok(value) = text.parse() {
        return Whole::Value(value);
    }
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = integer.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
    let significant = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    if significant == 0 {
        return Whole::Value(0);
    }
    // An exponent beyond i64 is out of any range; its sign says which way.
    let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
    let zeros = exponent.saturating_sub(fraction.len() as i64).saturating_add((digits.len() - significant) as i64);
    match u32::try_from(zeros) {
        Err(_) if zeros < 0 => Whole::Fractional,
        _ if negative => Whole::Negative,
        Err(_) => Whole::TooLarge,
        Ok(zeros) => scaled(&digits[..significant], zeros).map_or(Whole::TooLarge, Whole::Value),
    }
}

fn scaled(digits: &[u8], zeros: u32) -> Option<u64> {
    let mantissa =
        digits.iter().try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
    mantissa.checked_mul(10_u64.checked_pow(zeros)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", Whole::Value(0)),
            ("-0", Whole::Value(0)),
            ("0.0", Whole::Value(0)),
            ("0e99999999999999999999", Whole::Value(0)),
            ("3600", Whole::Value(3600)),
            ("3600.0", Whole::Value(3600)),
            ("36e2", Whole::Value(3600)),
            ("0.36E+4", Whole::Value(3600)),
            ("36000e-1", Whole::Value(3600)),
            ("18446744073709551615", Whole::Value(u64::MAX)),
            ("18446744073709551616", Whole::TooLarge),
            ("1e308", Whole::TooLarge),
            ("1e99999999999999999999", Whole::TooLarge),
            ("-1", Whole::Negative),
            ("-1e308", Whole::Negative),
            ("0.5", Whole::Fractional),
            ("-0.5", Whole::Fractional),
            ("1e-400", Whole::Fractional),
            ("1e-99999999999999999999", Whole::Fractional),
            ("3600.00000000000000000000001", Whole::Fractional),
        ] {
            assert_eq!(whole(text), expected, "{text}");
        }
    }
}
