//! The certificate authorities to trust for a receiver, instead of those that the machine trusts.

use std::fmt;

use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{PemObject, SectionKind};

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// Maximum length of the text, in bytes: each webhook keeps it in memory and in its row.
pub const AUTHORITIES_LEN_MAX: usize = 16 * 1024;
/// Maximum certificates: an authority that is being replaced has two, and a company has a handful.
pub const AUTHORITIES_MAX: usize = 16;

/// Certificates of authorities, at least one. None of it is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities {
    /// PEM (RFC 7468), which contains certificates that can be authorities, and nothing else.
    pem: Box<str>,
}

impl Authorities {
    /// Parses PEM.
    pub fn parse(text: &str) -> Result<Authorities, Invalid> {
        let pem = text.trim();
        if pem.len() > AUTHORITIES_LEN_MAX {
            let what = format!("the certificates of the authorities have {} bytes", pem.len());
            return Err(invalid(
                what,
                "send only those that sign the receiver's certificate: at most 16 KiB",
            ));
        }
        let mut count = 0;
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            let fix = "send certificates in PEM: `-----BEGIN CERTIFICATE-----` and what follows";
            let (kind, der) = section.map_err(|_| invalid("the text is not valid PEM", fix))?;
            if kind != SectionKind::Certificate {
                return Err(invalid(
                    "the text contains something other than certificates",
                    "send only the certificates of the authorities; if a key was in it, replace the key",
                ));
            }
            webpki::anchor_from_trusted_cert(&CertificateDer::from(der))
                .map_err(|_| invalid(format!("certificate {} cannot be read", count + 1), fix))?;
            count += 1;
        }
        match count {
            0 => Err(invalid(
                "the text contains no certificate",
                "send the certificate of the authority in PEM: `-----BEGIN CERTIFICATE-----` and what follows",
            )),
            1..=AUTHORITIES_MAX => Ok(Authorities { pem: pem.into() }),
            _ => Err(invalid(
                format!("the text contains {count} certificates"),
                format!("send at most {AUTHORITIES_MAX}"),
            )),
        }
    }

    /// Returns the text.
    pub fn as_pem(&self) -> &str {
        &self.pem
    }

    /// Returns the SHA-256 of each certificate in hexadecimal, as `openssl x509 -fingerprint -sha256` shows it without
    /// its colons.
    pub fn fingerprints(&self) -> Vec<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.certificates().iter().map(|certificate| hex(digest(&SHA256, certificate).as_ref())).collect()
    }

    /// Returns the certificates.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        // All of them could be read before.
        CertificateDer::pem_slice_iter(self.pem.as_bytes()).filter_map(Result::ok).collect()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorities").field(&self.fingerprints()).finish()
    }
}

fn invalid(what: impl Into<String>, fix: impl Into<std::borrow::Cow<'static, str>>) -> Invalid {
    Invalid::new(Code::InvalidWebhook, what, fix)
}

#[cfg(test)]
mod tests {
    use super::{AUTHORITIES_LEN_MAX, AUTHORITIES_MAX, Authorities};

    /// A certificate that signed itself: `openssl req -x509 -newkey ed25519 -nodes -days 36500 -subj "/CN=Test CA"`.
    const PEM: &str = include_str!("authorities/test_ca.pem");

    #[test]
    fn certificates_are_kept_and_known_by_their_fingerprints() {
        let one = Authorities::parse(&format!("\n{PEM}\n")).expect("a certificate");
        assert_eq!(one.as_pem(), PEM.trim());
        assert_eq!((one.certificates().len(), one.fingerprints().len()), (1, 1));
        assert!(one.fingerprints()[0].len() == 64 && format!("{one:?}").contains(&one.fingerprints()[0]));
        let all = Authorities::parse(&PEM.repeat(AUTHORITIES_MAX)).expect("as many as are allowed");
        assert_eq!(all.certificates().len(), AUTHORITIES_MAX);
    }

    #[test]
    fn whatever_else_is_refused_and_not_repeated() {
        let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let broken = PEM.replace('M', "N");
        let cut = &PEM[..PEM.len() / 2];
        let many = PEM.repeat(AUTHORITIES_MAX + 1);
        let long = format!("{PEM}{}", " x\n".repeat(AUTHORITIES_LEN_MAX));
        for text in ["", "hello", key, &format!("{PEM}{key}"), &broken, cut, &many, &long] {
            let refused = Authorities::parse(text).expect_err("refused");
            assert!(!refused.to_string().contains("c2VjcmV0"), "{refused}");
        }
    }
}
