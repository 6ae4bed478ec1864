//! Columns: which stands for what, by its usual name or because somebody said so.
//!
//! Owns the names; a table is a table, whether it comes as CSV or as SQL.

/// What a column may hold. The order is that of [`Slot::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Content,
    Label,
    Author,
    Email,
    Url,
    Ip,
    Agent,
    Role,
    User,
    Lang,
    Source,
    /// The moment, in UTC if there is a column for that.
    Date,
    LocalDate,
    Permalink,
    Title,
    Kind,
    Id,
    Parent,
}

/// How many slots there are.
pub(super) const SLOTS: usize = 18;

impl Slot {
    /// Each with its word for `--column` and the names by which it is known; the first that a header has is taken.
    const ALL: [(Slot, &'static str, &'static [&'static str]); SLOTS] = [
        (
            Slot::Content,
            "content",
            &["comment_content", "comment_text", "comment_body", "comment", "text", "body", "message"],
        ),
        (Slot::Label, "label", &["is_spam", "spam", "class", "category", "comment_approved"]),
        (Slot::Author, "author", &["comment_author", "author_name", "name", "username"]),
        (Slot::Email, "email", &["comment_author_email", "author_email"]),
        (Slot::Url, "url", &["comment_author_url", "author_url", "website"]),
        (Slot::Ip, "ip", &["comment_author_ip", "author_ip", "ip_address"]),
        (Slot::Agent, "user_agent", &["comment_agent", "agent"]),
        (Slot::Role, "role", &["author_role"]),
        (Slot::User, "user", &["user_id"]),
        (Slot::Lang, "lang", &["language"]),
        (Slot::Source, "source", &[]),
        (Slot::Date, "date", &["comment_date_gmt", "submitted_at", "created_at", "timestamp"]),
        (Slot::LocalDate, "local_date", &["comment_date"]),
        (Slot::Permalink, "permalink", &["post_url"]),
        (Slot::Title, "title", &["post_title"]),
        (Slot::Kind, "kind", &["comment_type"]),
        (Slot::Id, "id", &["comment_id", "external_id"]),
        (Slot::Parent, "parent", &["comment_parent", "parent_id"]),
    ];

    /// What a column of this name holds in WordPress's table of comments. Asked for every element of a WXR, hence no search.
    pub(super) fn of_wordpress(name: &str) -> Option<Slot> {
        Some(match name {
            "comment_content" => Slot::Content,
            "comment_approved" => Slot::Label,
            "comment_author" => Slot::Author,
            "comment_author_email" => Slot::Email,
            "comment_author_url" => Slot::Url,
            "comment_author_IP" | "comment_author_ip" => Slot::Ip,
            "comment_agent" => Slot::Agent,
            "user_id" => Slot::User,
            "comment_date_gmt" => Slot::Date,
            "comment_date" => Slot::LocalDate,
            "comment_type" => Slot::Kind,
            "comment_ID" | "comment_id" => Slot::Id,
            "comment_parent" => Slot::Parent,
            _ => return None,
        })
    }
}

/// Columns that somebody named: `content=comment_body`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap(Vec<(Slot, String)>);

impl ColumnMap {
    /// From pairs `WHAT=COLUMN`.
    ///
    /// # Errors
    /// A sentence that names the pair which is none.
    pub fn with<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<ColumnMap, String> {
        let mut map = ColumnMap::default();
        for pair in pairs {
            let (what, column) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = Slot::ALL.iter().find(|(_, word, _)| *word == what.trim());
            let (Some((slot, ..)), false) = (slot, column.trim().is_empty()) else {
                let words: Vec<&str> = Slot::ALL.iter().map(|(_, word, _)| *word).collect();
                return Err(format!(
                    "`{pair}` names no column; write WHAT=COLUMN, WHAT being one of {}",
                    words.join(", ")
                ));
            };
            map.0.push((*slot, column.trim().to_lowercase()));
        }
        Ok(map)
    }

    /// Where in a table of these columns (in lower case) each slot stands.
    ///
    /// # Errors
    /// A sentence when there is no column of a text or of a label, or none of a name that was said; the first says how
    /// close it came.
    pub(super) fn places(&self, names: &[String]) -> Result<[Option<usize>; SLOTS], NoColumn> {
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let mut places = [None; SLOTS];
        for ((slot, word, known), cell) in Slot::ALL.iter().zip(&mut places) {
            let said = self.0.iter().rev().find(|(said, _)| said == slot).map(|(_, column)| column.as_str());
            *cell = match said {
                Some(column) => Some(place(column).ok_or_else(|| NoColumn::Named(column.to_owned()))?),
                None => std::iter::once(word).chain(*known).find_map(|name| place(name)),
            };
        }
        match (at(&places, Slot::Content), at(&places, Slot::Label)) {
            (Some(_), Some(_)) => Ok(places),
            (Some(_), None) => Err(NoColumn::Of("label", names_of(Slot::Label))),
            (None, Some(_)) => Err(NoColumn::Of("text", names_of(Slot::Content))),
            (None, None) => Err(NoColumn::Any),
        }
    }
}

/// Why a table cannot be read.
#[derive(Debug)]
pub(super) enum NoColumn {
    /// None of the name that was said.
    Named(String),
    /// One of text and label is there, the other is not: what, and its names.
    Of(&'static str, String),
    /// Neither.
    Any,
}

pub(super) fn at<T: Copy>(places: &[Option<T>; SLOTS], slot: Slot) -> Option<T> {
    places.get(slot as usize).copied().flatten()
}

fn names_of(wanted: Slot) -> String {
    let found = Slot::ALL.iter().filter(|(slot, ..)| *slot == wanted);
    let names: Vec<&str> =
        found.flat_map(|(_, word, known)| std::iter::once(*word).chain(known.iter().copied())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_stand_in_their_order() {
        assert!(Slot::ALL.iter().enumerate().all(|(at, (slot, ..))| *slot as usize == at));
        assert_eq!(Slot::of_wordpress("comment_author_IP"), Some(Slot::Ip));
        assert_eq!(Slot::of_wordpress("comment_karma"), None);
    }

    #[test]
    fn a_wrong_pair_is_refused() {
        assert!(ColumnMap::with(["contents=x"]).unwrap_err().contains("content, label"));
        assert!(ColumnMap::with(["content="]).is_err());
        assert!(ColumnMap::with(["content"]).is_err());
    }
}
