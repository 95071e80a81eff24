//! Why a handshake failed, in words for the people on this side.

use std::io;

use rustls::{CertificateError, Error, OtherError};

/// Returns the reason that a handshake failed with `error`: one of a closed set, without words of the server.
pub fn problem(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(refused)) => of_certificate(refused),
        Some(Error::AlertReceived(_)) => "the server ended the TLS handshake with an alert",
        Some(Error::InvalidMessage(_)) => "the server does not speak TLS",
        Some(Error::PeerIncompatible(_)) => "the server speaks no version or cipher of TLS that is safe",
        Some(Error::General(_)) => "the certificates to trust cannot be read; the gateway's log says why",
        Some(_) => "the TLS handshake failed",
        None => "the connection ended within the TLS handshake",
    }
}

fn of_certificate(refused: &CertificateError) -> &'static str {
    match refused {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        // One that is trusted may have the same name as the issuer, but another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate is signed by an authority that is not trusted, or by itself"
        }
        CertificateError::Other(OtherError(error))
            if matches!(error.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)) =>
        {
            "the certificate is signed by itself, and is not trusted"
        }
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::BadEncoding => "the certificate cannot be read",
        _ => "the certificate is not valid",
    }
}
