//! TLS as a client: the gateway when it sends webhooks, and the command line when it calls a gateway.
//!
//! The certificates that this machine trusts are loaded at the first handshake, not at the start: most gateways and most
//! commands never open a TLS connection, and small images have no certificates.

mod problem;
mod verifying;

use std::env;
use std::sync::{Arc, Once, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, WantsVerifier,
    crypto,
};
use rustls_platform_verifier::Verifier;

pub use problem::problem;
use verifying::{Anyone, Named, OrNamed};

/// The variables by which an operator names the certificates to trust, as OpenSSL does.
const NAMED_BY: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Maximum sessions that a client of one server can resume. The memory for all of them is taken in advance: with the
/// default of 256, it would be about 20 KiB for each webhook that has its own authorities.
const SESSIONS_OF_ONE_SERVER: usize = 8;

/// Returns the configuration of a client that offers `protocols` (ALPN, RFC 7301) and trusts what this machine trusts. On
/// a machine that has no certificates, it trusts those that Mozilla trusts, unless `SSL_CERT_FILE` or `SSL_CERT_DIR` names
/// others: then each handshake fails.
pub fn client_config(protocols: &[&str]) -> ClientConfig {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = AtFirstUse { provider: Arc::clone(&provider), loaded: OnceLock::new(), told: Once::new() };
    let verified = builder(provider).dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    offering(protocols, verified)
}

/// Returns the configuration of a client of one server, which offers `protocols` and trusts only `certificates`: those of
/// authorities, and of servers themselves. Fails if none of them can be used.
pub fn client_config_trusting(
    protocols: &[&str],
    certificates: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = OrNamed::of(certificates, &provider)?;
    Ok(of_one_server(protocols, provider, verifier))
}

/// Returns the configuration of a client of one server, which offers `protocols` and accepts any certificate.
pub fn client_config_trusting_anyone(protocols: &[&str]) -> ClientConfig {
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Arc::new(Anyone { provider: Arc::clone(&provider) });
    of_one_server(protocols, provider, verifier)
}

fn of_one_server(
    protocols: &[&str],
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> ClientConfig {
    let verified = builder(provider).dangerous().with_custom_certificate_verifier(verifier);
    let mut config = offering(protocols, verified);
    config.resumption = Resumption::in_memory_sessions(SESSIONS_OF_ONE_SERVER);
    config
}

fn builder(provider: Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
}

fn offering(protocols: &[&str], verified: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
    let mut config = verified.with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// A verifier that is made when the first certificate is to be verified.
#[derive(Debug)]
struct AtFirstUse {
    provider: Arc<CryptoProvider>,
    loaded: OnceLock<Arc<dyn ServerCertVerifier>>,
    /// Whether the log has the reason that the machine's certificates are not used.
    told: Once,
}

impl AtFirstUse {
    /// Returns the verifier. Reads the certificates the first time, which takes some milliseconds.
    fn verifier(&self) -> Result<&Arc<dyn ServerCertVerifier>, Error> {
        if let Some(verifier) = self.loaded.get() {
            return Ok(verifier);
        }
        let verifier: Arc<dyn ServerCertVerifier> = match Verifier::new(Arc::clone(&self.provider)) {
            Ok(verifier) => Arc::new(verifier),
            Err(error) => {
                let named_by = NAMED_BY.into_iter().find(|name| env::var_os(name).is_some());
                self.told.call_once(|| match named_by {
                    Some(name) => tracing::warn!(%error, "https fails: `{name}` names no certificate that can be read"),
                    None => tracing::warn!(%error, "no CA certificates on this machine; trusting those of Mozilla"),
                });
                without_those_of_the_machine(named_by, &self.provider)?
            }
        };
        let verifier = OrNamed { chains: verifier, named: Named::Machine(OnceLock::new()) };
        Ok(self.loaded.get_or_init(|| Arc::new(verifier)))
    }
}

/// Returns the verifier for a machine whose certificates could not be loaded; fails if the variable `named_by` names some.
fn without_those_of_the_machine(
    named_by: Option<&str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if let Some(name) = named_by {
        return Err(Error::General(format!("`{name}` names no certificate that can be read")));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|error| Error::General(error.to_string()))?)
}

impl ServerCertVerifier for AtFirstUse {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto;

    use super::without_those_of_the_machine;

    #[test]
    fn without_certificates_those_of_mozilla_are_trusted_unless_others_are_named() {
        let provider = Arc::new(crypto::ring::default_provider());
        assert!(without_those_of_the_machine(None, &provider).is_ok());
        let refused = without_those_of_the_machine(Some("SSL_CERT_FILE"), &provider);
        assert!(
            refused.is_err_and(|error| error.to_string().contains("`SSL_CERT_FILE` names no certificate"))
        );
    }
}
