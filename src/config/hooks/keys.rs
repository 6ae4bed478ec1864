//! Which keys a source has.
//!
//! Owns the list, and what `layers` must know of a key: how its value may be written and shown. Does not own what the
//! values mean (`table`).

/// The keys of one source; `*` is any name.
pub const KEYS: [&str; 33] = [
    "site",
    "scheme",
    "secret",
    "secret_file",
    "header",
    "prefix",
    "tolerance_s",
    "id",
    "event",
    "events.*",
    "answer",
    "fields.kind",
    "fields.content",
    "fields.content_format",
    "fields.author.name",
    "fields.author.email",
    "fields.author.url",
    "fields.author.ip",
    "fields.author.user_agent",
    "fields.author.role",
    "fields.author.id",
    "fields.permalink",
    "fields.post_title",
    "fields.post_modified_at",
    "fields.referrer",
    "fields.lang",
    "fields.submitted_at",
    "fields.external_id",
    "fields.parent_id",
    "fields.honeypot",
    "fields.form_seconds",
    "fields.context",
    "fields.extra.*",
];

/// Source and key, if `setting` is below `hooks`.
pub(super) fn place(setting: &str) -> Option<(&str, &str)> {
    setting.strip_prefix("hooks.")?.split_once('.')
}

/// Whether a source has this key (`hooks.discourse.fields.content`).
pub fn knows(setting: &str) -> bool {
    let matches = |known: &str, key: &str| match known.strip_suffix('*') {
        Some(start) => key.len() > start.len() && key.starts_with(start),
        None => known == key,
    };
    place(setting).is_some_and(|(_, key)| KEYS.iter().any(|known| matches(known, key)))
}

/// The keys that the source which `setting` names may have; none when it is not, and not nearly, below `hooks`.
pub fn keys_beside(setting: &str) -> Vec<String> {
    let mut names = setting.split('.');
    let is_meant = names.next().is_some_and(|first| strsim::jaro_winkler(first, "hooks") > 0.9);
    let source = names.next().unwrap_or("NAME");
    let key = |key: &str| format!("hooks.{source}.{}", key.replace('*', "NAME"));
    if is_meant { KEYS.into_iter().map(key).collect() } else { Vec::new() }
}

/// Whether the value must not be shown.
pub fn is_secret(setting: &str) -> bool {
    place(setting).is_some_and(|(_, key)| key == "secret")
}

/// Whether a word of the environment is to be read as a number.
pub fn is_number(setting: &str) -> bool {
    place(setting).is_some_and(|(_, key)| key == "tolerance_s")
}

/// The part of a key that an operator chose, and that may hold any character: an event's or an extra field's name.
pub fn chosen_name(setting: &str) -> Option<&str> {
    let (_, key) = place(setting)?;
    KEYS.iter().filter_map(|known| known.strip_suffix('*')).find_map(|start| key.strip_prefix(start))
}
