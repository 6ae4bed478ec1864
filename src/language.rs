//! The languages that Hamlet writes to people in.
//!
//! Owns which there are and how one is chosen. Does not own the words (`reason`), nor which language a comment is in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language that reasons are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Language {
    #[serde(rename = "en")]
    English,
    #[serde(rename = "ar")]
    Arabic,
    #[serde(rename = "de")]
    German,
}

impl Language {
    pub const ALL: [Language; 3] = [Language::English, Language::Arabic, Language::German];

    /// As BCP 47 writes it: `en`, `ar`, `de`.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Arabic => "ar",
            Language::German => "de",
        }
    }

    pub fn is_right_to_left(self) -> bool {
        self == Language::Arabic
    }

    /// The first language of `tags` that there is: `ar-EG`, `en_us`, or a list such as WordPress's `fr_ca, ar`.
    pub fn of_tags(tags: &str) -> Option<Language> {
        // The door bounds the field; a list that goes on is no list of languages.
        tags.split([',', ';', ' ']).take(32).find_map(|tag| {
            let primary = tag.trim().split(['-', '_']).next()?;
            Language::ALL.into_iter().find(|language| language.as_str().eq_ignore_ascii_case(primary))
        })
    }

    /// What a site's people read: as its policy says, else as the CMS said with the comment, else English.
    pub fn of_site(policy: Option<Language>, tags: Option<&str>) -> Language {
        policy.or_else(|| Language::of_tags(tags?)).unwrap_or(Language::English)
    }

    /// What who wrote a comment reads: as the CMS said with it, else as the site's policy says, else English.
    pub fn of_commenter(policy: Option<Language>, tags: Option<&str>) -> Language {
        tags.and_then(Language::of_tags).or(policy).unwrap_or(Language::English)
    }
}

/// Is `c` a letter of Hebrew, Arabic or their neighbours? Text without any does not turn what stands around it.
pub fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}')
        || matches!(c, '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Language, String> {
        let known = Language::ALL.into_iter().find(|language| language.as_str().eq_ignore_ascii_case(text.trim()));
        known.ok_or_else(|| format!("`{text}` is no language that reasons are written in; say en, ar or de"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_tag() {
        for (tags, expected) in [
            ("ar", Some(Language::Arabic)),
            ("AR-eg", Some(Language::Arabic)),
            ("en_us", Some(Language::English)),
            ("fr_ca, de_AT, ar", Some(Language::German)),
            ("arn", None),
            ("", None),
            ("fr", None),
        ] {
            assert_eq!(Language::of_tags(tags), expected, "{tags}");
        }
        assert_eq!("ar".parse(), Ok(Language::Arabic));
        assert!("fr".parse::<Language>().unwrap_err().contains("say en, ar or de"));
    }

    #[test]
    fn a_site_that_said_nothing_is_answered_in_the_language_it_is_in() {
        use Language::{Arabic, English, German};
        assert_eq!(Language::of_site(None, Some("ar")), Arabic);
        assert_eq!(Language::of_site(Some(German), Some("ar")), German);
        assert_eq!(Language::of_site(None, Some("fr")), English);
        assert_eq!(Language::of_site(None, None), English);
        assert_eq!(Language::of_commenter(Some(German), Some("ar")), Arabic);
        assert_eq!(Language::of_commenter(Some(German), Some("fr")), German);
        assert_eq!(Language::of_commenter(None, None), English);
    }
}
