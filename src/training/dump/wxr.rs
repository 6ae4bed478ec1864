//! WXR, WordPress's own export: an RSS feed of posts with their comments.
//!
//! WordPress leaves comments marked as spam out of it (`export_wp` takes all but those), so that it teaches ham alone;
//! exports made by other tools may have them.

use std::io::Read;

use super::charset::Fields;
use super::columns::{SLOTS, Slot};
use super::record::{self, Cells, Words};
use super::wordpress::{Deciders, Histories, History};
use super::xml::{Token, Xml};
use super::{Break, Item, LabelMap, MAX_RECORD_BYTES, Options, Place, Reader, What};

pub(super) struct Wxr<R: Read> {
    xml: Xml<R>,
    labels: LabelMap,
    fields: Fields,
    /// Of the post whose comments come.
    title: String,
    link: String,
    /// What the comment in hand has.
    cells: [Option<String>; SLOTS],
    history: History,
    meta_key: String,
    /// Why the comment in hand cannot be read.
    trouble: Option<String>,
    began: u64,
    is_in_item: bool,
    is_in_comment: bool,
    deciders: Deciders,
}

impl<R: Read> Wxr<R> {
    pub(super) fn new(source: R, options: &Options) -> Wxr<R> {
        Wxr {
            xml: Xml::new(source),
            labels: options.labels.clone(),
            fields: Fields::new(),
            title: String::new(),
            link: String::new(),
            cells: [const { None }; SLOTS],
            history: History::default(),
            meta_key: String::new(),
            trouble: None,
            began: 0,
            is_in_item: false,
            is_in_comment: false,
            deciders: Deciders::default(),
        }
    }

    fn start(&mut self) {
        match (self.is_in_comment, self.xml.name()) {
            (false, "item") => {
                self.is_in_item = true;
                self.title.clear();
                self.link.clear();
            }
            (false, "comment") => {
                self.is_in_comment = true;
                self.began = self.xml.position();
                self.cells = [const { None }; SLOTS];
                self.history = History::default();
                self.trouble = None;
            }
            (false, "title" | "link") if self.is_in_item => self.xml.collect(),
            (true, "meta_key" | "meta_value") => self.xml.collect(),
            (true, name) if slot(name).is_some() => self.xml.collect(),
            _ => {}
        }
    }

    /// An element ends; true when it was a comment.
    fn end(&mut self) -> bool {
        enum Wanted {
            Title,
            Link,
            Key,
            Value,
            Cell(Slot),
        }
        let wanted = match (self.is_in_comment, self.xml.name()) {
            (true, "comment") => {
                self.is_in_comment = false;
                return true;
            }
            (false, "item") => {
                self.is_in_item = false;
                return false;
            }
            (false, "title") if self.is_in_item => Wanted::Title,
            (false, "link") if self.is_in_item => Wanted::Link,
            (true, "meta_key") => Wanted::Key,
            (true, "meta_value") => Wanted::Value,
            (true, name) => match slot(name) {
                Some(slot) => Wanted::Cell(slot),
                None => return false,
            },
            _ => return false,
        };
        match (self.xml.collected(), wanted) {
            (Ok(text), Wanted::Title) => self.title = text,
            (Ok(text), Wanted::Link) => self.link = text,
            (Ok(text), Wanted::Key) => self.meta_key = text,
            (Ok(text), Wanted::Value) => self.history.learn(self.meta_key.trim().as_bytes(), text.trim().as_bytes()),
            (Ok(text), Wanted::Cell(slot)) => {
                if let Some(cell) = self.cells.get_mut(slot as usize) {
                    *cell = Some(text);
                }
            }
            (Err(reason), Wanted::Cell(_)) => self.trouble = Some(reason),
            (Err(_), _) => {}
        }
        false
    }

    fn comment(&mut self) -> Item {
        let id = self.cells.get(Slot::Id as usize).and_then(|id| id.as_deref()?.trim().parse().ok());
        let place = id.map_or(Place::Byte(self.began), |id| Place::Comment(id, self.began));
        let bytes: usize = self.cells.iter().flatten().map(String::len).sum();
        if let Some(reason) = self.trouble.take() {
            return Item { place, what: What::Bad(reason) };
        }
        if bytes > MAX_RECORD_BYTES {
            return Item { place, what: What::Bad(format!("longer than {MAX_RECORD_BYTES} bytes")) };
        }
        let mut cells: Cells<'_> = [None; SLOTS];
        for (cell, text) in cells.iter_mut().zip(&self.cells) {
            *cell = text.as_deref().map(str::as_bytes);
        }
        for (slot, text) in [(Slot::Permalink, &self.link), (Slot::Title, &self.title)] {
            if let Some(cell) = cells.get_mut(slot as usize) {
                *cell = Some(text.trim().as_bytes());
            }
        }
        let what = record::read(&cells, Words::WordPress, &self.labels, self.history, &mut self.fields);
        if let What::Example(example) = &what {
            self.deciders.count(example.label, self.history);
        }
        Item { place, what }
    }
}

/// `comment_user_id` is what the table calls `user_id`.
fn slot(name: &str) -> Option<Slot> {
    if name == "comment_user_id" { Some(Slot::User) } else { Slot::of_wordpress(name) }
}

impl<R: Read> Reader for Wxr<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        loop {
            match self.xml.next() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some(Token::Start)) => self.start(),
                Ok(Some(Token::End)) if self.end() => return Some(Ok(self.comment())),
                Ok(Some(Token::End)) => {}
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        self.xml.note().into_iter().chain(self.deciders.note(&Histories::default())).collect()
    }
}
