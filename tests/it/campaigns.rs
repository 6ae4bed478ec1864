//! Campaigns over HTTP: many near copies appear as one, are decided at once, and are restored; and what was seen before counts.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Hamlet, KEY};

const AD: &str =
    "We are happy to tell every family in the county that our office lends money without any long questions";

/// The `number`th of many ways to say the same: look-alike letters, gaps, other names, links and numbers, a tail.
fn variant(number: usize) -> String {
    let swapped: String = AD
        .char_indices()
        .map(|(at, c)| match c {
            'a' if (at + number).is_multiple_of(3) => 'а',
            'e' if (at * 7 + number).is_multiple_of(4) => 'е',
            'o' if (at + 2 * number).is_multiple_of(5) => 'о',
            other => other,
        })
        .collect();
    let spaced = match number % 4 {
        0 => swapped.replace(' ', "  "),
        1 => swapped.replacen("money", "m o n e y", 1),
        2 => swapped.to_uppercase(),
        _ => swapped,
    };
    let name = ["Ada", "Bob", "Carla", "Dimitri", "Eve"][number % 5];
    format!(
        "{spaced}. Ask {name}, {}{:06} or https://lender{}.example/{number}",
        100 + number,
        number * 7919,
        number % 9
    )
}

/// The `number`th of many comments that have nothing in common but their language.
fn unrelated(number: usize) -> String {
    const WHO: [&str; 10] = [
        "mayor",
        "harbour master",
        "baker",
        "teacher",
        "orchestra",
        "ferry pilot",
        "gardener",
        "editor",
        "goalkeeper",
        "chemist",
    ];
    const WHAT: [&str; 10] = [
        "painted the northern lighthouse yellow",
        "forgot seventeen umbrellas underground",
        "refused yesterday's inheritance politely",
        "invented cheaper mushroom sandwiches",
        "postponed Thursday's eclipse viewing",
        "translated ancient plumbing manuals",
        "borrowed nineteen wheelbarrows twice",
        "whistled Bruckner backwards admirably",
        "photographed invisible penguins nightly",
        "repaired grandmother's submarine clumsily",
    ];
    let tail: String = (0..8).map(|step| format!(" {}", word(number * 31 + step * 977 + 5))).collect();
    format!("The {} {}, says{tail}", WHO[number % 10], WHAT[number / 10 % 10])
}

fn word(seed: usize) -> String {
    let mut seed = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    (0..7)
        .map(|_| {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            char::from(b'a' + u8::try_from((seed >> 33) % 26).unwrap())
        })
        .collect()
}

fn comment(text: &str, address: usize, post: usize) -> Value {
    json!({
        "content": text,
        "permalink": format!("https://news.example/{post}"),
        "author": { "email": format!("reader{address}@mail{address}.example"), "ip": format!("192.0.2.{address}") },
    })
}

