//! What DNS lists and services answered. Reads [`Facts`](crate::facts::Facts); off unless the operator turned it on.
//!
//! Owns which symbols there are. Which zone speaks for which symbol, and with what strength, is in `[network]` of the
//! settings (`network::zone`). Lists err, and never in the reader's favour: none of these decides alone.

use super::Note;
use super::clues::Clues;

/// Symbols for which a list of domains may speak.
pub const OF_DOMAINS: [&str; 3] = ["URIBL_DBL", "SURBL", "URIBL_BLACK"];
/// The symbol for which a list of addresses speaks.
pub const OF_ADDRESSES: [&str; 1] = ["IP_DNSBL"];

/// `URIBL_DBL`, `SURBL`, `URIBL_BLACK`: a list of domains in spam has one that the comment links to.
///
/// Blocked ham to expect: a news site that was broken into, a reader who warns of a fraud by naming it.
///
/// `IP_DNSBL`: the author's address is known for spam or a virus. Blocked ham to expect: whoever got the address after it;
/// weighs little for that reason.
///
/// `SFS_EMAIL`, `SFS_IP`, `SFS_NAME`: StopForumSpam was told of the author. Anybody may tell it, so that its confidence
/// is the strength; a name is shared by many.
///
/// `TOR_EXIT`: the author came through the Tor network, as dissidents do. Blocked ham to expect: all of theirs, if it
/// weighed more.
///
/// `TB_NO_BACKLINK`: the page that says it links here does not. Blocked ham to expect: pages that a script fills in, and those
/// that show their links to readers who log in.
///
/// `GRAVATAR_EXISTS`: the author has a picture on Gravatar. Speaks for the author, and little: spammers have pictures too.
///
/// `URL_MALICIOUS`: a link leads to a host of a downloaded list of phishing or malware. Blocked ham to expect: entries that
/// grew stale.
pub(super) fn answered(clues: &Clues<'_>, symbol: &str) -> Option<Note> {
    let found = &clues.facts.network.as_ref()?.found;
    let of_symbol = found.iter().filter(|answer| answer.symbol == symbol);
    let strongest = of_symbol.max_by(|a, b| a.strength.total_cmp(&b.strength))?;
    // What is asked about the author is not repeated: who may read the verdict may not be meant to read the address.
    let is_domain = strongest.about.contains('.') || strongest.about.contains(':');
    let note = if is_domain { format!("{} ({})", strongest.about, strongest.source) } else { strongest.source.clone() };
    (strongest.strength > 0.0).then(|| Note::graded(note, strongest.strength))
}
