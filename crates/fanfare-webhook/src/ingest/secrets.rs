//! The secrets of senders, by kind. A kind that signs accepts nothing without a secret.

use crate::inbound::PlainSecret;
use crate::ingest::Kind;
use crate::ingest::source::Source;
use crate::ingest::verifier::Verifier;
use crate::verify::Key;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// The secrets that senders share with this gateway: several per kind while one is being replaced.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The secrets of GitHub's webhooks.
    pub github: Vec<PlainSecret>,
    /// The keys of senders that follow Standard Webhooks: shared secrets (`whsec_`) and public keys (`whpk_`).
    pub standard_webhooks: Vec<Key>,
    /// The secrets of Stripe's endpoints.
    pub stripe: Vec<PlainSecret>,
}

impl Secrets {
    /// Fails for a kind whose sender signs if there is no secret to check that with: an unsigned body could come from
    /// anyone, and would look as if it were signed.
    pub fn has(&self, kind: Kind) -> Result<(), Invalid> {
        let (is_missing, variable) = match kind {
            Kind::Alertmanager | Kind::ClaudeCode | Kind::Generic => return Ok(()),
            Kind::GitHub => (self.github.is_empty(), "FANFARE_INGEST_SECRET_GITHUB"),
            Kind::StandardWebhooks => {
                (self.standard_webhooks.is_empty(), "FANFARE_INGEST_SECRET_STANDARD_WEBHOOKS")
            }
            Kind::Stripe => (self.stripe.is_empty(), "FANFARE_INGEST_SECRET_STRIPE"),
        };
        if !is_missing {
            return Ok(());
        }
        Err(Invalid::new(
            Code::SecretMissing,
            format!("the gateway has no secret for verifying `{kind}` signatures"),
            format!(
                "set {variable} in the gateway's environment and restart it; unsigned requests can use `generic`"
            ),
        ))
    }

    /// Returns what checks requests with these secrets, as the kind's senders sign.
    pub fn verifier(&self, kind: Kind) -> Verifier {
        let proof = Source::built_in(kind).verify;
        match kind {
            Kind::Alertmanager | Kind::ClaudeCode | Kind::Generic => Verifier::open(),
            Kind::GitHub => Verifier::signed(proof, self.github.clone()),
            Kind::StandardWebhooks => Verifier::standard(self.standard_webhooks.clone()),
            Kind::Stripe => Verifier::signed(proof, self.stripe.clone()),
        }
    }
}
