//! The HTTP client for services that are asked, and what their silence means.

use std::time::Duration;

use super::Failure;

/// A client that follows no redirect and repeats nothing: what is sent is sent once, to whom the settings name.
///
/// # Errors
/// A sentence: it cannot be built, as on a machine without root certificates.
pub fn client(timeout: Duration) -> Result<reqwest::Client, String> {
    // reqwest asks for the process's provider. Someone else's, if it is there already, is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("Hamlet/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .timeout(timeout)
        .build()
        .map_err(|error| format!("a network service cannot be asked: {error}; is the package ca-certificates there?"))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
pub fn failed(error: reqwest::Error) -> Failure {
    if error.is_timeout() { Failure::TooLate } else { Failure::Broken }
}
