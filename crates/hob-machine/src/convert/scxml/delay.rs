//! Delays as SCXML writes them: `1.5s`, `10ms`.

/// Nanoseconds; `None` of what is no delay, or longer than 64 bits hold.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 1_000_000_i128),
        None => (text.strip_suffix('s')?, 1_000_000_000),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(whole) && digits(part)) || (whole.is_empty() && part.is_empty()) || part.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(scale)?;
    if !part.is_empty() {
        let unit = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
        nanos = nanos.checked_add(part.parse::<i128>().ok()?.checked_mul(scale)?.checked_div(unit)?)?;
    }
    i64::try_from(nanos).ok()
}

/// The same as text; what is no whole number of milliseconds has a point in it.
pub(super) fn show(nanos: i64) -> String {
    let nanos = nanos.max(0);
    if nanos % 1_000_000_000 == 0 {
        return format!("{}s", nanos / 1_000_000_000);
    }
    let part = format!("{:06}", nanos % 1_000_000);
    match part.trim_end_matches('0') {
        "" => format!("{}ms", nanos / 1_000_000),
        part => format!("{}.{part}ms", nanos / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays() {
        for (text, expected) in [
            ("10ms", Some(10_000_000)),
            ("1s", Some(1_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("0.000001ms", Some(1)),
            ("0s", Some(0)),
            ("s", None),
            (".s", None),
            ("-1s", None),
            ("1m", None),
            ("1e3s", None),
            ("9999999999999s", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
            if let Some(nanos) = expected {
                assert_eq!(parse(&show(nanos)), expected, "{}", show(nanos));
            }
        }
    }
}
