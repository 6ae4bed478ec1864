//! Asking Gravatar whether an author has a picture there. What is sent is the SHA-256 of the e-mail address, which can be
//! guessed back. Its API is described at docs.gravatar.com/api/avatars/images.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Failure, http};

/// A client for one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gravatar {
    http: reqwest::Client,
    url: String,
}

impl Gravatar {
    /// * `url`: what comes before the hash.
    ///
    /// # Errors
    /// As [`http::client`].
    pub fn new(url: &str, timeout: Duration) -> Result<Gravatar, String> {
        Ok(Gravatar { http: http::client(timeout)?, url: url.to_owned() })
    }

    /// Whether there is a picture.
    ///
    /// * `hash`: as [`hash_of`] makes it.
    pub async fn has(&self, hash: &str) -> Result<bool, Failure> {
        let url = format!("{}{hash}?d=404&s=1", self.url);
        match self.http.head(&url).send().await.map_err(http::failed)?.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            403 | 429 => Err(Failure::Refused),
            _ => Err(Failure::Broken),
        }
    }
}

/// What stands for an address that is lower case and without blanks around it.
pub fn hash_of(email: &str) -> String {
    format!("{:x}", Sha256::digest(email))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_e_mail_leaves_the_house_as_its_sha_256_only() {
        // printf bob@mail.example | sha256sum
        assert_eq!(hash_of("bob@mail.example"), "cdc05e46104820aa49834c29e123afe9c3dc6ca9d7a26cbd0d1bfedc4d00975c");
    }
}
