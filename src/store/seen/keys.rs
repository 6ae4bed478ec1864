//! Keyed hashes: under which names things are kept, without their names.
//!
//! SipHash-2-4 under the installation's own secret: who has not the secret cannot find two things of one key, nor try
//! addresses until one fits. 64 bits: of a hundred million things two share a key with a chance of one in four thousand.
//!
//! # Source
//! Aumasson and Bernstein, *SipHash: a fast short-input PRF* (2012).

use std::fmt;
use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::signature::Signature;
use super::{LINKS, SAYS_SOMETHING, SHORT};
use crate::site::SiteId;
use crate::store::{StoreError, Traces, Trait};

/// Identities of a comment that are remembered; a text full of links is no reason to write a thousand rows.
const MOST: usize = 12;

/// The kinds of keys besides those of [`Trait`].
const TEXT: u8 = 16;
const TEXT_HERE: u8 = 17;
const AUTHOR: u8 = 18;
const POST: u8 = 19;
const SPELLING: u8 = 20;

/// The secret of the installation, ready for hashing.
#[derive(Clone)]
pub struct Secret(SipHasher24);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// One thing that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    kind: u8,
    pub hash: i64,
}

impl Key {
    pub const BYTES: usize = 9;

    /// Comments are counted under it.
    pub fn is_seen(self) -> bool {
        self.kind != TEXT_HERE
    }

    /// What people said is counted under it. Of a text that is kept apart: it counts at their site only.
    pub fn is_heard(self) -> bool {
        self.kind != TEXT
    }

    pub fn is_email(self) -> bool {
        self.kind == Trait::Email as u8
    }

    pub fn bytes(keys: &[Key]) -> Vec<u8> {
        keys.iter().flat_map(|key| [key.kind].into_iter().chain(key.hash.to_le_bytes())).collect()
    }

    pub fn read(bytes: &[u8]) -> Vec<Key> {
        let of = |bytes: &[u8]| {
            let (&kind, hash) = bytes.split_first()?;
            Some(Key { kind, hash: i64::from_le_bytes(hash.try_into().ok()?) })
        };
        bytes.chunks_exact(Key::BYTES).filter_map(of).collect()
    }
}

/// [`Traces`] as they are kept.
#[derive(Clone, Debug, Default)]
pub struct Hashed {
    /// In the order of [`Traces::identities`], then those of the text.
    pub keys: Vec<Key>,
    pub text: Option<Text>,
    pub spelling: Option<u32>,
    pub author: u32,
    pub post: u32,
    pub site: u32,
    pub flags: i64,
}

#[derive(Clone, Debug)]
pub struct Text {
    /// The text anywhere, and at this site.
    pub anywhere: i64,
    pub here: i64,
    pub signature: Signature,
}

impl Hashed {
    /// Nothing was left behind.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Secret {
    /// * `secret`: as an engine keeps it, 16 bytes or more.
    pub fn of(secret: &[u8]) -> Result<Secret, StoreError> {
        secret
            .first_chunk()
            .map(Secret::new)
            .ok_or_else(|| StoreError::Unusable("the secret of the history cannot be used".to_owned()))
    }

    fn new(secret: &[u8; 16]) -> Secret {
        Secret(SipHasher24::new_with_key(secret))
    }

    fn hash(&self, kind: u8, site: SiteId, name: &[u8]) -> i64 {
        let mut hasher = self.0;
        hasher.write_u8(kind);
        hasher.write(&site.0.to_le_bytes());
        hasher.write(name);
        hasher.finish().cast_signed()
    }

    /// Half a hash, never 0.
    fn half(&self, kind: u8, site: SiteId, name: &str) -> u32 {
        lower(self.hash(kind, site, name.as_bytes()).cast_unsigned()).max(1)
    }

    /// What a comment of `site` leaves behind. Counts are kept by site, but for texts, which are looked for everywhere.
    pub fn hashed(&self, site: SiteId, traces: &Traces) -> Hashed {
        const ANYWHERE: SiteId = SiteId(0);
        let identities = traces.identities.iter().take(MOST);
        let mut keys: Vec<Key> = identities
            .map(|(kind, name)| Key { kind: *kind as u8, hash: self.hash(*kind as u8, site, name.as_bytes()) })
            .collect();
        let text = traces.fingerprint.as_ref().map(|print| {
            let exact = print.exact.to_le_bytes();
            Text {
                anywhere: self.hash(TEXT, ANYWHERE, &exact),
                here: self.hash(TEXT_HERE, site, &exact),
                signature: Signature::of(print),
            }
        });
        if let Some(text) = &text {
            keys.extend([Key { kind: TEXT, hash: text.anywhere }, Key { kind: TEXT_HERE, hash: text.here }]);
        }
        let half = |kind, site, name: &Option<String>| name.as_ref().map(|name| self.half(kind, site, name));
        let mut flags = if traces.is_short { SHORT } else { 0 };
        flags |= if traces.has_link { LINKS } else { 0 };
        flags |= if text.is_some() { SAYS_SOMETHING } else { 0 };
        Hashed {
            keys,
            text,
            spelling: half(SPELLING, ANYWHERE, &traces.email_spelling),
            author: half(AUTHOR, ANYWHERE, &traces.author).unwrap_or_default(),
            post: half(POST, site, &traces.post).unwrap_or_default(),
            site: self.half(POST, site, ""),
            flags,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half a hash is a hash")]
fn lower(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_their_bytes() {
        let secret = Secret::new(&[7; 16]);
        let identities = vec![(Trait::Email, "a@b.example".to_owned()), (Trait::Domain, "a@b.example".to_owned())];
        let hashed = secret.hashed(SiteId(1), &Traces { identities: identities.clone(), ..Traces::default() });
        let [email, domain] = hashed.keys[..] else { panic!("{hashed:?}") };
        assert!(email.is_email() && !domain.is_email() && email.hash != domain.hash);
        assert_eq!(Key::read(&Key::bytes(&hashed.keys)), hashed.keys);
        let elsewhere = secret.hashed(SiteId(2), &Traces { identities, ..Traces::default() });
        assert_ne!(elsewhere.keys, hashed.keys);
    }
}
