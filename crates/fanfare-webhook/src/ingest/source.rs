//! Sources: addresses of their own for programs that send, each with the proof that it asks for.

use serde::{Deserialize, Serialize};

use crate::ingest::Kind;
use crate::ingest::proof::Proof;
use crate::ingest::verifier::Verifier;
use fanfare_core::channel::Channel;
use fanfare_core::code::Code;
use fanfare_core::invalid::{Invalid, shown};

/// The kinds of sources: the format in which each sends, and how it proves who it is unless something else is chosen.
/// `generic` recognises the format of its sender.
const KINDS: [(&str, Kind, Option<&str>); 19] = [
    ("alertmanager", Kind::Alertmanager, None),
    ("azure-devops", Kind::Generic, Some("basic")),
    ("bitbucket", Kind::Generic, Some("hmac-sha256:x-hub-signature:sha256=:hex")),
    ("claude-code", Kind::ClaudeCode, None),
    ("cloudevents", Kind::Generic, None),
    ("custom", Kind::Generic, None),
    ("docker-hub", Kind::Generic, None),
    ("generic", Kind::Generic, None),
    ("gitea", Kind::Generic, Some("hmac-sha256:x-gitea-signature")),
    ("github", Kind::GitHub, Some("hmac-sha256:x-hub-signature-256:sha256=:hex")),
    ("gitlab", Kind::Generic, Some("token-header:x-gitlab-token")),
    ("gogs", Kind::Generic, Some("hmac-sha256:x-gogs-signature")),
    ("grafana", Kind::Alertmanager, Some("hmac-sha256:x-grafana-alerting-signature")),
    ("linear", Kind::Generic, Some("hmac-sha256:linear-signature")),
    ("sentry", Kind::Generic, Some("hmac-sha256:sentry-hook-signature")),
    ("shopify", Kind::Generic, Some("hmac-sha256:x-shopify-hmac-sha256::base64")),
    ("standard-webhooks", Kind::StandardWebhooks, Some("standard-webhooks")),
    ("stripe", Kind::Stripe, Some("stripe")),
    ("svix", Kind::StandardWebhooks, Some("standard-webhooks")),
];

/// The kinds whose senders make up the secret, and show it to those who set them up.
const SENDERS_WITH_SECRETS: [&str; 6] =
    ["linear", "sentry", "shopify", "standard-webhooks", "stripe", "svix"];

/// Maximum body of a sender that proves who it is: GitHub sends at most this much, and never sends a refused body again.
const PROVEN_LEN_MAX: usize = 25 * 1024 * 1024;
/// Maximum body of any other sender: that of a push, which is as open.
const OPEN_LEN_MAX: usize = 16 * 1024 * 1024;

/// The settings of a source, as they are stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The kind, one of [`names`].
    pub kind: Box<str>,
    /// The channel of its events, unless a request names one; `ingest.` and its name if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// The proof that it asks for.
    pub verify: Proof,
    /// The secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Box<str>>,
    /// Whether it refuses every request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({}, {})", self.kind, self.verify)
    }
}

impl Source {
    /// Creates a source of this kind; without a proof, with that of its kind. Fails if a part cannot be read, or if the
    /// kind has no proof of its own and none is given.
    pub fn new(
        kind: &str,
        channel: Option<Channel>,
        proof: Option<Proof>,
        secrets: Vec<Box<str>>,
    ) -> Result<Source, Invalid> {
        let (name, _, own) = found(kind)?;
        let proof = match (proof, own) {
            (Some(proof), _) => proof,
            (None, Some(own)) => own.parse()?,
            (None, None) => {
                return Err(Invalid::new(
                    Code::InvalidSource,
                    format!("`{name}` has no signature of its own"),
                    "say how senders prove who they are: `bearer`, `basic`, `token-header:NAME`, \
                     `hmac-sha256:HEADER`, or `none` to accept anyone",
                )
                .at("/verify"));
            }
        };
        if !proof.needs_secret() && !secrets.is_empty() {
            let fix = "leave the secret out, or choose another way to verify";
            return Err(
                Invalid::new(Code::InvalidSource, "nothing is verified with the secret", fix).at("/secrets")
            );
        }
        Verifier::new(proof.clone(), &secrets).map_err(|error| error.at("/secrets"))?;
        Ok(Source { kind: name.into(), channel, verify: proof, secrets, closed: false })
    }

