//! Heuristic rules: each a sentence about one symptom. Detection in code, weights in `config/rules.toml`.
//!
//! Owns which symptoms there are ([`RULES`]), how much those of one family may say together, and the reason that each
//! gives. Does not own the weights (`weights` reads them) nor what a sum of evidence means (`decision`).
//!
//! **To add a rule:** a function in the file of its family, its line in [`RULES`], its weight in `config/rules.toml`, texts
//! that hit and miss in `tests/data/rules/SYMBOL.txt`, its message in `config/reasons/` for each language but English. Tests
//! tell what is missing. What others already say together is a line in `[composites]` of `config/rules.toml` and no code;
//! what ships needs its messages, too.

mod arabic;
mod author;
mod behaviour;
mod browser;
mod characters;
mod clues;
mod composites;
mod conditions;
mod content;
mod gibberish;
mod history;
mod identity;
mod language;
mod layout;
mod links;
mod lists;
pub mod mute;
pub mod network;
mod phone;
mod phrases;
mod topic;
mod trackback;
mod traps;
mod trust;
mod weights;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use identity::{is_mail_provider, is_shared_address, mailbox};
pub use phrases::Category;
pub use weights::{RulesError, Symptom, Weighed};

use crate::comment::Comment;
use crate::facts::Facts;
use crate::site::Site;
use crate::text::Text;
use crate::verdict::{Evidence, Nats};
use clues::Clues;
use composites::{Composite, Held, Leaf};
use conditions::CONDITIONS;

/// All that a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub comment: &'a Comment,
    pub text: &'a Text,
    pub facts: &'a Facts,
    pub site: &'a Site,
}

/// Raised when detection changes: with the weights it names the rules in each verdict.
pub const RULES_VERSION: u32 = 2;

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The word, link or count that gave it away; clipped when it is shown. In no language: a quotation of the input, a
    /// count written `× 12`, or nothing.
    pub text: String,
    /// How much of the rule's weight this is worth, above 0 and at most 1.
    pub strength: f64,
}

impl Note {
    /// Longest note that is shown, bytes.
    const MAX_BYTES: usize = 120;

    fn new(text: impl Into<String>) -> Note {
        Note::graded(text, 1.0)
    }

    fn graded(text: impl Into<String>, strength: f64) -> Note {
        let mut text: String = text.into();
        if text.len() > Note::MAX_BYTES {
            text.truncate(text.floor_char_boundary(Note::MAX_BYTES));
            text.push('…');
        }
        Note { text, strength }
    }
}

/// Symptoms of one kind, which speak together up to a cap: ten odd links are not ten reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Tricks with Unicode and spelling.
    Characters,
    Links,
    Author,
    /// What only machines do.
    Traps,
    Content,
    /// What only Arabic script allows.
    Arabic,
    /// What was seen before; trust in an author is in [`Family::Trust`].
    History,
    /// What others answered.
    Network,
    /// What speaks for the comment.
    Trust,
}

impl Family {
    pub const ALL: [Family; 9] = [
        Family::Characters,
        Family::Links,
        Family::Author,
        Family::Traps,
        Family::Content,
        Family::Arabic,
        Family::History,
        Family::Network,
        Family::Trust,
    ];

