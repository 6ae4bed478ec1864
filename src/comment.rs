//! A comment as it was sent: plain data, checked at the door, never changed afterwards.
//!
//! Owns the shape of a comment and of its author, and the difference between a field that was not sent (`None`) and
//! one that was sent empty (`Some("")`). Does not own what the text means (`text`) nor what becomes of it (`verdict`).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::value::{self, StrDeserializer};
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};

use crate::object;

/// Names one comment. Time-sortable (ULID), so that the newest comments sit together in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples("01KE0F6J5CV4S0T8GZ2Q3N7RBD"))]
pub struct CommentId(pub Ulid);

impl CommentId {
    /// The id as the Akismet protocol carries it: 32 hexadecimal digits.
    pub fn guid(self) -> String {
        format!("{:032x}", self.0.0)
    }

    /// The id that `guid` spells, if it is one of ours.
    pub fn of_guid(guid: &str) -> Option<CommentId> {
        let is_hex = guid.len() == 32 && guid.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(guid, 16).ok().map(|number| CommentId(Ulid(number)))).flatten()
    }
}

impl fmt::Display for CommentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for CommentId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(CommentId)
    }
}

/// One comment. Only `content` is required; a field not sent is not the same as an empty one.
///
/// The JSON form is the body of `POST /v1/comments`; an unknown field is refused there, so that a misspelt one
/// does not go unseen. Anything a CMS wants kept besides goes into `extra`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// `comment`, `reply`, `forum-post`, `contact-form`, `trackback`, … Any word; Akismet's are the usual ones.
    #[serde(default = "default_kind")]
    #[schema(default = default_kind)]
    pub kind: String,
    /// The text, verbatim.
    pub content: String,
    #[serde(default)]
    pub content_format: ContentFormat,
    #[serde(default, deserialize_with = "object::required")]
    pub author: Author,
    /// Address of the page that was commented on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permalink: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_modified_at: Option<Timestamp>,
    /// The `Referer` header that the visitor's browser sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// Language of the site or the comment, BCP 47 (`ar`, `en-GB`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Timestamp>,
    /// The CMS's own id of this comment, unique within a site: sending it twice is one comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// What stood in the form's hidden field; people leave it empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honeypot: Option<String>,
    /// Seconds between showing the form and sending it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub form_seconds: Option<f64>,
    /// Topics of the page: tags, categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// Whatever else the CMS sent; kept. Of it only the headers and counts of the visitor's browser that Akismet plugins send
    /// are judged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

/// Who wrote it, as the form or the CMS says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Author {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = ip_schema, required = false)]
    pub ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Role in the CMS (`administrator`, `editor`, …); a comma list when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// How `content` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentFormat {
    #[default]
    Text,
    Html,
    Markdown,
}

impl ContentFormat {
    /// The format of this name, as JSON spells it.
    pub fn named(name: &str) -> Option<ContentFormat> {
        ContentFormat::deserialize(StrDeserializer::<value::Error>::new(name)).ok()
    }
}

fn default_kind() -> String {
    "comment".to_owned()
}

/// An address of either family, or none.
fn ip_schema() -> Schema {
    let address =
        |family| ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(family)));
    let none = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(none).item(address(KnownFormat::Ipv4)).item(address(KnownFormat::Ipv6)).into()
}

impl Comment {
    /// A comment of which nothing but the text is known.
    pub fn of_text(content: impl Into<String>) -> Comment {
        Comment { kind: default_kind(), content: content.into(), ..Comment::default() }
    }

    /// Is it of a kind that servers send, without a form or a browser?
    pub fn is_ping(&self) -> bool {
        ["pingback", "trackback", "webmention"].iter().any(|kind| self.kind.eq_ignore_ascii_case(kind))
    }

    /// Whether its author wrote something else than in `earlier`, or under another name. What surrounds it (addresses,
    /// times, fields kept besides) may differ each time it is sent.
    pub fn is_edit_of(&self, earlier: &Comment) -> bool {
        let written = |comment: &Comment| {
            let Author { name, email, url, .. } = comment.author.clone();
            (comment.content.clone(), name, email, url)
        };
        written(self) != written(earlier)
    }
}

impl Author {
    /// The roles in `role`, lower-cased as sent, without empty ones.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.role.as_deref().unwrap_or("").split(',').map(str::trim).filter(|role| !role.is_empty())
    }
}
