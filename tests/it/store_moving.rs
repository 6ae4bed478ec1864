//! A store moved from one engine to the other and back: every row compared.

use std::collections::BTreeMap;
use std::time::Duration;

use hamlet::random;
use hamlet::site::{ListEntry, Policy, SiteId};
use hamlet::store::transfer::Piece;
use hamlet::store::{
    Act, Attempt, Change, Endpoint, EndpointKind, EndpointSecret, Full, HistoryEntry, ModelRecord, NewComment,
    NextStep, Settings, Store, StoreError, Traces, open,
};
use hamlet::text::{Fingerprint, Text};
use hamlet::verdict::{Decision, Label};

use crate::postgres::fresh_database;
use crate::store_postgres::{at, comment, event, verdict};

/// All that a store gives, by table, in an order of its own; how far a full-text index is does not matter.
async fn everything(store: &dyn Store) -> BTreeMap<&'static str, Vec<String>> {
    let (to, mut from) = tokio::sync::mpsc::channel(4);
    let mut tables: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let gathering = async {
        let mut is_whole = false;
        while let Some(piece) = from.recv().await {
            match piece {
                Piece::Rows(rows) => {
                    let rows_of = tables.entry(rows.table.name).or_default();
                    rows_of.extend(
                        rows.rows.iter().map(|row| format!("{row:?}")).filter(|row| !row.contains("\"indexed\"")),
                    );
                }
                Piece::End => is_whole = true,
                Piece::Schema(_) => {}
            }
        }
        assert!(is_whole);
    };
    let (given, ()) = tokio::join!(store.dump(to), gathering);
    given.unwrap();
    tables.values_mut().for_each(|rows| rows.sort());
    tables
}

async fn moved(from: &dyn Store, to: &dyn Store) {
    let (give, take) = tokio::sync::mpsc::channel(4);
    let (given, taken) = tokio::join!(from.dump(give), to.fill(take));
    given.unwrap();
    taken.unwrap();
}

/// Some of everything, hostile texts among it.
async fn lived_in(store: &dyn Store) -> SiteId {
    let site = store.add_site("news", "https://news.example/", Policy::standard(), [1; 32], at(0)).await.unwrap().id;
    let endpoint = Endpoint {
        id: "ep_a".into(),
        site,
        kind: EndpointKind::Webhook,
        url: "https://cms.example/".into(),
        events: None,
        created_at: at(0),
        disabled: None,
        failing_since: None,
        secrets: vec![EndpointSecret { secret: "whsec_x".into(), expires_at: None }],
    };
    store.add_endpoint(endpoint).await.unwrap();
    let text = "We are happy to tell every family in the county that our office lends money without any questions";
    let mut ids = Vec::new();
    for number in 0..300 {
        let mut new = comment(site, &format!("{text} {number} \0 مرحبا"));
        new.id = random::comment_id(at(number));
        new.received_at = at(number);
        new.comment.external_id = Some(match number {
            0 => "nul \0 and \u{FFFE} in it".to_owned(),
            1 => "x".repeat(3_000),
            _ => number.to_string(),
        });
        new.idempotency_key = (number % 3 == 0).then(|| format!("key {number}"));
        let print = Fingerprint::of(&Text::of(&new.comment), "", "");
        new.traces = Traces { author: Some(number.to_string()), fingerprint: print, ..Traces::default() };
        ids.push(match number % 10 {
            9 => store.admit_queued(new, None).await.unwrap().id(),
            _ => store.admit_decided(new, &verdict(Decision::Hold), event()).await.unwrap().id(),
        });
    }
    while store.remember(100).await.unwrap() > 0 {}
    for (number, label) in [(0, Label::Ham), (1, Label::Spam), (0, Label::Spam)] {
        let entry =
            HistoryEntry { at: at(1), by: "ada".into(), via: "api".into(), what: Act::Label(label), before: None };
        let change = Change {
            entry,
            verdict: verdict(label.decision()),
            judged: None,
            comment: None,
            idempotency_key: None,
            fingerprint: None,
            event: None,
            call_back: None,
            campaign: None,
            traces: None,
        };
        assert!(store.record_change(site, ids[number], change).await.unwrap());
    }
    let job = store.claim_decisions(at(1_000), Duration::from_secs(30), 1).await.unwrap().remove(0);
    store.give_up(job.lease, "no model".into(), at(1_000)).await.unwrap();
    let delivery =
        store.claim_deliveries(at(1_000), Duration::from_secs(30), 1, &Full::default()).await.unwrap().remove(0);
    let (error, answer) = ("HTTP 500".to_owned(), "oh".to_owned());
    let attempt =
        Attempt { status: Some(500), error, latency: Duration::from_millis(3), answer, next: NextStep::DeadLetter };
    store.record_attempt(delivery.lease, attempt, at(1_001)).await.unwrap();
    for owner in [None, Some(site)] {
        let entry = ListEntry {
            list: "block".parse().unwrap(),
            pattern: "domain:bad.example".parse().unwrap(),
            reason: "why".into(),
            added_by: "ada".into(),
            added_at: at(0),
            expires_at: None,
        };
        store.change_lists(owner, Vec::new(), vec![entry]).await.unwrap();
    }
    let record = ModelRecord {
        id: "abc".into(),
        created_at: at(0),
        card: serde_json::json!({"n": 7}),
        promoted_at: None,
        note: "kept".into(),
        is_champion: false,
    };
    store.keep_model(record, (0..=255).cycle().take(100_000).collect()).await.unwrap();
    store.promote(Some("abc"), "good", at(2)).await.unwrap();
    site
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_moves_to_postgresql_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let site = lived_in(file.as_ref()).await;
    let server = open(&fresh_database(), folder.path(), Settings::default()).await.unwrap();
    moved(file.as_ref(), server.as_ref()).await;
    let (before, after) = (everything(file.as_ref()).await, everything(server.as_ref()).await);
    assert!(before["campaigns"].len() == 1 && before["comments"].len() == 300, "{:?}", before.keys());
    for (table, rows) in &before {
        assert_eq!(after.get(table), Some(rows), "{table}");
    }
    assert_eq!(after.len(), before.len());

    // It is a store like any other, and goes on behind what was there.
    let (_, taken) = tokio::sync::mpsc::channel(1);
    assert!(matches!(server.fill(taken).await, Err(StoreError::Conflict(_))), "it is not empty");
    assert_eq!(server.label_counts(site).await.unwrap(), [0, 2]);
    let again = NewComment { idempotency_key: None, ..comment(site, "x") };
    for (id, known) in [("nul \0 and \u{FFFE} in it", true), (&*"x".repeat(3_000), true), ("nul", false)] {
        assert_eq!(server.find_by_external_id(site, id).await.unwrap().is_some(), known);
    }
    let id = server.admit_queued(again, None).await.unwrap().id();
    assert!(
        server.claim_decisions(at(9_999), Duration::from_secs(30), 99).await.unwrap().iter().any(|job| job.id == id)
    );
    assert_eq!(server.lessons(0, 99).await.unwrap().lessons.len(), 3);
    while server.make_findable(1_000).await.unwrap() > 0 {}

    let folder = tempfile::tempdir().unwrap();
    let back = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    moved(server.as_ref(), back.as_ref()).await;
    assert_eq!(everything(back.as_ref()).await, everything(server.as_ref()).await);
    back.admit_queued(comment(site, "and on"), None).await.unwrap();
    while back.make_findable(1_000).await.unwrap() > 0 {}
    for store in [file, server, back] {
        store.close().await;
    }
}
