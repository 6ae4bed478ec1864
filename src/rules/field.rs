//! What a rule needs to look at: fields that a CMS may not send, facts that may not have been asked for.
//!
//! Owns whether each is there. Does not own which rule needs what (`catalogue`).

use super::{Case, behaviour, browser};

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(u32);

impl Fields {
    /// Those of which there is something to look at: asked for once a comment, by every rule.
    pub fn sent(case: &Case<'_>) -> Fields {
        let Case { comment, facts, site, .. } = *case;
        let author = &comment.author;
        let is_ping = comment.is_ping();
        let all = [
            (Field::Name, author.name.is_some()),
            (Field::Email, author.email.is_some()),
            (Field::AuthorUrl, author.url.is_some()),
            (Field::UserAgent, author.user_agent.is_some()),
            (Field::Role, author.role.is_some()),
            (Field::Referrer, comment.referrer.is_some()),
            (Field::Honeypot, comment.honeypot.is_some()),
            (Field::FormSeconds, comment.form_seconds.is_some()),
            (Field::AuthorId, author.id.is_some()),
            (Field::Page, comment.post_title.is_some() || !comment.context.is_empty()),
            (Field::SubmittedAt, comment.submitted_at.is_some()),
            (Field::PostModifiedAt, comment.post_modified_at.is_some()),
            (Field::ParentId, comment.parent_id.is_some()),
            (Field::Headers, browser::HEADERS.iter().any(|header| comment.extra.contains_key(*header))),
            (Field::Interaction, behaviour::counted(comment, "ak_bkpc").is_some()),
            (Field::Script, behaviour::counted(comment, "ak_js").is_some()),
            (Field::Form, !is_ping && !comment.kind.eq_ignore_ascii_case("activitypub")),
            (Field::Ping, is_ping),
            (Field::Languages, !site.policy.languages.is_empty()),
            (Field::StaffNames, !site.policy.staff_names.is_empty()),
            (Field::Seen, facts.history.is_some()),
            (Field::Answered, facts.network.is_some()),
        ];
        Fields::of(all.into_iter().filter(|(_, is_sent)| *is_sent).map(|(field, _)| field))
    }

    pub fn of(fields: impl IntoIterator<Item = Field>) -> Fields {
        Fields(fields.into_iter().fold(0, |set, field| set | 1 << field as u32))
    }

    pub fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u32 != 0
    }

    pub fn has_all(self, fields: &[Field]) -> bool {
        fields.iter().all(|&field| self.has(field))
    }
}

/// A field without which a rule has nothing to look at: it is then not evaluated, which is not the same as silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Name,
    Email,
    AuthorUrl,
    UserAgent,
    Role,
    Referrer,
    Honeypot,
    FormSeconds,
    /// The author's id in the CMS.
    AuthorId,
    /// What the page is about: its title or topics.
    Page,
    SubmittedAt,
    PostModifiedAt,
    ParentId,
    /// Headers of the visitor's request, as far as the CMS passed them on.
    Headers,
    /// What a script in the form counted: keys, clicks, movements.
    Interaction,
    /// The field that a script in the form fills.
    Script,
    /// The kind is one that people send by a form: no pingback, no reply from another server.
    Form,
    /// The kind is one that servers send: pingback, trackback, webmention.
    Ping,
    /// Languages that the site's policy names.
    Languages,
    /// Names of the site's staff that its policy names.
    StaffNames,
    /// The store was asked what it has seen before.
    Seen,
    /// The network was asked.
    Answered,
}

impl Field {
    /// What a CMS may send of every comment, and people can do something about.
    pub const ALL: [Field; 8] = [
        Field::Name,
        Field::Email,
        Field::AuthorUrl,
        Field::UserAgent,
        Field::Role,
        Field::Referrer,
        Field::Honeypot,
        Field::FormSeconds,
    ];

    /// As the JSON of a comment has it; empty for what is no field of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::Name => "author.name",
            Field::Email => "author.email",
            Field::AuthorUrl => "author.url",
            Field::UserAgent => "author.user_agent",
            Field::Role => "author.role",
            Field::Referrer => "referrer",
            Field::Honeypot => "honeypot",
            Field::FormSeconds => "form_seconds",
            _ => "",
        }
    }
}
