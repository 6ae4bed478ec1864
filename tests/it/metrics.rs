//! What `/metrics` shows of a daemon at work is what the one list says, and the dashboard asks for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hamlet::telemetry::{Kind, METRICS};
use regex::Regex;
use serde_json::{Value, json};

use crate::daemon::{Daemon, beside, client, folder};
use crate::muting::reader;
use crate::receiver::Receiver;

/// Name and type of each metric that is shown with a value.
async fn shown(address: SocketAddr) -> BTreeMap<String, String> {
    let answer = client().get(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let shown: BTreeMap<_, _> = types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    for name in shown.keys() {
        assert!(
            text.contains(&format!("\n# HELP {name} ")) || text.starts_with(&format!("# HELP {name} ")),
            "{name} is not explained"
        );
    }
    shown
}

fn listed() -> BTreeMap<String, String> {
    let word = |kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Seconds | Kind::Sizes => "histogram",
    };
    METRICS.iter().map(|(name, kind, _)| ((*name).to_owned(), word(*kind).to_owned())).collect()
}

#[tokio::test]
async fn after_real_traffic_the_list_is_what_a_scrape_shows() {
    let folder = folder();
    // A trap that alone holds, so that it can go mad; a list in the network at a resolver that is not there.
    let weights = folder.path().join("rules.toml");
    std::fs::write(&weights, "[weights]\nHONEYPOT_FILLED = 12.0\n[caps]\ntraps = 12.0\n").unwrap();
    let settings = folder.path().join("hamlet.toml");
    let network =
        "domain_lists = [\"list.example 127.0.0.2=URIBL_BLACK\"]\nresolvers = [\"127.0.0.1:9\"]\nbudget_ms = 50";
    let text = format!(
        "[rules]\nfile = '{}'\n[policy]\nhold = 0.8\n[webhooks]\nallow_private_addresses = true\n[network]\n{network}\n",
        weights.display()
    );
    std::fs::write(&settings, text).unwrap();
    let daemon = Daemon::start_with(folder.path(), &["--config", settings.to_str().unwrap()]).await;
    let key = daemon.key();
    let receiver = Receiver::listening().await;
    beside(folder.path(), &["endpoint", "list"]);
    let add = ["endpoint", "add", "--site", "default", &receiver.url(), "--config", settings.to_str().unwrap()];
    beside(folder.path(), &add);
    daemon.until("/v1/endpoints", &key, |_, _| true).await;

    let (status, queued) =
        daemon.post("/v1/comments", &key, &json!({"content": "see https://shop.example/page"})).await;
    assert_eq!(status, 202, "{queued}");
    let path = format!("/v1/comments/{}", queued["id"].as_str().unwrap());
    daemon.until(&path, &key, |_, shown| shown["status"] == "decided").await;
    // A label that contradicts what was decided is a mistake.
    let (_, spam) = daemon
        .post(
            "/v1/comments/check",
            &key,
            &json!({"content": "buy cheap viagra casino https://bit.ly/x https://bit.ly/y"}),
        )
        .await;
    for label in ["ham", "spam"] {
        let path = format!("/v1/comments/{}/label", spam["id"].as_str().unwrap());
        assert_eq!(daemon.post(&path, &key, &json!({"label": label})).await.0, 200);
    }
    for number in 0..260 {
        reader(&daemon, &key, number, "cached").await;
    }
    let started = Instant::now();
    loop {
        let shown = shown(daemon.address).await;
        let unlisted: Vec<_> = shown.iter().filter(|(name, kind)| listed().get(*name) != Some(kind)).collect();
        assert!(unlisted.is_empty(), "not in telemetry::METRICS, or of another type there: {unlisted:?}");
        let missing: Vec<_> = listed().into_keys().filter(|name| !shown.contains_key(name)).collect();
        if missing.is_empty() {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "never shown: {missing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let answer = client().get(format!("http://{}/metrics", daemon.address)).send().await.unwrap().text().await.unwrap();
    let value = |series: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
        line.unwrap_or_else(|| panic!("no {series} in {answer}"))
    };
    assert!(value("process_resident_memory_bytes") > 1e6 && value("process_open_fds") > 5.0);
    assert!(value("process_open_fds") < value("process_max_fds"));
    assert_eq!(value("hamlet_build_info{version=\"0.1.0\"}"), 1.0);
    let model = format!("hamlet_model_info{{model=\"{}\"}}", hamlet::classifier::Classifier::shipped().id());
    assert_eq!(value(&model), 1.0);
    assert!(value("hamlet_store_commit_verbs_count") > 0.0);
    assert!(value("hamlet_http_requests_total{door=\"/v1/comments\",status=\"2xx\"}") > 0.0, "{answer}");
}

/// Every text in it that is an `expr`.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_every_metric_and_for_none_that_is_not() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/grafana.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(dashboard["__inputs"][0]["pluginId"], "prometheus", "whoever imports it names the data source");
    let source = format!("${{{}}}", dashboard["__inputs"][0]["name"].as_str().unwrap());
    let panels: Vec<&Value> =
        dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect();
    assert!(panels.iter().all(|panel| panel["datasource"]["uid"] == json!(source)), "all panels ask that source");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    assert!(panels.iter().all(|panel| panel["title"].is_string() && panel["description"].is_string()));

    let mut asked = Vec::new();
    expressions(&dashboard["panels"], &mut asked);
    let name = Regex::new(r"\b(?:hamlet|process)_[a-z_]+\b").unwrap();
    let listed = listed();
    let metric = |name: &str| {
        let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|ending| name.strip_suffix(ending));
        of_histogram.filter(|name| listed.get(*name).is_some_and(|kind| kind == "histogram")).unwrap_or(name).to_owned()
    };
    let asked: BTreeSet<String> =
        asked.iter().flat_map(|asked| name.find_iter(asked)).map(|name| metric(name.as_str())).collect();
    let all: BTreeSet<String> = listed.keys().cloned().collect();
    assert_eq!(asked, all, "left: what the panels ask for; right: telemetry::METRICS");
}
