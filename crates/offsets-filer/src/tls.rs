//! Whom to trust, and what to show.

use crate::settings::{Settings, SettingsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// The client's side of TLS.
pub fn config(settings: &Settings) -> Result<ClientConfig, SettingsError> {
    let wrong = |error: rustls::Error| SettingsError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots(settings)?);
    match (&settings.cert_file, &settings.key_file) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| SettingsError::File(key.clone(), error.to_string()))?;
            builder.with_client_auth_cert(certificates(cert)?, key).map_err(wrong)
        }
        _ => Err(SettingsError::Tls(
            "a certificate to show needs its key, and the other way round".to_owned(),
        )),
    }
}

fn roots(settings: &Settings) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    match &settings.ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                let wrong =
                    |error: rustls::Error| SettingsError::File(file.clone(), error.to_string());
                roots.add(certificate).map_err(wrong)?;
            }
        }
        None if settings.urls.iter().any(|url| url.starts_with("https:")) => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        None => {}
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let wrong = |why: String| SettingsError::File(file.to_owned(), why);
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| wrong(error.to_string()))?;
    match certificates.is_empty() {
        true => Err(wrong("holds no certificate".to_owned())),
        false => Ok(certificates),
    }
}
