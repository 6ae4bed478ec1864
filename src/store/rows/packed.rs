//! Comments and verdicts as rows keep them: JSON, packed by zstd with a dictionary of what such documents repeat.
//!
//! A verdict is three times as long as the comment that it is about, and most of it are names and sentences that stand in every other
//! one: a sixth is left, in some eight microseconds (`cargo bench --bench dictionary`). What was kept before that is plain JSON, and is read
//! as such.
//!
//! # Source
//! RFC 8878, § 3.1.1 (frames) and § 5 (dictionaries).

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Postgres, Sqlite, Type};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::get_frame_content_size;

use super::{from_json, unreadable};
use crate::store::StoreError;
use crate::store::transfer::Cell;

/// What is packed with it is read with it only, and every frame names it: another one is put beside it, never in its place.
const DICTIONARY: &[u8] = include_bytes!("../../../models/documents.zdict");
/// zstd's own, 3, leaves a twentieth less; but its tables do not stay in a core's cache beside all else, and so it takes half as long again.
const LEVEL: i32 = 1;
const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Longer than any document: what comes in is bounded at the doors. A damaged row must not ask for all memory.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

static TO_PACK: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static TO_UNPACK: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

thread_local! {
    // Making one takes longer than what it does.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A document as it lies in a row. Damaged ones are told when they are read, so that they spoil no other row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Packed(Vec<u8>);

impl Packed {
    /// Packs a document.
    pub fn of(json: &str) -> Packed {
        // zstd fails for want of memory alone; plain JSON is read as well.
        Packed(pack(json.as_bytes()).unwrap_or_else(|_| json.as_bytes().to_vec()))
    }

    /// What is kept in the row.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// As text, for who reads it elsewhere; as it lies here when it is damaged.
    pub fn into_cell(self) -> Cell {
        self.text("").map_or(Cell::Bytes(self.0), Cell::Text)
    }

    /// The JSON that was packed. `row` names it to whoever is told that it cannot be read.
    pub fn json(&self, row: impl fmt::Display) -> Result<Cow<'_, [u8]>, StoreError> {
        if !self.0.starts_with(&MAGIC) {
            return Ok(Cow::Borrowed(&self.0));
        }
        unpack(&self.0).map(Cow::Owned).map_err(|error| unreadable(row, error))
    }

    /// The same as text.
    pub fn text(&self, row: impl fmt::Display) -> Result<String, StoreError> {
        String::from_utf8(self.json(&row)?.into_owned()).map_err(|error| unreadable(row, error))
    }

    pub fn read<T: DeserializeOwned>(&self, row: impl fmt::Display) -> Result<T, StoreError> {
        from_json(&self.json(&row)?, row)
    }
}

impl From<Vec<u8>> for Packed {
    fn from(bytes: Vec<u8>) -> Packed {
        Packed(bytes)
    }
}

fn pack(json: &[u8]) -> io::Result<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| {
        let packer = match packer {
            Some(packer) => packer,
            None => packer.insert(Compressor::with_prepared_dictionary(&TO_PACK)?),
        };
        packer.compress(json)
    })
}

fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = get_frame_content_size(bytes).ok().flatten().filter(|length| *length <= MAX_BYTES);
    let length = length.and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its length is damaged"))?;
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            None => unpacker.insert(Decompressor::with_prepared_dictionary(&TO_UNPACK)?),
        };
        unpacker.decompress(bytes, length)
    })
}

impl Type<Sqlite> for Packed {
    fn type_info() -> <Sqlite as Database>::TypeInfo {
        <Vec<u8> as Type<Sqlite>>::type_info()
    }

    fn compatible(column: &<Sqlite as Database>::TypeInfo) -> bool {
        <Vec<u8> as Type<Sqlite>>::compatible(column)
    }
}

impl<'r> Decode<'r, Sqlite> for Packed {
    fn decode(value: <Sqlite as Database>::ValueRef<'r>) -> Result<Packed, BoxDynError> {
        <Vec<u8> as Decode<Sqlite>>::decode(value).map(Packed)
    }
}

impl Type<Postgres> for Packed {
    fn type_info() -> <Postgres as Database>::TypeInfo {
        <Vec<u8> as Type<Postgres>>::type_info()
    }

    fn compatible(column: &<Postgres as Database>::TypeInfo) -> bool {
        <Vec<u8> as Type<Postgres>>::compatible(column)
    }
}

impl<'r> Decode<'r, Postgres> for Packed {
    fn decode(value: <Postgres as Database>::ValueRef<'r>) -> Result<Packed, BoxDynError> {
        <Vec<u8> as Decode<Postgres>>::decode(value).map(Packed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::classifier::Classifier;
    use crate::comment::Comment;
    use crate::decision::Judge;
    use crate::lists::Lists;
    use crate::rules::RuleSet;
    use crate::site::{Policy, Site, SiteId};
    use crate::store::rows::to_json;
    use crate::store::seen::unhex;
    use crate::verdict::Verdict;

    #[test]
    fn a_verdict_takes_a_third_at_most_and_comes_back_as_it_was() {
        let comment = Comment::of_text("Cheap watches and pills, write to me at https://x.example");
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let site = Site {
            id: SiteId(1),
            name: "news".to_owned(),
            url: "https://news.example/".to_owned(),
            policy: Policy::standard(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let verdict = judge.judge(&comment, &site, &Lists::default(), jiff::Timestamp::UNIX_EPOCH);
        let json = to_json(&verdict).unwrap();
        let packed = Packed::of(&json);
        assert!(packed.bytes().len() * 3 < json.len(), "{} of {}", packed.bytes().len(), json.len());
        assert_eq!(packed.json("it").unwrap(), json.as_bytes());
        assert_eq!(packed.read::<Verdict>("it").unwrap(), verdict);
    }

    #[test]
    fn what_was_kept_as_plain_json_is_read() {
        let plain = Packed::from(br#"{"content":"hi"}"#.to_vec());
        assert_eq!(plain.read::<Comment>("it").unwrap(), Comment::of_text("hi"));
    }

    /// Were the dictionary another one, all that is kept could no longer be read.
    #[test]
    fn what_the_first_dictionary_packed_is_read() {
        let kept = "28b52ffd234481303e738d0100938105d3b44c3a907489321f65525197888705eaa16e281d0107fcc3088183c8b6c78b210b20db\
                    a681adf5c42e2f32840f";
        let comment = Packed::from(unhex(kept)).read::<Comment>("it").unwrap();
        assert_eq!(comment, Comment::of_text("A first comment, packed by the first dictionary."));
    }

    #[test]
    fn a_row_that_claims_to_be_endless_is_refused() {
        // A frame whose header says that 2^60 bytes follow.
        let mut endless = MAGIC.to_vec();
        endless.extend([0xE0]);
        endless.extend((1_u64 << 60).to_le_bytes());
        let told = Packed::from(endless).json("comment 7").unwrap_err().to_string();
        assert!(told.contains("comment 7") && told.contains("length"), "{told}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".{0,400}") {
            prop_assert_eq!(Packed::of(&text).text("it").unwrap(), text);
        }

        #[test]
        fn damaged_bytes_are_told(at in 4_usize..60, byte in any::<u8>(), cut in 0_usize..80) {
            let mut bytes = Packed::of(&"a comment like others, ".repeat(20)).bytes().to_vec();
            bytes.truncate(bytes.len().saturating_sub(cut));
            if let Some(at) = bytes.get_mut(at) {
                *at ^= byte;
            }
            // Whatever it is: no panic, and no more memory than a document may take.
            let _ = Packed::from(bytes).json("it");
        }
    }
}
