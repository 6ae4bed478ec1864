//! Comments as they are judged: what they leave behind, to be counted in a while.
//!
//! One row for each comment, at the end of its table, is all that an admission waits for. Counting touches a dozen rows
//! all over the file, which is a dozen pages to write: `counting` does it behind, for many comments at once.

use sqlx::SqliteConnection;

use super::keys::{Hashed, Key};
use super::seconds;
use super::signature::Signature;
use super::trail::Outcome;
use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::sqlite::many::{MOST, many};
use crate::verdict::Decision;

/// A comment that was just judged.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub row: i64,
    pub site: SiteId,
    /// When it came, microseconds.
    pub received_at: i64,
    pub decision: Decision,
    pub traces: &'a Hashed,
}

/// Keeps what `arrivals` left behind.
pub async fn keep(conn: &mut SqliteConnection, arrivals: &[Arrival<'_>]) -> Result<(), StoreError> {
    let arrivals: Vec<&Arrival<'_>> = arrivals.iter().filter(|arrival| !arrival.traces.is_empty()).collect();
    for run in arrivals.chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO traces (comment, site, at, flags, checks, people, people_at, keys, waiting)
             SELECT column1, column2, column3, column4, column5, 0, 0, column6, column7 FROM",
            7,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for arrival in run {
            insert = insert
                .bind(arrival.row)
                .bind(arrival.site.0)
                .bind(seconds(arrival.received_at))
                .bind(arrival.traces.flags)
                .bind(Outcome::from(arrival.decision) as i64)
                .bind(Key::bytes(&arrival.traces.keys))
                .bind(Waiting::of(arrival.traces).bytes());
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// What counting takes besides a comment's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// 0: no e-mail was sent.
    pub spelling: u32,
    pub author: u32,
    pub post: u32,
    pub site: u32,
    pub signature: Option<Signature>,
}

impl Waiting {
    fn of(hashed: &Hashed) -> Waiting {
        let Hashed { spelling, author, post, site, .. } = *hashed;
        let signature = hashed.text.as_ref().map(|text| text.signature);
        Waiting { spelling: spelling.unwrap_or_default(), author, post, site, signature }
    }

    fn bytes(&self) -> Vec<u8> {
        let numbers = [self.spelling, self.author, self.post, self.site];
        let numbers = numbers.into_iter().flat_map(u32::to_le_bytes);
        numbers.chain(self.signature.iter().flat_map(Signature::bytes)).collect()
    }

    /// What cannot be read says nothing.
    pub fn read(bytes: &[u8]) -> Waiting {
        let mut rest = bytes;
        let mut number = || {
            let Some((four, after)) = rest.split_first_chunk() else { return 0 };
            rest = after;
            u32::from_le_bytes(*four)
        };
        let (spelling, author, post, site) = (number(), number(), number(), number());
        Waiting { spelling, author, post, site, signature: Signature::read(rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{BANDS, MINS};

    #[test]
    fn what_waits_comes_back_from_its_bytes() {
        let signature = Signature { mins: [7; MINS], bands: [9; BANDS] };
        let waiting = Waiting { spelling: 1, author: 2, post: 3, site: u32::MAX, signature: Some(signature) };
        assert_eq!(Waiting::read(&waiting.bytes()), waiting);
        let short = Waiting { signature: None, ..waiting };
        assert_eq!(Waiting::read(&short.bytes()), short);
        let bytes = waiting.bytes();
        assert_eq!(Waiting::read(bytes.get(..bytes.len() - 1).unwrap()), short, "cut short");
        assert_eq!(Waiting::read(&[]), Waiting::default());
    }
}
