//! The message of a measured event: its number first, then filler up to the wanted size.
//! Nothing in it needs escaping in JSON.

use super::sse::number;

/// Minimum length of a message: the digits of its number.
pub(crate) const SIZE_MIN: usize = 12;

pub(crate) fn numbered(number: u64, size: usize) -> String {
    let mut message = format!("e{number} ");
    while message.len() < size {
        message.push(char::from(b'a' + (message.len() % 26) as u8));
    }
    message
}

/// The number in a frame's data, which is the message alone or `[timestamp] message`.
pub(crate) fn number_in(data: &[u8]) -> Option<u64> {
    let message = match data.first() {
        Some(b'[') => data.get(memchr::memchr(b']', data)? + 2..)?,
        _ => data,
    };
    let digits = message.strip_prefix(b"e")?;
    number(&digits[..memchr::memchr(b' ', digits)?])
}

#[cfg(test)]
mod tests {
    use super::{number_in, numbered};

    #[test]
    fn the_number_survives_the_way() {
        let message = numbered(4_711, 100);
        assert_eq!(message.len(), 100);
        assert_eq!(number_in(message.as_bytes()), Some(4_711));
        assert_eq!(
            number_in(format!("[2026-11-21T08:00:00.123456+00:00] {message}").as_bytes()),
            Some(4_711)
        );
    }

    #[test]
    fn other_data_has_no_number() {
        for data in [&b""[..], b"[", b"[t]", b"[t] hello", b"exx ", b"{\"after\":1}", b"e12"] {
            assert_eq!(number_in(data), None, "{}", String::from_utf8_lossy(data));
        }
    }
}