    /// As in `[caps]` of `config/rules.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Characters => "characters",
            Family::Links => "links",
            Family::Author => "author",
            Family::Traps => "traps",
            Family::Content => "content",
            Family::Arabic => "arabic",
            Family::History => "history",
            Family::Network => "network",
            Family::Trust => "trust",
        }
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

    fn is_sent(self, case: &Case<'_>) -> bool {
        let Case { comment, facts, site, .. } = *case;
        let author = &comment.author;
        match self {
            Field::Name => author.name.is_some(),
            Field::Email => author.email.is_some(),
            Field::AuthorUrl => author.url.is_some(),
            Field::UserAgent => author.user_agent.is_some(),
            Field::Role => author.role.is_some(),
            Field::Referrer => comment.referrer.is_some(),
            Field::Honeypot => comment.honeypot.is_some(),
            Field::FormSeconds => comment.form_seconds.is_some(),
            Field::AuthorId => author.id.is_some(),
            Field::Page => comment.post_title.is_some() || !comment.context.is_empty(),
            Field::SubmittedAt => comment.submitted_at.is_some(),
            Field::PostModifiedAt => comment.post_modified_at.is_some(),
            Field::ParentId => comment.parent_id.is_some(),
            Field::Headers => browser::HEADERS.iter().any(|header| comment.extra.contains_key(*header)),
            Field::Interaction => behaviour::counted(comment, "ak_bkpc").is_some(),
            Field::Script => behaviour::counted(comment, "ak_js").is_some(),
            Field::Form => !trackback::is_ping(comment) && !comment.kind.eq_ignore_ascii_case("activitypub"),
            Field::Ping => trackback::is_ping(comment),
            Field::Languages => !site.policy.languages.is_empty(),
            Field::StaffNames => !site.policy.staff_names.is_empty(),
            Field::Seen => facts.history.is_some(),
            Field::Answered => facts.network.is_some(),
        }
    }
}

