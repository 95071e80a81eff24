//! Sizes in bytes, as people write them.

use fanfare_core::{Code, Invalid};

/// Parses a size such as `512`, `64KiB`, `1.5GiB` or `10MB`. KiB, MiB and so on are powers of 1024, KB and MB of 1000.
pub(crate) fn parse(text: &str) -> Result<u64, Invalid> {
    read(text.trim()).ok_or_else(|| {
        Invalid::new(
            Code::InvalidQuery,
            format!("`{text}` is not a size"),
            "write a number of bytes, or a number with a unit: `512MiB`, `1GiB`, `10GB`",
        )
    })
}

fn read(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let bytes = number.parse::<f64>().ok()? * factor as f64;
    (bytes.is_finite() && bytes < u64::MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        for (text, bytes) in
            [("512", 512), ("64KiB", 65_536), ("1.5 GiB", 1_610_612_736), ("10MB", 10_000_000), ("0b", 0)]
        {
            assert_eq!(parse(text).expect(text), bytes);
        }
        for text in ["", "GiB", "1 parsec", "-1", "1.2.3", "99999999999TiB"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
