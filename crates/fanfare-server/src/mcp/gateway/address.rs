//! Addresses of resources: `fanfare://channels`, `fanfare://channels/{channel}/latest`, `fanfare://events/{id}`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use fanfare_core::{Channel, Position};

/// Maximum length of an address: the longest channel with every byte percent-encoded, plus the fixed parts.
const ADDRESS_LEN_MAX: usize = 1024;
/// The valid forms of an address, for error messages.
const FORMS: &str =
    "there are `fanfare://channels`, `fanfare://channels/{channel}/latest` and `fanfare://events/{id}`";

/// The template of [`Address::Latest`] (RFC 6570).
pub(super) const LATEST_TEMPLATE: &str = "fanfare://channels/{channel}/latest";
/// The template of [`Address::Event`].
pub(super) const EVENT_TEMPLATE: &str = "fanfare://events/{id}";

/// The subject of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    /// All channels.
    Channels,
    /// One event.
    Event(Position),
    /// The newest events of a channel.
    Latest(Channel),
}

impl FromStr for Address {
    type Err = String;

    /// Parses what [`Display`](fmt::Display) wrote; a segment may be percent-encoded (RFC 3986, section 2.1).
    fn from_str(uri: &str) -> Result<Address, String> {
        if uri.len() > ADDRESS_LEN_MAX {
            return Err(format!("an address can have at most {ADDRESS_LEN_MAX} bytes"));
        }
        let path = uri.strip_prefix("fanfare://").ok_or_else(|| FORMS.to_owned())?;
        if path.contains(['?', '#']) {
            return Err(format!("an address cannot have a query or a fragment; {FORMS}"));
        }
        let segments = path.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        match segments[..] {
            ["channels"] => Ok(Address::Channels),
            ["channels", channel, "latest"] => {
                channel.parse().map(Address::Latest).map_err(|invalid| invalid.to_string())
            }
            ["events", id] => id.parse().map(Address::Event).map_err(|invalid| invalid.to_string()),
            _ => Err(FORMS.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    /// No escapes are needed: channels and positions consist of characters that RFC 3986 leaves unescaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Channels => f.write_str("fanfare://channels"),
            Address::Event(position) => write!(f, "fanfare://events/{position}"),
            Address::Latest(channel) => write!(f, "fanfare://channels/{channel}/latest"),
        }
    }
}

/// Decodes one segment. A slash that was encoded is part of the segment.
fn decoded(segment: &str) -> Result<Cow<'_, str>, String> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digits = after.get(..2).and_then(|digits| Some((digit(digits[0])?, digit(digits[1])?)));
        let (high, low) = digits.ok_or("`%` is followed by two hexadecimal digits; `%25` is `%` itself")?;
        bytes.push(high << 4 | low);
        rest = &after[2..];
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| "the percent-encoded bytes are not valid UTF-8".to_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Epoch, Position};
    use proptest::prelude::*;

    use super::Address;

    fn address() -> impl Strategy<Value = Address> {
        let channel = "[A-Za-z0-9_-]{1,20}(\\.[A-Za-z0-9_-]{1,20}){0,7}";
        prop_oneof![
            Just(Address::Channels),
            channel.prop_map(|name| Address::Latest(name.parse().expect("well formed"))),
            (any::<u64>(), 0..i64::MAX as u64).prop_map(|(bits, seq)| {
                Address::Event(Position { epoch: Epoch::from_random(bits), seq })
            }),
        ]
    }

    #[test]
    fn only_addresses_of_ours_are_read() {
        for (uri, says) in [
            ("", "there are `fanfare://channels`"),
            ("http://channels", "there are"),
            ("FANFARE://channels", "there are"),
            ("fanfare://", "there are"),
            ("fanfare://channels/", "there are"),
            ("fanfare://channels/builds.web", "there are"),
            ("fanfare://channels/builds.web/latest/", "there are"),
            ("fanfare://channels?x=1", "cannot have a query"),
            ("fanfare://channels#x", "or a fragment"),
            ("fanfare://channels//latest", "is empty"),
            ("fanfare://channels/a..b/latest", "empty segment"),
            ("fanfare://channels/a%2Fb/latest", "is not allowed there"),
            ("fanfare://channels/a%2/latest", "two hexadecimal digits"),
            ("fanfare://channels/a%+1/latest", "two hexadecimal digits"),
            ("fanfare://channels/%ff/latest", "not valid UTF-8"),
            ("fanfare://events/1", "is not a position"),
            ("fanfare://events/k3f9x2ab-1/x", "there are"),
        ] {
            let problem = uri.parse::<Address>().expect_err(uri);
            assert!(problem.contains(says), "{uri}: {problem}");
        }
        assert!(format!("fanfare://events/{}", "x".repeat(2_000)).parse::<Address>().is_err());
    }

    proptest! {
        #[test]
        fn an_address_reads_back_as_it_was_written(address in address(), mask: u64) {
            let written = address.to_string();
            prop_assert_eq!(written.parse::<Address>(), Ok(address.clone()));
            // So does an address with any of its bytes percent-encoded, except the separators.
            let prefix = "fanfare://".len();
            let encoded: String = written.bytes().enumerate().map(|(index, byte)| {
                let encode = index >= prefix && byte != b'/' && mask >> (index % 64) & 1 == 1;
                if encode { format!("%{byte:02x}") } else { char::from(byte).to_string() }
            }).collect();
            prop_assert_eq!(encoded.parse::<Address>(), Ok(address));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(fanfare://)?.*") {
            let _ = text.parse::<Address>();
        }
    }
}