/// One symptom: its name, how it is found and what is said of it.
pub struct Rule {
    pub symbol: &'static str,
    pub family: Family,
    pub needs: &'static [Field],
    /// Finishes the sentence "because of …".
    pub says: &'static str,
    fires: fn(&Clues<'_>) -> Option<Note>,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rule")
            .field("symbol", &self.symbol)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

const fn rule(
    family: Family,
    symbol: &'static str,
    needs: &'static [Field],
    fires: fn(&Clues<'_>) -> Option<Note>,
    says: &'static str,
) -> Rule {
    Rule { symbol, family, needs, says, fires }
}

/// Every rule there is.
#[rustfmt::skip]
pub const RULES: &[Rule] = {
    use Family::{Arabic, Author, Characters, Content, History, Links, Network, Traps, Trust};
    use Field::{
        Answered, AuthorId, AuthorUrl, Email, Form, FormSeconds, Headers, Honeypot, Interaction, Languages, Name, Page, ParentId, Ping,
        PostModifiedAt, Referrer, Role, Script, Seen, StaffNames, SubmittedAt, UserAgent,
    };
    use Category as C;
    &[
    rule(Characters, "ZW_IN_WORD", &[], characters::zero_width, "invisible characters inside words"),
    rule(Characters, "BIDI_OVERRIDE", &[], characters::bidi_override, "characters that turn the text around"),
    rule(Characters, "BIDI_MARK_STUFFING", &[], characters::bidi_marks, "direction marks inside words"),
    rule(Characters, "MIXED_SCRIPT_WORD", &[], characters::mixed_script, "words that mix look-alike letters of two scripts"),
    rule(Characters, "HOMOGLYPH_WORD", &[], characters::homoglyph, "a spam word in look-alike letters"),
    rule(Characters, "STYLED_LETTERS", &[], characters::styled, "mathematical or ornamental letters"),
    rule(Characters, "FULLWIDTH_LATIN", &[], characters::fullwidth, "full-width Latin letters"),
    rule(Characters, "ZALGO_COMBINING", &[], characters::zalgo, "heaps of combining marks"),
    rule(Characters, "TAG_OR_VARIATION_PAYLOAD", &[], characters::payload, "hidden characters that carry data"),
    rule(Characters, "PRIVATE_USE_CHARS", &[], characters::private_use, "characters without a meaning"),
    rule(Characters, "LEET_WORD", &[], characters::leet, "words spelled with digits or signs"),
    rule(Characters, "GAPPY_WORD", &[], characters::gappy, "words spelled with gaps"),
    rule(Characters, "NON_NFC_HEAVY", &[], characters::compatibility, "raised or joined letters in place of plain ones"),

    rule(Links, "LINKS_MANY", &[], links::many, "many links"),
    rule(Links, "DOMAINS_MANY", &[], links::many_domains, "links to many different sites"),
    rule(Links, "LINK_DENSITY", &[], links::density, "more link than text"),
    rule(Links, "URL_ONLY", &[], links::only, "a link with hardly a word"),
    rule(Links, "ANCHOR_BBCODE", &[], links::bbcode, "links in forum code"),
    rule(Links, "ANCHOR_MULTI_SYNTAX", &[], links::many_syntaxes, "links in several markups at once"),
    rule(Links, "ANCHOR_TEXT_MISMATCH", &[], links::mismatch, "a link that names another site than it leads to"),
    rule(Links, "HIDDEN_TEXT", &[], links::hidden, "text that is hidden from readers"),
    rule(Links, "URL_SHORTENER", &[], links::shortener, "links through a shortening service"),
    rule(Links, "OPEN_REDIRECT", &[], links::redirect, "links through somebody else's redirect"),
    rule(Links, "URL_HOMOGRAPH", &[], links::homograph, "a host name in look-alike letters"),
    rule(Links, "URL_RAW_IP", &[], links::raw_ip, "links to a bare IP address"),
    rule(Links, "URL_USERINFO", &[], links::userinfo, "links with a user name before the host"),
    rule(Links, "URL_ODD_PORT", &[], links::port, "links to an unusual port"),
    rule(Links, "URL_DEEP_SUBDOMAIN", &[], links::deep, "host names of many parts"),
    rule(Links, "URL_OBFUSCATED_TEXT", &[], links::defanged, "links written to slip past a filter"),
    rule(Links, "URL_SUSPICIOUS_TLD", &[], links::suspicious_ending, "links under a domain ending that spam favours"),
    rule(Links, "URL_FREE_HOST", &[], links::free_host, "links to a free hosting service"),
    rule(Links, "URL_SCRIPT", &[], links::script, "links that run a script"),
    rule(Links, "MESSENGER_LINK", &[], links::messenger, "links into a messenger"),
    rule(Links, "ZW_IN_URL", &[], links::zero_width, "invisible characters inside a link"),
    rule(Links, "URL_SPAM_WORD", &[], links::spam_word, "spam words in an address"),
    rule(Links, "ANCHOR_HTML", &[], links::html_anchor, "a link in HTML where plain text is expected"),
    rule(Links, "SHORTENER_ONLY", &[], links::shortener_only, "a shortened link with hardly a word"),
    rule(Links, "URL_VERY_LONG", &[], links::very_long, "a very long address"),
    rule(Links, "URL_ONION_IPFS", &[], links::onion_or_ipfs, "links to a hidden service or an IPFS gateway"),
    rule(Links, "URL_WP_COMPROMISED", &[], links::wordpress_folder, "links into the inner folders of a WordPress site"),

    rule(Author, "NAME_IS_URL", &[Name], author::name_is_url, "an address as the author's name"),
    rule(Author, "NAME_KEYWORD", &[Name], author::name_keyword, "spam words in the author's name"),
    rule(Author, "NAME_TEMPLATE", &[Name, Email], author::name_template, "a generated-looking name"),
    rule(Author, "NAME_HAS_PHONE", &[Name], author::name_phone, "a telephone number in the author's name"),
    rule(Author, "NAME_IN_ANCHOR", &[Name], author::name_in_anchor, "a link signed with the author's name"),
    rule(Author, "AUTHOR_URL_DEEP", &[AuthorUrl], author::url_deep, "an author address that advertises a page"),
    rule(Author, "EMAIL_DISPOSABLE", &[Email], author::disposable, "a throw-away e-mail address"),
    rule(Author, "EMAIL_LINK_DOMAIN", &[Email], author::email_domain, "links to the domain of the author's e-mail"),
    rule(Author, "NAME_SENTENCE", &[Name], author::name_sentence, "a whole sentence as the author's name"),
    rule(Author, "NAME_HAS_EMAIL", &[Name], author::name_email, "an e-mail address in the author's name"),
    rule(Author, "AUTHOR_MARKUP", &[Name], author::markup, "markup in the author's name or address"),
    rule(Author, "NAME_EMAIL_MISMATCH", &[Name, Email], author::mismatch, "an e-mail address in somebody else's name"),
    rule(Author, "EMAIL_GIBBERISH", &[Email], gibberish::email, "an e-mail address of random letters"),
    rule(Author, "EMAIL_INVALID", &[Email], author::invalid_email, "an e-mail address that cannot exist"),
    rule(Author, "EMAIL_DOTS", &[Email], author::dotted_email, "an e-mail address sprinkled with dots"),
    rule(Author, "GIBBERISH_NAME", &[Name], gibberish::name, "an author's name of random letters"),
    rule(Author, "IMPERSONATES_STAFF", &[Name, StaffNames], author::staff_name, "the name of somebody who works on this site"),

    rule(Traps, "HONEYPOT_FILLED", &[Honeypot], traps::honeypot, "a filled-in hidden field"),
    rule(Traps, "FORM_TOO_FAST", &[Form, FormSeconds], behaviour::too_fast, "a form sent faster than one can type"),
    rule(Traps, "FORM_TOO_OLD", &[Form, FormSeconds], behaviour::too_old, "a form sent days after it was opened"),
    rule(Traps, "TYPING_IMPOSSIBLE", &[Form, Interaction], behaviour::typing, "keys pressed faster than anybody types"),
    rule(Traps, "NO_INTERACTION", &[Form, Interaction], behaviour::no_interaction, "a form filled in without key, mouse or touch"),
    rule(Traps, "NO_SCRIPT", &[Form, Script], behaviour::no_script, "a form whose script did not run"),
    rule(Traps, "OLD_POST", &[Form, SubmittedAt, PostModifiedAt], behaviour::old_post, "a page unchanged for many months"),
    rule(Traps, "REFERRER_FOOTPRINT", &[Form, Referrer], browser::footprint, "a search for places to spam"),
    rule(Traps, "NO_REFERRER", &[Form, Referrer], browser::no_referrer, "a form sent from no page"),
    rule(Traps, "REFERRER_FOREIGN", &[Form, Referrer], browser::foreign_referrer, "a form sent from another site"),
    rule(Traps, "UA_BOT", &[Form, UserAgent], browser::bot, "a program instead of a browser"),
    rule(Traps, "UA_MISSING", &[Form, UserAgent], browser::no_agent, "an empty browser name"),
    rule(Traps, "UA_ANCIENT", &[Form, UserAgent], browser::ancient, "a long outdated browser"),
    rule(Traps, "UA_HEADER_INCONSISTENT", &[Form, UserAgent, Headers], browser::inconsistent, "a browser name without a browser's headers"),
    rule(Traps, "ACCEPT_LANG_MISMATCH", &[Form, Headers], browser::language_mismatch, "a browser set to other languages than the text's"),
    rule(Traps, "TEMPLATE_SPINTAX", &[], traps::spintax, "an unfilled template"),
    rule(Traps, "EXPLOIT_PAYLOAD", &[], traps::exploit, "an attack on the site"),
    rule(Traps, "TRACKBACK_TEMPLATE", &[], trackback::template, "the wording of trackback machines"),
    rule(Traps, "TB_TITLE_EQ_BLOGNAME", &[Ping, Name], trackback::title_is_name, "a trackback whose title is the name of its site"),
    rule(Traps, "TB_BROWSER", &[Ping, UserAgent], trackback::browser, "a trackback sent by a browser"),
    rule(Traps, "TB_FOREIGN_LINKS", &[Ping, AuthorUrl], trackback::foreign_links, "a trackback that links to other sites than its own"),
    rule(Traps, "LLM_BOILERPLATE", &[], traps::boilerplate, "a text generator's words about itself"),

    rule(Content, "SPAM_CASINO", &[], |clues| words::category(clues, C::Casino), "words of gambling spam"),
    rule(Content, "SPAM_PHARMA", &[], |clues| words::category(clues, C::Pharma), "words of drug and diet spam"),
    rule(Content, "SPAM_LOANS", &[], |clues| words::category(clues, C::Loans), "words of loan spam"),
    rule(Content, "SPAM_MONEY", &[], |clues| words::category(clues, C::Money), "promises of easy money"),
    rule(Content, "SPAM_CRYPTO", &[], |clues| words::category(clues, C::Crypto), "words of trading spam"),
    rule(Content, "SPAM_SEO", &[], |clues| words::category(clues, C::Seo), "words of search-engine spam"),
    rule(Content, "SPAM_ADULT", &[], |clues| words::category(clues, C::Adult), "words of sex spam"),
    rule(Content, "SPAM_ESSAY", &[], |clues| words::category(clues, C::Essay), "papers and documents for sale"),
    rule(Content, "SPAM_REPLICA", &[], |clues| words::category(clues, C::Replica), "words of counterfeit spam"),
    rule(Content, "SPAM_STREAMING", &[], |clues| words::category(clues, C::Streaming), "words of piracy spam"),
    rule(Content, "SPAM_FOLLOWERS", &[], |clues| words::category(clues, C::Followers), "followers for sale"),
    rule(Content, "SPAM_OCCULT", &[], |clues| words::category(clues, C::Occult), "offers of spells, miracle cures or recovered funds"),
    rule(Content, "SPAM_SERVICES", &[], |clues| words::category(clues, C::Services), "advertisements for local services"),
    rule(Content, "SPAM_ADVANCE_FEE", &[], |clues| words::category(clues, C::AdvanceFee), "a fortune that waits for a fee"),
    rule(Content, "SPAM_JOBS", &[], |clues| words::category(clues, C::Jobs), "job offers too good to be true"),
    rule(Content, "SPAM_SUPPORT", &[], |clues| words::category(clues, C::Support), "fake support numbers"),
    rule(Content, "SPAM_PHISHING", &[], |clues| words::category(clues, C::Phishing), "a call to confirm an account or claim a prize"),
    rule(Content, "SPAM_PROMOTION", &[], |clues| words::category(clues, C::Promotion), "advertising for one's own channel or page"),
    rule(Content, "TESTIMONIAL", &[], content::testimonial, "a made-up success story"),
    rule(Content, "PRAISE_GENERIC", &[Page], topic::generic_praise, "praise that fits any page"),
    rule(Content, "THIRD_PERSON_AUTHOR", &[], topic::third_person, "praise of the author in the third person"),
    rule(Content, "OFF_TOPIC", &[Page], topic::off_topic, "a text unrelated to the page's topic"),
    rule(Content, "COPY_OF_POST", &[Page], topic::copy, "words copied from the page"),
    rule(Content, "PARAPHRASE_NO_CONTENT", &[Page], topic::paraphrase, "little more than the page's title in other words"),
    rule(Content, "LANG_MISMATCH", &[Languages], language::mismatch, "a language that is not read here"),
    rule(Content, "SCRIPT_BLOCKED", &[Languages], language::script_blocked, "a script that is not read here"),
    rule(Content, "GIBBERISH_BODY", &[], gibberish::body, "random letters instead of words"),
    rule(Content, "STOPWORD_LOW", &[], language::few_stop_words, "a text lacking the small words of real sentences"),
    rule(Content, "LINE_REPEAT", &[], layout::repeated_lines, "the same line over and over"),
    rule(Content, "AD_LAYOUT", &[], layout::advertisement, "the layout of an advertisement"),
    rule(Content, "PRICES_MANY", &[], content::prices, "a list of prices"),
    rule(Content, "PROBE_TEXT", &[], layout::probe, "a text that only tests the form"),
    rule(Content, "PHONE_NUMBER", &[], content::phone, "a telephone number"),
    rule(Content, "EMAIL_HIDDEN", &[], content::hidden_email, "an e-mail address in disguise"),
    rule(Content, "EMAIL_IN_BODY", &[], content::email, "an e-mail address in the text"),
    rule(Content, "CRYPTO_ADDRESS", &[], content::crypto_address, "a crypto-currency address"),
    rule(Content, "WORD_REPEAT", &[], content::repeat, "the same words over and over"),
    rule(Content, "KEYWORD_LIST", &[], content::keyword_list, "a list of search words"),
    rule(Content, "SHOUTING", &[], content::shouting, "capitals throughout"),
    rule(Content, "PUNCTUATION_RUN", &[], content::punctuation, "rows of exclamation marks"),
    rule(Content, "EMOJI_MANY", &[], content::emoji, "many emoji"),
    rule(Content, "HASHTAGS_MANY", &[], content::hashtags, "many hashtags"),

    rule(Arabic, "AR_TATWEEL_STUFFING", &[], arabic::tatweel, "words stretched to slip past a filter"),
    rule(Arabic, "AR_DIACRITIC_STUFFING", &[], arabic::diacritics, "vowel marks where none belong"),
    rule(Arabic, "AR_LOOKALIKE_MIX", &[], arabic::lookalikes, "a spam word in Persian or Urdu letters"),
    rule(Arabic, "AR_PRESENTATION_FORMS", &[], arabic::presentation_forms, "Arabic letters in print forms"),
    rule(Arabic, "AR_MIXED_DIGITS", &[], arabic::mixed_digits, "a number in digits of two scripts"),
    rule(Arabic, "AR_CHAIN_PRAYER", &[], arabic::chain, "a chain message with a link"),
    rule(Arabic, "AR_PHONE", &[], arabic::phone, "a telephone number of an Arab country"),

    rule(History, "AUTHOR_NEW", &[Seen, Email], history::author_new, "an author who has not written here before"),
    rule(History, "AUTHOR_FIRST_LINK", &[Seen, Email], history::first_link, "the first link of an author who is trusted here"),
    rule(History, "AUTHOR_REJECTED_RATE", &[Seen, Email], history::author_rejected, "an author most of whose comments were spam"),
    rule(History, "IP_REPUTATION", &[Seen], history::ip_reputation, "an IP address from which spam came"),
    rule(History, "IP_PREFIX_REPUTATION", &[Seen], history::network_reputation, "a network from which spam came"),
    rule(History, "EMAIL_DOMAIN_REPUTATION", &[Seen, Email], history::email_domain_reputation, "an e-mail domain from which spam came"),
    rule(History, "URL_DOMAIN_REPUTATION", &[Seen], history::domain_reputation, "a domain that spam leads to"),
    rule(History, "IP_BURST", &[Seen], history::ip_burst, "many comments from one IP address within minutes"),
    rule(History, "AUTHOR_BURST", &[Seen, Email], history::author_burst, "many comments by one author within an hour"),
    rule(History, "SHORT_FLOOD", &[Seen], history::short_flood, "one short comment after another"),
    rule(History, "DUP_EXACT", &[Seen], history::exact, "the same text seen elsewhere"),
    rule(History, "DUP_NEAR", &[Seen], history::near, "nearly the same text from others"),
    rule(History, "DUP_OF_SPAM", &[Seen], history::of_spam, "a copy of what moderators here called spam"),
    rule(History, "MOD_PINNED_SPAM", &[Seen], history::pinned_spam, "the very text that a moderator here called spam"),
    rule(History, "EMAIL_DOTS_PLUS_ABUSE", &[Seen, Email], history::respelled, "one mailbox in ever new spellings"),
    rule(History, "EDIT_ADDS_LINK", &[Seen], history::edit_adds_link, "a link added by an edit"),

    rule(Trust, "AUTHOR_APPROVED", &[Seen, Email], history::author_approved, "an author whom moderators here have let through before"),
    rule(Trust, "URL_KNOWN_GOOD", &[Seen], history::known_good, "links to sites that good comments lead to"),
    rule(Trust, "DUP_OF_HAM", &[Seen], history::of_ham, "a copy of what moderators here let through"),
    rule(Trust, "MOD_PINNED_HAM", &[Seen], history::pinned_ham, "the very text that a moderator here let through"),
    rule(Network, "URIBL_DBL", &[Answered], |clues| network::answered(clues, "URIBL_DBL"), "a link to a domain that Spamhaus lists"),
    rule(Network, "SURBL", &[Answered], |clues| network::answered(clues, "SURBL"), "a link to a domain that SURBL lists"),
    rule(Network, "URIBL_BLACK", &[Answered], |clues| network::answered(clues, "URIBL_BLACK"), "a link to a domain on a list of spam domains"),
    rule(Network, "IP_DNSBL", &[Answered], |clues| network::answered(clues, "IP_DNSBL"), "an IP address known for spam or malware"),
    rule(Network, "SFS_EMAIL", &[Answered], |clues| network::answered(clues, "SFS_EMAIL"), "an e-mail address that StopForumSpam knows"),
    rule(Network, "SFS_IP", &[Answered], |clues| network::answered(clues, "SFS_IP"), "an IP address that StopForumSpam knows"),
    rule(Network, "SFS_NAME", &[Answered], |clues| network::answered(clues, "SFS_NAME"), "an author's name that StopForumSpam knows"),
    rule(Network, "TOR_EXIT", &[Answered], |clues| network::answered(clues, "TOR_EXIT"), "a connection through the Tor network"),
    rule(Network, "URL_MALICIOUS", &[Answered], |clues| network::answered(clues, "URL_MALICIOUS"), "a link to a host known for phishing or malware"),

    rule(Trust, "URL_OWN_SITE", &[], trust::own_site, "links to this site only"),
    rule(Trust, "AUTHOR_MEMBER", &[Role], trust::member, "a member of the site"),
    rule(Trust, "AUTHOR_ACCOUNT", &[Form, AuthorId], trust::account, "an author with an account here"),
    rule(Trust, "REPLY_IN_THREAD", &[Form, ParentId], trust::reply, "a reply to another comment"),
    rule(Trust, "SPEAKS_OF_PAGE", &[Page], topic::speaks_of_page, "words about the page's topic"),
    rule(Trust, "PING_OWN_SITE", &[Ping, AuthorUrl], trackback::own_site, "a ping from the site itself"),
]};

/// The rules with the weights that this daemon gives them.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// One per line of [`RULES`], nats.
    weights: Vec<f64>,
    /// Each after those that it names.
    composites: Vec<Composite>,
    /// The lines that they were made of.
    lines: BTreeMap<String, composites::Line>,
    /// One per line of [`RULES`]: does a composite that weighs anything ask for it?
    asked: Vec<bool>,
    /// One per family, nats.
    caps: [f64; Family::ALL.len()],
    version: String,
}

/// What a look at one comment found.
struct Findings<'a> {
    /// Symbol, family, weight and note of what fired and weighs anything.
    fired: Vec<(Cow<'static, str>, Family, f64, String)>,
    /// The symbols that had nothing to look at.
    unknown: Vec<&'a str>,
}

impl RuleSet {
    /// Tells one set of rules and weights from another; kept in each verdict.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the rule or composite says, as a part of a sentence.
    pub fn says(&self, symbol: &str) -> Option<&str> {
        let composite = self.composites.iter().find(|composite| composite.symbol == symbol);
        composite.map(|composite| composite.says.as_str()).or_else(|| says(symbol))
    }

    /// The rules and composites that fired, with their weights, in the order of the list.
    ///
    /// Where a family says more than its cap, each of its weights is cut in proportion: what is shown is what counts.
    pub fn fired(&self, case: &Case<'_>) -> Vec<Evidence> {
        let fired = self.look(case).fired;
        let mut totals = [0.0_f64; Family::ALL.len()];
        for (_, family, weight, _) in &fired {
            if let Some(total) = totals.get_mut(*family as usize) {
                *total += weight;
            }
        }
        fired
            .into_iter()
            .map(|(symbol, family, weight, note)| {
                let weight = weight * self.share(family, &totals);
                Evidence { symbol, weight: Nats::clamped(weight), note }
            })
            .collect()
    }

    /// Asks every rule that weighs anything, by itself or in a composite; then the composites.
    fn look(&self, case: &Case<'_>) -> Findings<'_> {
        let clues = Clues::of(case);
        let mut findings = Findings { fired: Vec::new(), unknown: Vec::new() };
        let mut held = Vec::with_capacity(RULES.len());
        for ((rule, &weight), &is_asked) in RULES.iter().zip(&self.weights).zip(&self.asked) {
            let is_evaluated = rule.is_evaluated(case);
            if !is_evaluated {
                findings.unknown.push(rule.symbol);
            }
            let is_looked_at = is_evaluated && (weight != 0.0 || is_asked);
            let note = if is_looked_at { (rule.fires)(&clues) } else { None };
            // A muted rule is heard and weighs nothing.
            let is_muted = case.facts.muted.iter().any(|symbol| symbol == rule.symbol);
            held.push(match &note {
                _ if !is_looked_at || is_muted => Held::Unknown,
                Some(note) if is_asked => Held::Yes(note.text.clone()),
                _ => Held::No,
            });
            if let Some(note) = note.filter(|_| weight != 0.0) {
                let weight = if is_muted { 0.0 } else { weight * note.strength.clamp(0.0, 1.0) };
                findings.fired.push((Cow::Borrowed(rule.symbol), rule.family, weight, note.text));
            }
        }
        let mut conditions: Vec<Option<Held>> = vec![None; CONDITIONS.len()];
        let mut combined: Vec<Held> = Vec::with_capacity(self.composites.len());
        for composite in &self.composites {
            let found = composite.expression.held(&mut |operand| match operand {
                Leaf::Rule(place) => held.get(place).cloned().unwrap_or(Held::Unknown),
                Leaf::Composite(place) => combined.get(place).cloned().unwrap_or(Held::Unknown),
                Leaf::Condition(place) => match (conditions.get_mut(place), CONDITIONS.get(place)) {
                    (Some(known), Some(condition)) => known.get_or_insert_with(|| (condition.holds)(&clues)).clone(),
                    _ => Held::Unknown,
                },
            });
            match &found {
                Held::Yes(note) if composite.weight != 0.0 => {
                    let symbol = Cow::Owned(composite.symbol.clone());
                    findings.fired.push((symbol, composite.family, composite.weight, Note::new(note).text));
                }
                Held::Unknown => findings.unknown.push(&composite.symbol),
                _ => {}
            }
            combined.push(found);
        }
        findings
    }

    /// By how much the weights of a family shrink so that their sum keeps to its cap.
    fn share(&self, family: Family, totals: &[f64]) -> f64 {
        let total = totals.get(family as usize).copied().unwrap_or_default().abs();
        let cap = self.cap(family);
        if total > cap { cap / total } else { 1.0 }
    }

    /// The most that the rules of a family say together, nats either way.
    pub fn cap(&self, family: Family) -> f64 {
        self.caps.get(family as usize).copied().unwrap_or_default()
    }

    /// The rules and then the composites with their weights, for showing.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Weighed<'_>> {
        let rules =
            RULES.iter().zip(&self.weights).map(|(rule, &weight)| Weighed { rule: Symptom::from(rule), weight });
        let composites = self.composites.iter().map(|it| Weighed { rule: Symptom::from(it), weight: it.weight });
        rules.chain(composites).collect::<Vec<_>>().into_iter()
    }

    /// Fields that were not sent and that a rule with a weight would have looked at.
    pub fn not_sent<'a>(&'a self, case: &'a Case<'_>) -> impl Iterator<Item = Field> + 'a {
        let is_needed = |field: &Field| {
            RULES.iter().zip(&self.weights).any(|(rule, &weight)| weight != 0.0 && rule.needs.contains(field))
        };
        Field::ALL.into_iter().filter(|field| !field.is_sent(case)).filter(is_needed)
    }

    /// Symbols that had nothing to look at because a field was not sent or a fact was not asked for.
    pub fn not_evaluated<'a>(&'a self, case: &Case<'_>) -> impl Iterator<Item = &'a str> {
        self.look(case).unknown.into_iter()
    }
}

impl Rule {
    fn is_evaluated(&self, case: &Case<'_>) -> bool {
        self.needs.iter().all(|field| field.is_sent(case))
    }
}

/// What the rule or shipped composite of `symbol` found, in words that finish "because of …".
pub fn says(symbol: &str) -> Option<&'static str> {
    let rule = RULES.iter().find(|rule| rule.symbol == symbol).map(|rule| rule.says);
    let composites = &RuleSet::shipped().composites;
    rule.or_else(|| composites.iter().find(|composite| composite.symbol == symbol).map(|it| it.says.as_str()))
}
