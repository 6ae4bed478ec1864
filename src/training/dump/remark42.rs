//! The backup of Remark42: a line that describes it, then an object a comment.
//!
//! It keeps no spam, only what was deleted, and of that no text.

use std::borrow::Cow;
use std::io::Read;

use serde::Deserialize;

use super::jsonl::{Lines, complaint};
use super::record::is_nothing;
use super::{Break, Example, Item, Reader, What, date};
use crate::comment::{Author, Comment, ContentFormat};
use crate::verdict::Label;

#[derive(Deserialize)]
struct Post<'a> {
    #[serde(default)]
    id: String,
    #[serde(default)]
    pid: String,
    /// HTML; `orig` is what was written, in Markdown.
    text: Option<String>,
    orig: Option<String>,
    #[serde(default, rename = "delete")]
    is_deleted: bool,
    user: Option<User>,
    locator: Option<Locator>,
    title: Option<String>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    /// Of the first line alone.
    version: Option<u64>,
}

#[derive(Deserialize)]
struct User {
    name: Option<String>,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Locator {
    url: Option<String>,
}

/// Does a file with this beginning look like a backup?
pub(super) fn is_backup(head: &str) -> bool {
    let first = head.trim_start().lines().next().unwrap_or_default();
    (first.contains("\"version\"") && first.contains("\"users\"") && !first.contains("\"label\""))
        || (first.contains("\"locator\":{") && first.contains("\"pid\""))
}

pub(super) struct Remark42<R>(Lines<R>);

impl<R: Read> Remark42<R> {
    pub(super) fn new(source: R) -> Remark42<R> {
        Remark42(Lines::new(source))
    }
}

impl<R: Read> Reader for Remark42<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        loop {
            match self.0.next(example)? {
                // The first line is about the backup; it is no comment that is passed over.
                Ok(Item { what: What::PassedOver(what), .. }) if what == HEADER => {}
                item => return Some(item),
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        self.0.fields.note().into_iter().collect()
    }
}

const HEADER: &str = "header";

fn example(line: &str) -> What {
    let post: Post<'_> = match serde_json::from_str(line) {
        Ok(post) => post,
        Err(error) => return What::Bad(complaint(&error)),
    };
    if post.version.is_some() && post.text.is_none() {
        return What::PassedOver(HEADER.into());
    }
    if post.is_deleted {
        return What::PassedOver("deleted".into());
    }
    let (Some(content), format) = (match post.orig.filter(|orig| !orig.is_empty()) {
        Some(orig) => (Some(orig), ContentFormat::Markdown),
        None => (post.text, ContentFormat::Html),
    }) else {
        return What::Bad("no text in it".to_owned());
    };
    let user = post.user.unwrap_or(User { name: None, id: None });
    let comment = Comment {
        author: Author { name: user.name, id: user.id, ..Author::default() },
        content_format: format,
        permalink: post.locator.and_then(|locator| locator.url),
        post_title: post.title.filter(|title| !title.is_empty()),
        submitted_at: post.time.and_then(|time| date::parse(&time)),
        external_id: Some(post.id).filter(|id| !is_nothing(id)),
        parent_id: Some(post.pid).filter(|id| !is_nothing(id)),
        ..Comment::of_text(content)
    };
    What::Example(Example { comment, label: Label::Ham, source: None })
}
