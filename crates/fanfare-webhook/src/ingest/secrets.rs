//! What senders sign with, by kind. A kind with a signature and without a secret takes nothing.

use crate::inbound::PlainSecret;
use crate::ingest::Kind;
use crate::verify::Key;
use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// The secrets that senders share with this gateway: several of a kind while one is being replaced.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Of GitHub's webhooks.
    pub github: Vec<PlainSecret>,
    /// Of senders that follow Standard Webhooks: shared secrets (`whsec_`) and public keys (`whpk_`).
    pub standard_webhooks: Vec<Key>,
    /// Of Stripe's endpoints.
    pub stripe: Vec<PlainSecret>,
}

impl Secrets {
    /// Fails for a kind whose sender signs, when there is nothing to check that with: what nobody signed could be
    /// from anybody, and would look as if it were not.
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
            format!("the gateway has no secret to check the signatures of `{kind}` with"),
            format!(
                "set {variable} in the gateway's environment and start it again; what is not signed can come in as \
                 `generic`"
            ),
        ))
    }
}
