//! Layers, kinds and ranges as tables.

use super::*;

/// Settings from a file's text (none when empty) and `NAME=value` words of the environment.
pub(super) fn load(file: &str, environment: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, file).unwrap();
    let words = environment.iter().map(|word| word.split_once('=').unwrap());
    let mut environment: BTreeMap<String, String> = words.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    environment.entry("HOME".to_owned()).or_insert_with(|| "/home/bob".to_owned());
    let config = Config::load(Sources { file: Some(path.clone()), environment, flags: Vec::new() });
    config
        .and_then(|config| config.hooks().map(|_| config))
        .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "mine.toml"))
}

#[track_caller]
pub(super) fn refused(file: &str, environment: &[&str], expected: &str) {
    let error = load(file, environment).map(|_| "it was accepted").unwrap_err();
    assert!(error.contains(expected), "{error}\n  does not say: {expected}");
}

#[test]
fn with_nothing_given_the_defaults_are_in_force() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8420");
    assert_eq!(config.policy, Policy::standard());
    assert_eq!(config.webhooks.retry_waits.iter().sum::<Duration>().as_secs() / 86_400, 3, "some three days");
    assert_eq!(config.webhooks.allow_private_addresses, PrivateAddresses::Refused);
    assert_eq!(config.model.file, None);
    assert_eq!(config.settings().filter(|setting| setting.origin != "the defaults").count(), 0);
}

#[test]
fn the_later_layer_wins() {
    let file = "listen = \"127.0.0.2:1\"\n[store]\nreaders = 2\ncommit_batch = 8";
    let config = load(file, &["HAMLET_STORE__READERS=3"]).unwrap();
    assert_eq!((config.store.readers, config.store.commit_batch, config.store.waiting_writes), (3, 8, 4096));
    let flags = vec![("--listen", "listen", "[::1]:9".to_owned())];
    let sources = Sources { flags, ..config.sources };
    let again = Config::load(Sources { file: None, ..sources }).unwrap();
    assert_eq!(again.listen.to_string(), "[::1]:9");
    let origin = |key: &str| again.settings().find(|setting| setting.key == key).map(|setting| setting.origin.clone());
    assert_eq!(origin("listen").as_deref(), Some("--listen"));
    assert_eq!(origin("store.readers").as_deref(), Some("environment variable HAMLET_STORE__READERS"));
}

#[test]
fn the_environment_writes_lists_as_toml_or_with_commas() {
    for (word, hosts) in [("a.example, B.example", 2), ("[\"a.example\"]", 1), ("", 0)] {
        let config = load("", &[&format!("HAMLET_AKISMET__HOSTS={word}")]).unwrap();
        assert_eq!(config.akismet.hosts.len(), hosts, "{word}");
    }
    let config = load("", &["HAMLET_WEBHOOKS__RETRY_WAITS_S=1, 2,3", "HAMLET_AKISMET__HOSTS=A.Example."]).unwrap();
    assert_eq!(config.webhooks.retry_waits, [1, 2, 3].map(Duration::from_secs));
    assert_eq!(config.akismet.hosts, ["a.example"]);
}

#[test]
fn a_level_may_be_given_by_module() {
    let config = load("log.level = \"info,hamlet::webhook=debug\"", &[]).unwrap();
    assert_eq!(config.log.level, "info,hamlet::webhook=debug");
}

