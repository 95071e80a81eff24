//! TLS in front of a receiver, with certificates for every case: an authority of the test, and servers with
//! certificates that it signs.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// An authority that signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in the form of a file.
    pub(crate) pem: String,
}

/// A certificate and its key.
pub(crate) struct Signed {
    /// The certificate in the form of a file.
    pub(crate) pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// Signs a certificate for names and addresses.
    pub(crate) fn sign(&self, names: &[&str]) -> Signed {
        self.sign_until(names, 4096)
    }

    /// Signs a certificate that ends with the start of a year.
    pub(crate) fn sign_until(&self, names: &[&str], year: i32) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(names);
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Signed::new(&certificate, &key)
    }
}

impl Signed {
    /// Creates a certificate without an authority.
    pub(crate) fn by_itself(names: &[&str]) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(names).self_signed(&key).expect("a certificate");
        Signed::new(&certificate, &key)
    }

    /// Creates a certificate as `openssl req -x509` does: it signs itself, and says that it may sign others.
    pub(crate) fn by_itself_as_authority(names: &[&str]) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Signed::new(&certificate, &key)
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Signed {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Signed { pem: certificate.pem(), certificate: certificate.der().clone(), key }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names")
}

/// A proxy that terminates TLS and passes bytes on; ends when it is dropped.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Front {
    /// Shows all clients the same certificate.
    pub(crate) async fn start(
        behind: SocketAddr,
        signed: Signed,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Front {
        let config = ServerConfig::builder_with_protocol_versions(versions)
            .with_no_client_auth()
            .with_single_cert(vec![signed.certificate], signed.key)
            .expect("a configuration");
        Front::with(behind, config).await
    }

    /// Shows a certificate only to clients that ask for `name`.
    pub(crate) async fn for_name(behind: SocketAddr, name: &str, signed: Signed) -> Front {
        let key = rustls::crypto::ring::sign::any_supported_type(&signed.key).expect("a key");
        let mut names = ResolvesServerCertUsingSni::new();
        names.add(name, CertifiedKey::new(vec![signed.certificate], key)).expect("the name is in it");
        let config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(names));
        Front::with(behind, config).await
    }

    async fn with(behind: SocketAddr, config: ServerConfig) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            let mut passing = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                passing.spawn(async move {
                    // A client that does not agree is gone.
                    let Ok(mut agreed) = acceptor.accept(stream).await else { return };
                    let mut plain = TcpStream::connect(behind).await.expect("a receiver");
                    let _ = tokio::io::copy_bidirectional(&mut agreed, &mut plain).await;
                });
            }
        });
        Front { address, task }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