    /// Returns the source that exists from the start under the name of `kind`.
    pub fn built_in(kind: Kind) -> Source {
        let own = found(kind.as_str()).ok().and_then(|(_, _, own)| own);
        let verify = own.map_or(Proof::None, |own| own.parse().expect("a test reads each of the table"));
        Source { kind: kind.as_str().into(), channel: None, verify, secrets: Vec::new(), closed: false }
    }

    /// Parses the settings as they were stored; `None` if they are not valid.
    pub fn from_stored(text: &str) -> Option<Source> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text to store.
    pub fn stored(&self) -> String {
        serde_json::to_string(self).expect("texts and nothing else")
    }

    /// Returns the format in which its sender sends.
    pub fn format(&self) -> Kind {
        found(&self.kind).map_or(Kind::Generic, |(_, kind, _)| kind)
    }

    /// Returns whether only the sender can make up the secret. With another proof than that of its kind, anyone can.
    pub fn sender_makes_secret(&self) -> bool {
        let own = found(&self.kind).ok().and_then(|(_, _, own)| own?.parse::<Proof>().ok());
        SENDERS_WITH_SECRETS.contains(&&*self.kind) && own.as_ref() == Some(&self.verify)
    }

    /// Returns the maximum length of a body, in bytes.
    pub fn body_len_max(&self) -> usize {
        if self.verify.needs_secret() { PROVEN_LEN_MAX } else { OPEN_LEN_MAX }
    }

    /// Returns what checks its requests.
    pub fn verifier(&self) -> Result<Verifier, Invalid> {
        Verifier::new(self.verify.clone(), &self.secrets)
    }
}

/// Returns the names of all kinds.
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(name, _, _)| *name)
}

fn found(kind: &str) -> Result<(&'static str, Kind, Option<&'static str>), Invalid> {
    KINDS.into_iter().find(|(name, _, _)| *name == kind).ok_or_else(|| {
        let all: Vec<_> = names().collect();
        Invalid::new(
            Code::InvalidSource,
            format!("`{}` is not a kind of source", shown(kind)),
            format!("use one of {}; `custom` takes any JSON, form or text", all.join(", ")),
        )
        .at("/kind")
    })
}

#[cfg(test)]
mod tests {
    use super::{KINDS, SENDERS_WITH_SECRETS, Source};
    use crate::ingest::Kind;
    use crate::ingest::proof::Proof;

    #[test]
    fn every_kind_has_a_proof_that_can_be_read_or_none_of_its_own() {
        for (name, kind, own) in KINDS {
            assert!(own.is_none_or(|own| own.parse::<Proof>().is_ok()), "{name}");
            let source =
                Source::new(name, None, own.is_none().then_some(Proof::Bearer), Vec::new()).expect(name);
            assert_eq!(
                (source.format(), Source::from_stored(&source.stored())),
                (kind, Some(source.clone()))
            );
        }
        for kind in Kind::ALL {
            assert_eq!(Source::built_in(kind).format(), kind);
        }
        let secret = vec!["s3cret".into()];
        assert!(
            Source::new("custom", None, Some(Proof::None), secret.clone()).is_err(),
            "it would verify nothing"
        );
        assert!(Source::new("custom", None, None, secret.clone()).is_err(), "nobody said how");
        assert!(Source::new("gitlabb", None, None, secret.clone()).is_err());
        let makes =
            |kind, proof| Source::new(kind, None, proof, Vec::new()).expect("a source").sender_makes_secret();
        assert!(makes("linear", None) && !makes("linear", Some(Proof::Bearer)) && !makes("gitlab", None));
        assert!(SENDERS_WITH_SECRETS.into_iter().all(|kind| makes(kind, None)));
        let debug = format!("{:?}", Source::new("gitlab", None, None, secret).expect("a source"));
        assert!(!debug.contains("s3cret"), "{debug}");
    }
}
