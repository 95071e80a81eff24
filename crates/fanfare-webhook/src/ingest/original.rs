//! What is kept of a request, so that it can be sent on as it was received.

use fanfare_core::Received;

use crate::ingest::proof::Proof;

/// The headers that are about the connection to the gateway (RFC 9110, section 7.6.1), or about how the body was sent: it
/// is kept decoded.
const OF_THE_CONNECTION: [&str; 11] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of proxies on the way to the gateway, which would be wrong on the way to anyone else.
const OF_PROXIES: [&str; 3] = ["forwarded", "via", "x-real-ip"];

/// The headers that let somebody in. What is kept can be read by everyone who can read events.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The query parameters that are for the gateway.
const OUR_PARAMETERS: [&str; 3] = ["channel", "priority", "type"];

/// A request as it arrived at an address.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// The path.
    pub path: &'a str,
    /// The query; empty if there is none.
    pub query: &'a str,
    /// The headers, in their order, with names in lowercase.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, decoded.
    pub body: &'a [u8],
}

/// Returns what is kept of a `POST` whose sender gave this proof: the exact body and the headers, with signatures, without
/// credentials and without what belongs to the way here.
pub fn received(arrived: Arrived<'_>, proof: &Proof) -> Received {
    let Arrived { path, query, headers, body } = arrived;
    let of_this_connection: Vec<&str> = headers
        .iter()
        .filter(|(name, _)| *name == "connection")
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let token = match proof {
        Proof::Token(name) => Some(&**name),
        Proof::Basic
        | Proof::Bearer
        | Proof::Hmac(_)
        | Proof::None
        | Proof::StandardWebhooks
        | Proof::Stripe => None,
    };
    let is_kept = |name: &str| {
        let is_one_of = |names: &[&str]| names.contains(&name);
        !(is_one_of(&OF_THE_CONNECTION)
            || is_one_of(&OF_PROXIES)
            || is_one_of(&CREDENTIALS)
            || name.starts_with("x-forwarded-")
            || token == Some(name)
            || of_this_connection.iter().any(|of| of.eq_ignore_ascii_case(name)))
    };
    let query: Vec<&str> = query.split('&').filter(|part| is_of_sender(part)).collect();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    Received::new("POST", &target, headers.iter().copied().filter(|(name, _)| is_kept(name)), body)
}

/// Returns whether a query parameter is one of the sender's own.
fn is_of_sender(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    !name.is_empty() && !OUR_PARAMETERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use fanfare_core::Received;

    use super::{Arrived, received};
    use crate::ingest::proof::Proof;

    fn kept(headers: &[(&str, &str)], query: &str, proof: &Proof) -> String {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let Received::Message(message) =
            received(Arrived { path: "/ingest/x", query, headers: &headers, body: b"{}" }, proof)
        else {
            panic!("it is short");
        };
        String::from_utf8(message.as_bytes().to_vec()).expect("text")
    }

    #[test]
    fn signatures_stay_and_what_belongs_to_the_way_here_does_not() {
        let headers = [
            ("host", "gateway:8000"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("content-length", "2"),
            ("authorization", "Bearer s3cret"),
            ("cookie", "a=s3cret"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-gitlab-token", "s3cret"),
            ("content-type", "application/json"),
            ("x-hub-signature-256", "sha256=00"),
            ("stripe-signature", "t=1,v1=00"),
            ("user-agent", "GitHub-Hookshot/1"),
            ("x-twice", "a"),
            ("x-twice", "b"),
        ];
        let token = Proof::Token("x-gitlab-token".into());
        let head = "POST /ingest/x HTTP/1.1\r\n";
        let rest = "content-type: application/json\r\nx-hub-signature-256: sha256=00\r\n\
                    stripe-signature: t=1,v1=00\r\nuser-agent: GitHub-Hookshot/1\r\nx-twice: a\r\nx-twice: b\r\n\
                    content-length: 2\r\n\r\n{}";
        assert_eq!(kept(&headers, "", &token), format!("{head}{rest}"));
        // To others it is a header like any other.
        assert_eq!(kept(&headers, "", &Proof::None), format!("{head}x-gitlab-token: s3cret\r\n{rest}"));
    }

    #[test]
    fn the_query_of_the_sender_stays() {
        for (query, target) in [
            ("", "/ingest/x"),
            ("channel=a.b&type=info&priority=low", "/ingest/x"),
            ("channel=a&bodySHA256=00&user_id=%20", "/ingest/x?bodySHA256=00&user_id=%20"),
            ("&&a", "/ingest/x?a"),
        ] {
            let message = kept(&[], query, &Proof::None);
            assert!(message.starts_with(&format!("POST {target} HTTP/1.1\r\n")), "{query}: {message}");
        }
    }
}
