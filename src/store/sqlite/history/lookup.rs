//! What was seen before of one comment: one statement, one row.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::SqlitePool;

use super::clusters::{Cluster, nearest, read};
use super::keys::{Hashed, Key};
use super::seconds;
use super::sketch::Sketch;
use super::trail::{Seconds, Trail};
use super::unhex;
use super::words::Trace;
use crate::comment::CommentId;
use crate::facts::History;
use crate::facts::history::{Alike, Seen};
use crate::site::SiteId;
use crate::store::sqlite::rows::{from_json, id_bytes, json_array, micros};
use crate::store::{CampaignDecision, StoreError, Traces, Trait};

/// Cluster: id, first, last, size, signature, sketch; at this site: size, ham, spam, decision.
type NearRow = (i64, Seconds, Seconds, i64, String, String, Option<i64>, Option<i64>, Option<i64>, Option<String>);
/// A comment's own trace: at, cluster, flags, checks, people, people_at, keys.
type OwnRow = (Seconds, Option<i64>, i64, i64, i64, Seconds, String);

/// What is known of the cluster at the comment's site.
#[derive(Debug, Default)]
struct Here {
    size: i64,
    ham: i64,
    spam: i64,
    decision: Option<String>,
}

/// See [`crate::store::Store::history`].
pub async fn history(
    readers: &SqlitePool,
    site: SiteId,
    traces: &Traces,
    hashed: &Hashed,
    except: Option<CommentId>,
    now: Timestamp,
) -> Result<History, StoreError> {
    let bands = hashed.text.as_ref().map(|text| text.bands).into_iter().flatten();
    let (seen, near, own): (String, String, Option<String>) = sqlx::query_as(
        "SELECT (SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
                   FROM json_each(?1) AS wanted CROSS JOIN seen ON seen.key = wanted.value),
                (SELECT json_group_array(json_array(clusters.id, clusters.first_at, clusters.last_at, clusters.size,
                                                    hex(clusters.signature), hex(clusters.sketch), campaigns.size,
                                                    campaigns.ham, campaigns.spam, campaigns.decision))
                   FROM (SELECT DISTINCT bands.cluster
                           FROM json_each(?2) AS wanted CROSS JOIN bands ON bands.band = wanted.value) AS near
                  CROSS JOIN clusters ON clusters.id = near.cluster
                   LEFT JOIN campaigns ON campaigns.cluster = clusters.id AND campaigns.site = ?3),
                (SELECT json_array(traces.at, traces.cluster, traces.flags, traces.checks, traces.people,
                                   traces.people_at, hex(traces.keys))
                   FROM comments CROSS JOIN traces ON traces.comment = comments.row
                  WHERE comments.id = ?4)",
    )
    .bind(json_array(hashed.keys.iter().map(|key| key.hash)))
    .bind(json_array(bands))
    .bind(site.0)
    .bind(except.map(id_bytes))
    .fetch_one(readers)
    .await?;
    let seen: Vec<(i64, Seconds, String)> = from_json(seen.as_bytes(), "what was seen")?;
    let near: Vec<NearRow> = from_json(near.as_bytes(), "a cluster")?;
    let own = own.map(|own| from_json::<OwnRow>(own.as_bytes(), "a comment's own trace")).transpose()?;
    let own = own.map(|(at, cluster, flags, checks, people, people_at, keys)| Trace {
        at,
        cluster,
        flags,
        checks,
        people,
        people_at,
        keys: unhex(&keys),
    });
    let now = seconds(micros(now));
    let mut trails: HashMap<i64, Trail> =
        seen.into_iter().map(|(key, at, value)| (key, Trail::read(at, &unhex(&value)))).collect();
    if let Some(own) = &own {
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
    history.text = alike(hashed, near, own.as_ref(), of);
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

fn alike(hashed: &Hashed, near: Vec<NearRow>, own: Option<&Trace>, of: impl Fn(i64) -> Option<Seen>) -> Option<Alike> {
    let text = hashed.text.as_ref()?;
    let (exact, here) = (of(text.anywhere).unwrap_or_default(), of(text.here).unwrap_or_default());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, rounded")]
    let mut alike = Alike {
        exact: exact.comments().round() as u32,
        exact_approved: here.approved,
        exact_rejected: here.rejected,
        ..Alike::default()
    };
    let mut clusters: HashMap<i64, Cluster> = HashMap::new();
    let mut heres: BTreeMap<i64, Here> = BTreeMap::new();
    for (id, first, last, size, signature, sketch, size_here, ham, spam, decision) in near {
        clusters.extend([read((id, first, last, size, signature, sketch))]);
        let count = |count: Option<i64>| count.unwrap_or_default();
        heres.insert(id, Here { size: count(size_here), ham: count(ham), spam: count(spam), decision });
    }
    let Some(id) = nearest(heres.keys().copied(), &clusters, &text.mins) else { return Some(alike) };
    let (Some(cluster), Some(here)) = (clusters.get(&id), heres.get(&id)) else { return Some(alike) };
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
