//! The XML export of Disqus: threads (pages), then posts (comments) that name their thread.

use std::collections::HashMap;
use std::io::Read;

use super::record::is_nothing;
use super::xml::{Token, Xml};
use super::{Break, Example, Item, Place, Reader, What, date};
use crate::comment::{Author, Comment, ContentFormat};
use crate::verdict::Label;

/// Threads whose address and title are kept, and bytes of them; comments of others go without.
const MAX_THREADS: usize = 200_000;
const MAX_THREAD_BYTES: usize = 32 << 20;

#[derive(Default)]
struct Thread {
    link: String,
    title: String,
}

#[derive(Default)]
struct Post {
    message: Option<String>,
    created: String,
    is_spam: bool,
    is_deleted: bool,
    author: Author,
    ip: String,
    thread: String,
    parent: String,
    trouble: Option<String>,
}

/// In which element the reader is.
enum Inside {
    Neither,
    Thread(Thread),
    Post(Box<Post>),
}

pub(super) struct Disqus<R: Read> {
    xml: Xml<R>,
    threads: HashMap<String, Thread>,
    thread_bytes: usize,
    inside: Inside,
    id: String,
    /// Elements within the one in hand, so that the author's `name` is not taken for another.
    depth: u32,
    began: u64,
    is_full: bool,
}

impl<R: Read> Disqus<R> {
    pub(super) fn new(source: R) -> Disqus<R> {
        Disqus {
            xml: Xml::new(source),
            threads: HashMap::new(),
            thread_bytes: 0,
            inside: Inside::Neither,
            id: String::new(),
            depth: 0,
            began: 0,
            is_full: false,
        }
    }

    fn start(&mut self) {
        let id = || self.xml.attribute("id").unwrap_or_default().to_owned();
        match (&mut self.inside, self.xml.name()) {
            (Inside::Neither, name @ ("thread" | "post")) => {
                self.inside =
                    if name == "post" { Inside::Post(Box::default()) } else { Inside::Thread(Thread::default()) };
                self.id = id();
                self.began = self.xml.position();
                self.depth = 0;
                return;
            }
            (Inside::Neither, _) => return,
            (Inside::Post(post), "thread") => post.thread = id(),
            (Inside::Post(post), "parent") => post.parent = id(),
            (Inside::Thread(_), "link" | "title") if self.depth == 0 => self.xml.collect(),
            (
                Inside::Post(_),
                "message" | "createdAt" | "isSpam" | "isDeleted" | "email" | "name" | "username" | "ipAddress",
            ) => self.xml.collect(),
            _ => {}
        }
        self.depth += 1;
    }

    fn end(&mut self) -> Option<Item> {
        if self.depth == 0 {
            return match std::mem::replace(&mut self.inside, Inside::Neither) {
                Inside::Neither => None,
                Inside::Thread(thread) => {
                    self.keep(thread);
                    None
                }
                Inside::Post(post) => Some(self.item(*post)),
            };
        }
        self.depth -= 1;
        let depth = self.depth;
        match &mut self.inside {
            Inside::Thread(thread) if depth == 0 => {
                let to = match self.xml.name() {
                    "link" => &mut thread.link,
                    "title" => &mut thread.title,
                    _ => return None,
                };
                *to = self.xml.collected().unwrap_or_default().trim().to_owned();
            }
            Inside::Post(post) => {
                let name = self.xml.name();
                if !matches!(
                    name,
                    "message" | "createdAt" | "isSpam" | "isDeleted" | "email" | "name" | "username" | "ipAddress"
                ) {
                    return None;
                }
                let name = name.to_owned();
                let text = match self.xml.collected() {
                    Ok(text) => text,
                    Err(reason) => {
                        post.trouble = Some(reason);
                        return None;
                    }
                };
                match name.as_str() {
                    "message" => post.message = Some(text),
                    "createdAt" => post.created = text,
                    "isSpam" => post.is_spam = text.trim() == "true",
                    "isDeleted" => post.is_deleted = text.trim() == "true",
                    "email" => post.author.email = Some(text),
                    "name" => post.author.name = Some(text),
                    "username" => post.author.id = Some(text).filter(|text| !text.is_empty()),
                    _ => post.ip = text,
                }
            }
            _ => {}
        }
        None
    }

    fn keep(&mut self, thread: Thread) {
        let bytes = thread.link.len() + thread.title.len() + self.id.len();
        if self.threads.len() >= MAX_THREADS || self.thread_bytes + bytes > MAX_THREAD_BYTES {
            self.is_full = true;
            return;
        }
        self.thread_bytes += bytes;
        self.threads.insert(std::mem::take(&mut self.id), thread);
    }

    fn item(&mut self, post: Post) -> Item {
        let place = self.id.parse().map_or(Place::Byte(self.began), |id| Place::Comment(id, self.began));
        let what = match (post.trouble, post.message) {
            (Some(reason), _) => What::Bad(reason),
            // What was deleted may have been anything; marked as spam it was that.
            _ if post.is_deleted && !post.is_spam => What::PassedOver("deleted".into()),
            (None, None) => What::Bad("no text in it".to_owned()),
            (None, Some(message)) => {
                let thread = self.threads.get(&post.thread);
                let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
                let comment = Comment {
                    author: Author { ip: post.ip.trim().parse().ok(), ..post.author },
                    content_format: ContentFormat::Html,
                    permalink: thread.and_then(|thread| filled(&thread.link)),
                    post_title: thread.and_then(|thread| filled(&thread.title)),
                    submitted_at: date::parse(&post.created),
                    external_id: Some(std::mem::take(&mut self.id)).filter(|id| !is_nothing(id)),
                    parent_id: Some(post.parent).filter(|id| !is_nothing(id)),
                    ..Comment::of_text(message)
                };
                let label = if post.is_spam { Label::Spam } else { Label::Ham };
                What::Example(Example { comment, label, source: None })
            }
        };
        Item { place, what }
    }
}

impl<R: Read> Reader for Disqus<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        loop {
            match self.xml.next() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some(Token::Start)) => self.start(),
                Ok(Some(Token::End)) => {
                    if let Some(item) = self.end() {
                        return Some(Ok(item));
                    }
                }
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        let full = self
            .is_full
            .then(|| format!("more than {MAX_THREADS} threads; comments of later ones go without address and title"));
        self.xml.note().into_iter().chain(full).collect()
    }
}