#[test]
fn private_addresses_are_all_none_or_some() {
    let networks = PrivateAddresses::Within(vec!["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()]);
    for (word, expected) in [
        ("true", &PrivateAddresses::Allowed),
        ("false", &PrivateAddresses::Refused),
        ("127.0.0.0/8,10.1.0.0/16", &networks),
        ("[\"127.0.0.0/8\", \"10.1.0.0/16\"]", &networks),
    ] {
        let config = load("", &[&format!("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES={word}")]).unwrap();
        assert_eq!(config.webhooks.allow_private_addresses, *expected, "{word}");
    }
    refused("", &["HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES=yes"], "`webhooks.allow_private_addresses` must be true");
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let trusted = |word: &str| {
        let config = load("", &[&format!("HAMLET_LIMITS__TRUSTED_PROXIES={word}")]).unwrap();
        config.limits.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(load("", &[]).unwrap().limits.trusted_proxies.len(), 2);
    assert_eq!(trusted("10.0.0.0/8, 192.0.2.7"), ["10.0.0.0/8", "192.0.2.7/32"]);
    assert_eq!(trusted("[\"2001:db8::/32\", \"::1\"]"), ["2001:db8::/32", "::1/128"]);
    assert!(trusted("").is_empty());
}

#[test]
fn discard_is_a_probability_or_none() {
    let discard =
        |word: &str| load("", &[&format!("HAMLET_POLICY__DISCARD={word}")]).unwrap().policy.thresholds.discard;
    assert_eq!(discard("none"), None);
    assert_eq!(discard("0.999").map(crate::verdict::Score::get), Some(0.999));
    assert!(load("policy.discard = 0.999", &[]).unwrap().policy.thresholds.discard.is_some());
    refused("policy.discard = \"never\"", &[], "mine.toml: `policy.discard` must be \"none\" or a probability");
    refused("policy.discard = 7", &[], "mine.toml: `policy.discard` must be a probability from 0 to 1, not 7");
}

#[test]
fn an_unknown_key_names_its_place_and_the_nearest_known_one() {
    refused("lisen = \"x\"", &[], "mine.toml: unknown key `lisen`; did you mean `listen`?");
    refused("[webhook]\ntime_out = 3", &[], "unknown key `webhook.time_out`; did you mean `webhooks.timeout_ms`?");
    refused("commit_batch = 3", &[], "did you mean `store.commit_batch`?");
    refused("store = 3", &[], "`store` is a section; name a key of it, such as `store.url`");
    let variable = "`store` is a section; name a key of it, such as `HAMLET_STORE__URL`";
    refused("", &["HAMLET_STORE=postgres://hamlet@localhost/hamlet"], variable);
    let variable = "environment variable HAMLET_STORE__READER: unknown key `store.reader`; \
                    did you mean `HAMLET_STORE__READERS`?";
    refused("", &["HAMLET_STORE__READER=3"], variable);
}

#[test]
fn a_bad_value_names_its_place_key_and_range() {
    let variable = "environment variable HAMLET_STORE__READERS: `store.readers` must be a whole number, not \"many\"";
    refused("", &["HAMLET_STORE__READERS=many"], variable);
    refused("listen = 8420", &[], "mine.toml: `listen` must be a text in quotes, not 8420");
    refused("listen = \"localhost\"", &[], "mine.toml: `listen` must be an address and a port such as 127.0.0.1:8420");
    refused("store.readers = 1.5", &[], "mine.toml: `store.readers` must be a whole number, not 1.5");
    refused("store.readers = 0", &[], "mine.toml: `store.readers` must be from 1 to 256, not 0");
    refused("store.readers = -1", &[], "`store.readers` must be from 1 to 256, not -1");
    refused("policy.hold = true", &[], "mine.toml: `policy.hold` must be a number, not true");
    refused("policy.hold = 1.5", &[], "mine.toml: `policy.hold` must be from 0 to 1, not 1.5");
    refused("policy.hold = nan", &[], "mine.toml: `policy.hold` must be from 0 to 1, not NaN");
    refused("policy.hold = 0.99", &[], "mine.toml: `policy.hold` (0.99) must not be above `policy.spam`");
    refused("policy.discard = 0.9", &[], "mine.toml: `policy.discard` (0.9) must not be below `policy.spam`");
    refused("webhooks.retry_waits_s = [1, -2]", &[], "`webhooks.retry_waits_s` must be from 0 to 2592000");
    refused("webhooks.retry_waits_s = [\"1\"]", &[], "`webhooks.retry_waits_s` must be a whole number, not \"1\"");
    refused("akismet.hosts = [\"a b\"]", &[], "mine.toml: `akismet.hosts` must be bare host names, not \"a b\"");
    refused("akismet.hosts = \"a\"", &[], "mine.toml: `akismet.hosts` must be a list in brackets");
    refused("limits.per_key_s = -1", &[], "mine.toml: `limits.per_key_s` must be from 0 to 1000000, not -1");
    refused("limits.per_key_burst = 0", &[], "mine.toml: `limits.per_key_burst` must be from 1 to 1000000, not 0");
    refused(
        "limits.trusted_proxies = [\"proxy\"]",
        &[],
        "`limits.trusted_proxies` must be networks such as 10.0.0.0/8",
    );
    refused("log.format = \"yaml\"", &[], "mine.toml: `log.format`");
    refused("log.level = \"loud\"", &[], "mine.toml: `log.level` must be error, warn, info, debug or trace");
    refused("log.level = \"info,hamlet=loud\"", &[], "`log.level` must be error, warn");
    refused("webhooks.per_endpoint = 65", &[], "must not be above `webhooks.concurrency`");
    refused("webhooks.timeout_ms = 100", &[], "must not be above `webhooks.timeout_ms`");
    refused("worker.lease_s = 15", &[], "mine.toml: `worker.lease_s` (15) must be longer than `webhooks.timeout_ms`");
    refused("http.body_bytes = 200_000_000", &[], "must not be below `http.body_bytes`");
    refused("listen = ", &[], "mine.toml: ");
}

#[test]
fn a_missing_file_says_so() {
    let sources = Sources { file: Some("no/such.toml".into()), ..Sources::default() };
    let error = Config::load(sources).unwrap_err().to_string();
    assert!(error.starts_with("no/such.toml: cannot be read"), "{error}");
}

#[test]
fn data_is_kept_where_the_environment_says() {
    let folder = |environment: &[&str]| load("", environment).unwrap().data_dir.display().to_string();
    assert_eq!(folder(&[]), "/home/bob/.local/share/hamlet");
    assert_eq!(folder(&["XDG_DATA_HOME=/x"]), "/x/hamlet");
    assert_eq!(folder(&["XDG_DATA_HOME=/x", "STATE_DIRECTORY=/var/lib/hamlet:/other"]), "/var/lib/hamlet");
    assert_eq!(folder(&["STATE_DIRECTORY=/var/lib/hamlet", "HAMLET_DATA_DIR=/mine"]), "/mine");
    let error = load("", &["HOME="]).unwrap_err();
    assert!(error.contains("give it with --data-dir"), "{error}");
}

#[test]
fn every_number_has_a_range() {
    let config = load("", &[]).unwrap();
    let numbers = config.settings().filter(|setting| match &setting.value {
        config::ValueKind::Array(items) => items.iter().any(|item| matches!(item.kind, config::ValueKind::I64(_))),
        value => matches!(value, config::ValueKind::I64(_) | config::ValueKind::Float(_)),
    });
    let ranges = || RANGES.iter().chain(&network::RANGES);
    let unbounded: Vec<_> =
        numbers.filter(|number| ranges().all(|(key, ..)| *key != number.key)).map(|number| &number.key).collect();
    assert!(unbounded.is_empty(), "{unbounded:?}");
    let stale: Vec<_> = ranges().filter(|(key, ..)| !config.settings.contains_key(*key)).collect();
    assert!(stale.is_empty(), "{stale:?}");
}

#[test]
fn the_network_is_off_and_what_may_not_be_asked_is_refused() {
    let off = load("", &[]).unwrap().network;
    assert!(off.domain_lists.is_empty() && off.ip_lists.is_empty() && off.stopforumspam.is_empty());
    assert!(off.tor_exits.is_none() && off.host_lists.is_empty());
    let on = "HAMLET_NETWORK__DOMAIN_LISTS=dbl.spamhaus.org,my.test 127.0.0.9=SURBL*0.5";
    assert_eq!(load("", &[on]).unwrap().network.domain_lists.len(), 2);
    for (line, expected) in [
        ("ip_lists = ['pbl.spamhaus.org']", "home users"),
        ("ip_lists = ['dbl.spamhaus.org']", "belongs in `network.domain_lists`"),
        ("domain_lists = ['x.test 127.0.0.2=SPAM_CASINO']", "may speak for URIBL_DBL"),
        ("stopforumspam = ['mail']", "may hold \"email\", \"ip\" and \"name\""),
        ("stopforumspam_url = 'ftp://x'", "must be a URL"),
        ("resolvers = ['127.0.0.1']", "must be addresses and ports such as 127.0.0.1:53"),
        ("budget_ms = 0", "must be from 10 to 10000"),
    ] {
        let error = load(&format!("[network]\n{line}"), &[]).unwrap_err();
        assert!(error.contains(expected) && error.contains("network."), "{line}: {error}");
    }
}
