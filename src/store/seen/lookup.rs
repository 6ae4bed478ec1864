//! What was seen before of one comment.

use std::collections::HashMap;

use jiff::Timestamp;

use super::asker::{Asker, Found, Here};
use super::clusters::nearest;
use super::keys::{Hashed, Key};
use super::seconds;
use super::sketch::Sketch;
use super::traces::Trace;
use super::trail::{Seconds, Trail};
use crate::comment::CommentId;
use crate::facts::History;
use crate::facts::history::{Alike, Seen};
use crate::site::SiteId;
use crate::store::rows::micros;
use crate::store::{CampaignDecision, StoreError, Traces, Trait};

/// See [`crate::store::Store::history`].
pub async fn history(
    asker: &Asker,
    site: SiteId,
    traces: &Traces,
    hashed: &Hashed,
    except: Option<CommentId>,
    now: Timestamp,
) -> Result<History, StoreError> {
    let found = asker.ask(site, hashed, except).await?;
    let own = except.and_then(|id| found.own.get(&id));
    let now = seconds(micros(now));
    let trail = |key: &Key| Some((key.hash, *found.trails.get(&key.hash)?));
    let mut trails: HashMap<i64, Trail> = hashed.keys.iter().filter_map(trail).collect();
    if let Some(own) = own {
        without(&mut trails, own, now);
    }
    let of = |key: i64| trails.get(&key).map(|trail| trail.seen(now));
    let mut history = History::default();
    for ((kind, name), key) in traces.identities.iter().zip(&hashed.keys) {
        let seen = of(key.hash);
        match kind {
            Trait::Email => history.email = Some(seen.unwrap_or_default()),
            Trait::Ip => history.ip = Some(seen.unwrap_or_default()),
            Trait::Network => history.network = Some(seen.unwrap_or_default()),
            Trait::EmailDomain => history.email_domain = Some(seen.unwrap_or_default()),
            Trait::Domain => {
                history.domains.extend(seen.filter(|seen| !seen.is_new()).map(|seen| (name.clone(), seen)));
            }
        }
    }
    history.text = alike(hashed, &found, site, own, of);
    Ok(history)
}

/// Takes the comment's own part out of what was counted.
fn without(trails: &mut HashMap<i64, Trail>, own: &Trace, now: Seconds) {
    for key in Key::read(&own.keys) {
        let Some(trail) = trails.get_mut(&key.hash) else { continue };
        if key.is_seen() {
            trail.unsee(own.sight(), now);
        }
        if key.is_heard() {
            own.word().into_iter().for_each(|word| trail.unhear(word, now));
        }
    }
}

fn alike(
    hashed: &Hashed,
    found: &Found,
    site: SiteId,
    own: Option<&Trace>,
    of: impl Fn(i64) -> Option<Seen>,
) -> Option<Alike> {
    let text = hashed.text.as_ref()?;
    let (exact, here) = (of(text.anywhere).unwrap_or_default(), of(text.here).unwrap_or_default());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, rounded")]
    let mut alike = Alike {
        exact: exact.comments().round() as u32,
        exact_approved: here.approved,
        exact_rejected: here.rejected,
        ..Alike::default()
    };
    let near = text.signature.bands().filter_map(|band| found.bands.get(&band)).copied();
    let Some(id) = nearest(near, &found.clusters, &text.signature.mins) else { return Some(alike) };
    let Some(cluster) = found.clusters.get(&id) else { return Some(alike) };
    let nothing = Here::default();
    let here = found.here.get(&(id, site.0)).unwrap_or(&nothing);
    let own = own.filter(|own| own.cluster == Some(id));
    let is_own = |people: i64| i64::from(own.is_some_and(|own| own.people == people));
    let count = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    let few = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let Sketch { authors, posts, sites } = &cluster.sketch;
    alike.near = count(cluster.size - i64::from(own.is_some()));
    alike.other_authors = few(authors.others(hashed.author));
    alike.other_posts = few(posts.others(hashed.post));
    alike.other_sites = few(sites.others(hashed.site));
    alike.ham = count(here.ham - is_own(1));
    alike.spam = count(here.spam - is_own(2));
    alike.campaign = (here.size > 0 || cluster.is_campaign()).then_some(id);
    let decision = here.decision.as_ref().and_then(|json| serde_json::from_str::<CampaignDecision>(json).ok());
    alike.campaign_decision = decision.map(|decision| decision.word.decision().as_str().to_owned());
    Some(alike)
}