async fn campaigns(hamlet: &Hamlet) -> Vec<Value> {
    let reply = hamlet.get("/v1/campaigns").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["campaigns"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_variants_are_one_campaign_decided_at_once_and_undone() {
    let hamlet = Hamlet::start().await;
    let (mut variants, mut others) = (Vec::new(), Vec::new());
    for number in 0..300 {
        hamlet.wait(Duration::from_secs(20));
        let reply = hamlet.post("/v1/comments", &comment(&variant(number), 1 + number % 40, number % 12)).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        variants.push(reply.json()["id"].as_str().unwrap().to_owned());
        if number % 3 == 0 {
            let reply =
                hamlet.post("/v1/comments", &comment(&unrelated(number / 3), 100 + number % 40, number % 12)).await;
            others.push(reply.json()["id"].as_str().unwrap().to_owned());
        }
    }
    let mut before = Vec::new();
    for id in &variants {
        before.push(hamlet.decided(id).await["verdict"].clone());
    }
    let mut others_before = Vec::new();
    for id in &others {
        others_before.push(hamlet.decided(id).await["verdict"]["decision"].clone());
    }

    let [campaign] = campaigns(&hamlet).await.try_into().unwrap();
    let size = campaign["comments"].as_u64().unwrap();
    assert!((295..=300).contains(&size), "{campaign}");
    assert_eq!((&campaign["authors"], &campaign["posts"], &campaign["sites"]), (&json!(40), &json!(12), &json!(1)));
    assert_eq!(campaign["decision"], Value::Null);
    let id = campaign["id"].as_i64().unwrap();
    let shown = hamlet.get(&format!("/v1/campaigns/{id}")).await.json();
    let links: BTreeSet<&str> =
        shown["links"].as_array().unwrap().iter().map(|link| link["domain"].as_str().unwrap()).collect();
    assert!(links.contains("lender1.example") && links.len() == 9, "{shown}");

    // The later ones were seen for what they are.
    let last = hamlet.show(variants.last().unwrap()).await;
    let text = &last["verdict"]["facts"]["history"]["text"];
    assert!(text["near"].as_u64().unwrap() > 250 && text["campaign"] == json!(id), "{text}");
    let symbols = |verdict: &Value| -> Vec<String> {
        verdict["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|piece| piece["symbol"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(symbols(&last["verdict"]).contains(&"DUP_NEAR".to_owned()), "{last}");

    let path = format!("/v1/campaigns/{id}/decision");
    let reply = hamlet.post(&path, &json!({"label": "spam", "by": "ada"})).await;
    assert_eq!((reply.status, reply.json()["comments"].as_u64()), (200, Some(size)), "{reply:?}");
    let mut members = 0;
    for id in &variants {
        let shown = hamlet.show(id).await;
        let is_member = shown["history"].as_array().unwrap().iter().any(|entry| entry["label"] == "spam");
        members += u64::from(is_member);
        assert!(!is_member || shown["verdict"]["decision"] == "spam", "{shown}");
    }
    assert_eq!(members, size);
    for (id, before) in others.iter().zip(&others_before) {
        assert_eq!(&hamlet.show(id).await["verdict"]["decision"], before, "an unrelated comment was touched");
    }
    // One that comes later follows, one that has nothing to do with it does not.
    let later = hamlet.check(&comment(&variant(777), 77, 3)).await;
    assert_eq!(later["decision"], "spam", "{later}");
    assert!(later["reason"].as_str().unwrap().contains(&format!("campaign {id}")), "{later}");
    let free = hamlet.check(&comment(&unrelated(99), 78, 3)).await;
    assert!(free["facts"]["history"]["text"]["campaign"].is_null(), "{free}");
    // A person contradicts for one of them; that word stays.
    let contradicted = variants.last().unwrap();
    hamlet.post(&format!("/v1/comments/{contradicted}/label"), &json!({"label": "ham"})).await;

    let reply = hamlet.json(KEY, "DELETE", &path, &[], b"").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    for (id, before) in variants.iter().zip(&before) {
        let shown = hamlet.show(id).await;
        if id == contradicted {
            assert_eq!(shown["verdict"]["decision"], "approve");
            continue;
        }
        assert_eq!(&shown["verdict"], before, "comment {id}");
    }
    let later = hamlet.show(later["id"].as_str().unwrap()).await;
    assert!(!later["verdict"]["reason"].as_str().unwrap().contains("campaign"), "{later}");
    let [campaign] = campaigns(&hamlet).await.try_into().unwrap();
    assert_eq!(campaign["decision"], Value::Null);
    let again = hamlet.json(KEY, "DELETE", "/v1/campaigns/999999/decision", &[], b"").await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn a_burst_is_over_when_time_has_passed() {
    let hamlet = Hamlet::start().await;
    let burst = |verdict: &Value| {
        verdict["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .find(|piece| piece["symbol"] == "IP_BURST")
            .map(|piece| piece["weight"].as_f64().unwrap())
    };
    let mut last = Value::Null;
    for number in 0..14 {
        last = hamlet.check(&comment(&unrelated(number), 7, number)).await;
        assert_eq!(burst(&last).is_some(), number >= 6, "{number}: {last}");
        hamlet.wait(Duration::from_secs(1));
    }
    assert!(burst(&last).unwrap() > 0.5, "{last}");
    // From another address nothing of it is seen; asking without keeping leaves nothing behind.
    for _ in 0..8 {
        let reply = hamlet.post("/v1/comments/check?dry_run=true", &comment(&unrelated(50), 8, 1)).await;
        assert_eq!(burst(&reply.json()), None);
    }
    hamlet.wait(Duration::from_secs(3 * 3_600));
    assert_eq!(burst(&hamlet.check(&comment(&unrelated(60), 7, 1)).await), None);
    // A clock that jumps back makes nothing negative.
    let hand = &hamlet.clock_hand;
    hand.fetch_sub(86_400_000_000 * 400, std::sync::atomic::Ordering::Relaxed);
    let early = hamlet.check(&comment(&unrelated(61), 7, 1)).await;
    let seen = &early["facts"]["history"]["ip"];
    assert!(seen["first_seconds_ago"].is_null() && seen["passed"].as_f64().unwrap() > 0.0, "{early}");
}

#[tokio::test]
async fn trust_is_earned_on_several_days_and_a_first_link_costs_half_of_it() {
    let hamlet = Hamlet::start().await;
    let of = |verdict: &Value, symbol: &str| {
        verdict["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .find(|piece| piece["symbol"] == symbol)
            .map(|piece| piece["weight"].as_f64().unwrap())
    };
    let first = hamlet.check(&comment(&unrelated(1), 5, 1)).await;
    assert!(of(&first, "AUTHOR_NEW").is_some() && of(&first, "AUTHOR_APPROVED").is_none(), "{first}");
    for day in 2..8 {
        let verdict = hamlet.check(&comment(&unrelated(day), 5, day)).await;
        hamlet
            .post(
                &format!("/v1/comments/{}/decision", verdict["id"].as_str().unwrap()),
                &json!({"decision": "approve"}),
            )
            .await;
        // What is said twice counts once.
        hamlet.post(&format!("/v1/comments/{}/label", verdict["id"].as_str().unwrap()), &json!({"label": "ham"})).await;
        if day == 2 {
            let same_day = hamlet.check(&comment(&unrelated(40), 5, 9)).await;
            assert_eq!(of(&same_day, "AUTHOR_APPROVED"), None, "one day is not enough: {same_day}");
        }
        hamlet.wait(Duration::from_secs(86_400));
    }
    let trusted = hamlet.check(&comment(&unrelated(50), 5, 9)).await;
    let trust = of(&trusted, "AUTHOR_APPROVED").unwrap();
    assert!(trust < -1.0, "{trusted}");
    let linking = hamlet.check(&comment(&format!("{} https://shop.example/", unrelated(51)), 5, 9)).await;
    let first_link = of(&linking, "AUTHOR_FIRST_LINK").unwrap();
    assert!((first_link + of(&linking, "AUTHOR_APPROVED").unwrap() / 2.0).abs() < 0.02, "{linking}");
    // A stranger has nothing of it.
    assert_eq!(of(&hamlet.check(&comment(&unrelated(52), 6, 9)).await, "AUTHOR_APPROVED"), None);
    // A year later it has faded.
    hamlet.wait(Duration::from_secs(86_400 * 365));
    assert_eq!(of(&hamlet.check(&comment(&unrelated(53), 5, 9)).await, "AUTHOR_APPROVED"), None);
}

#[tokio::test]
async fn an_edit_that_adds_a_link_is_told() {
    let hamlet = Hamlet::start().await;
    let mut edited = comment(&unrelated(3), 9, 1);
    edited["external_id"] = json!("17");
    hamlet.check(&edited).await;
    edited["content"] = json!(format!("{} https://shop.example/", unrelated(3)));
    let verdict = hamlet.check(&edited).await;
    assert_eq!(verdict["facts"]["history"]["added_links"], 1, "{verdict}");
    assert!(verdict["facts"]["history"]["text"]["near"].is_null(), "its own former text is no copy: {verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_decides_and_restores_beside_a_daemon() {
    let hamlet = Hamlet::start().await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(hamlet.check(&comment(&variant(number), 1 + number, number)).await["id"].as_str().unwrap().to_owned());
    }
    let run = |line: &str| {
        let mut command = assert_cmd::Command::cargo_bin("hamlet").unwrap();
        let output = command
            .env_clear()
            .env("HAMLET_DATA_DIR", hamlet.folder.path())
            .args(line.split_whitespace())
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let json = |line: &str| -> Value {
        let (code, out, error) = run(line);
        assert_eq!((code, error.as_str()), (0, ""), "{line}");
        serde_json::from_str(&out).unwrap()
    };
    let listed = json("campaign list default --json");
    let id = listed[0]["id"].as_i64().unwrap();
    assert_eq!((&listed[0]["comments"], &listed[0]["authors"]), (&json!(6), &json!(6)));
    let (_, table, _) = run("campaign list default");
    assert!(table.starts_with("CAMPAIGN") && table.contains(" 6 "), "{table}");
    assert_eq!(json(&format!("campaign show default {id} --json"))["links_of"], 6);
    let (_, shown, _) = run(&format!("campaign show default {id}"));
    assert!(shown.contains("decided     no"), "{shown}");
    let decided = json(&format!("campaign decide default {id} --decision hold --by ada --json"));
    assert_eq!(decided, json!({"comments": 6, "changed": 6}));
    assert_eq!(hamlet.show(&ids[3]).await["verdict"]["reason"], "ada decided: hold.");
    let (_, undone, _) = run(&format!("campaign undo default {id}"));
    assert_eq!(undone, "6 of 6 comments restored.\n");
    assert_ne!(hamlet.show(&ids[3]).await["verdict"]["reason"], "ada decided: hold.");
    let (code, _, error) = run("campaign show default 999");
    assert!(code == 1 && error.contains("there is no campaign 999 at default"), "{error}");
    assert_eq!(run(&format!("campaign decide default {id} --decision discard")).0, 2);
    assert_eq!(run(&format!("campaign decide default {id}")).0, 2);
}
