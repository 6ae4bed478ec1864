//! Whether the page that a trackback, pingback or webmention names links back: one that does not was made to get a link, not
//! to tell of one. Source: W3C Webmention, § 3.2.2.
//!
//! Owns telling a link in a page. Does not own the client, which cannot be led into the operator's own network (`webhook`).

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;

use super::Failure;
use crate::webhook::{Allow, Client, Settings};

/// Bytes of a page that are read.
const MOST_BYTES: usize = 1024 * 1024;
/// Pages that are in memory at once: whoever floods a site with trackbacks says which.
const AT_ONCE: usize = 8;

/// Fetches pages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backlinks {
    client: Client,
    room: Arc<Semaphore>,
}

impl Backlinks {
    /// * `allow`: which addresses beside public ones may be fetched from.
    ///
    /// # Errors
    /// A sentence: the client cannot be built.
    pub fn new(allow: Allow, timeout: Duration) -> Result<Backlinks, String> {
        let settings = Settings { connect_timeout: timeout, timeout, answer_bytes: MOST_BYTES, allow };
        let room = Arc::new(Semaphore::new(AT_ONCE));
        Client::new(settings).map(|client| Backlinks { client, room }).map_err(|error| error.to_string())
    }

    /// Whether the page at `source` names `target`. That it cannot be had is no evidence, and nobody else's fault.
    pub async fn is_there(&self, source: &str, target: &str) -> Result<bool, Failure> {
        let _room = self.room.try_acquire().map_err(|_| Failure::NotAsked)?;
        let page = self.client.fetch(source).await.ok_or(Failure::NotAsked)?;
        match names(&page.text, target) {
            // The rest may have it.
            false if !page.is_whole => Err(Failure::NotAsked),
            is_there => Ok(is_there),
        }
    }
}

/// Whether a page has the address in it, whatever its scheme, a `www.` before and a slash after it, and whether Arabic in it is
/// written as letters or as percents.
fn names(page: &str, target: &str) -> bool {
    let target = bare(target);
    !target.is_empty() && plain(page).replace("&amp;", "&").replace("&#038;", "&").contains(&target)
}

fn plain(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().to_lowercase()
}

fn bare(url: &str) -> String {
    let url = plain(url.trim());
    let url = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let url = url.split('#').next().unwrap_or_default();
    url.trim_start_matches("www.").trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_told_however_it_is_written() {
        let target = "https://www.news.example/?p=7&lang=ar#comments";
        for page in [
            "<a href=\"https://www.news.example/?p=7&amp;lang=ar\">a report</a>",
            "<a href='HTTP://News.Example/?p=7&#038;lang=ar'>",
            "see news.example/?p=7&lang=ar",
        ] {
            assert!(names(page, target), "{page}");
        }
        for page in ["", "<a href=\"https://news.example/?p=8&amp;lang=ar\">", "news example"] {
            assert!(!names(page, target), "{page}");
        }
        assert!(names("<a href=\"https://news.example/a-story\">", "http://news.example/a-story/"));
        assert!(!names("anything", ""));
        let (letters, percents) = ("https://news.example/خبر/", "https://news.example/%D8%AE%d8%a8%D8%B1");
        assert!(names(letters, percents) && names(percents, letters) && !names("https://news.example/", letters));
    }
}
