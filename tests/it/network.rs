//! Network rules through the real daemon, against a DNS server and an HTTP server of the loopback that behave well and badly.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hamlet::classifier::Classifier;
use hamlet::classifier::site::SiteCounts;
use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::config::{Config, Sources};
use hamlet::decision::Judge;
use hamlet::facts::Facts;
use hamlet::lists::Lists;
use hamlet::network::{self, Network};
use hamlet::rules::{Case, Family, RULES, RuleSet};
use hamlet::site::ListEntry;
use hamlet::text::Text;
use hamlet::verdict::Decision;
use hamlet::webhook::Allow;
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::daemon::{Daemon, folder};
use crate::replay::site;

/// How the server answers a question.
#[derive(Clone, Copy, Debug)]
enum Says {
    Code([u8; 4]),
    Unlisted,
    Broken,
    Refused,
    /// Bytes that are no message.
    Garbage,
    /// By UDP only that the answer is too long; by TCP this code.
    Cut([u8; 4]),
    Late(Duration, [u8; 4]),
    Nothing,
}

/// A DNS server that knows some names and writes down what it is asked.
#[derive(Clone, Debug)]
struct Dns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    names: Arc<BTreeMap<String, Says>>,
}

impl Dns {
    /// What is not among `names` is not listed; of each zone the test entries are as they should be.
    async fn serving(names: &[(&str, Says)]) -> Dns {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let names = names.iter().map(|(name, says)| ((*name).to_owned(), *says)).collect();
        let dns = Dns { address: udp.local_addr().unwrap(), asked: Arc::default(), names: Arc::new(names) };
        let (server, udp) = (dns.clone(), Arc::new(udp));
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, peer)) = udp.recv_from(&mut buffer).await {
                let (server, udp, question) = (server.clone(), Arc::clone(&udp), buffer[..length].to_vec());
                tokio::spawn(async move {
                    if let Some(answer) = server.answer(&question, true).await {
                        udp.send_to(&answer, peer).await.unwrap();
                    }
                });
            }
        });
        let server = dns.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let answer = server.answer(&question, false).await.unwrap();
                stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        dns
    }

    async fn answer(&self, question: &[u8], is_udp: bool) -> Option<Vec<u8>> {
        let mut message = Message::from_vec(question).unwrap();
        let name = message.queries[0].name().to_ascii().trim_end_matches('.').to_lowercase();
        self.asked.lock().unwrap().push(name.clone());
        let says = self.names.get(&name).copied().unwrap_or(Says::Unlisted);
        message.metadata.message_type = MessageType::Response;
        message.metadata.recursion_available = true;
        let code = match says {
            Says::Code(code) => code,
            Says::Late(wait, code) => {
                tokio::time::sleep(wait).await;
                code
            }
            Says::Cut(code) if !is_udp => code,
            Says::Cut(_) => {
                message.metadata.truncation = true;
                return Some(message.to_vec().unwrap());
            }
            Says::Garbage => return Some([&question[..2], b"\x81\x80 this is no DNS message"].concat()),
            Says::Nothing => return None,
            Says::Unlisted | Says::Broken | Says::Refused => {
                message.metadata.response_code = match says {
                    Says::Broken => ResponseCode::ServFail,
                    Says::Refused => ResponseCode::Refused,
                    _ => ResponseCode::NXDomain,
                };
                return Some(message.to_vec().unwrap());
            }
        };
        let owner = message.queries[0].name().clone();
        message.add_answer(Record::from_rdata(owner, 60, RData::A(A(Ipv4Addr::from(code)))));
        Some(message.to_vec().unwrap())
    }

    /// How often names that end so were asked for.
    fn asked(&self, ending: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|name| name.ends_with(ending)).count()
    }
}

/// A daemon with these lines in its table `[network]`.
async fn daemon(folder: &Path, network: &str) -> Daemon {
    let file = folder.join("hamlet.toml");
    std::fs::write(&file, format!("[network]\n{network}\n")).unwrap();
    Daemon::start_with(folder, &["--config", file.to_str().unwrap()]).await
}

async fn check(daemon: &Daemon, key: &str, comment: &Value) -> Value {
    let (status, verdict) = daemon.post("/v1/comments/check", key, comment).await;
    assert_eq!(status, 200, "{verdict}");
    verdict
}

/// The verdict on a comment that is not kept, so that the next one like it is no repeat.
async fn look(daemon: &Daemon, key: &str, comment: &Value) -> Value {
    let (status, verdict) = daemon.post("/v1/comments/check?dry_run=true", key, comment).await;
    assert_eq!(status, 200, "{verdict}");
    verdict
}

fn weight(verdict: &Value, symbol: &str) -> Option<f64> {
    let evidence = verdict["evidence"].as_array().unwrap();
    evidence.iter().find(|piece| piece["symbol"] == symbol).map(|piece| piece["weight"].as_f64().unwrap())
}

async fn metrics(daemon: &Daemon) -> String {
    let answer = crate::daemon::client().get(format!("http://{}/metrics", daemon.address)).send().await.unwrap();
    answer.text().await.unwrap()
}

/// The state of a source becomes so.
async fn until_state(daemon: &Daemon, source: &str, state: &str) {
    let is_wanted = |ready: &Value| {
        let sources = ready["network"].as_array().unwrap();
        sources.iter().any(|shown| shown["source"] == source && shown["state"] == state)
    };
    daemon.until("/readyz", "", |status, ready| status == 200 && is_wanted(ready)).await;
}

fn comment(text: &str, ip: &str) -> Value {
    json!({"content": text, "author": {"name": "Bob", "email": "Bob@mail.example", "ip": ip}})
}

#[tokio::test]
async fn what_lists_know_is_evidence_once_asked_and_a_refusal_is_none() {
    let dns = Dns::serving(&[
        ("dbltest.com.dbl.spamhaus.org", Says::Code([127, 0, 1, 2])),
        ("bad-shop.com.dbl.spamhaus.org", Says::Code([127, 0, 1, 2])),
        ("worse-shop.com.dbl.spamhaus.org", Says::Cut([127, 0, 1, 104])),
        ("2.0.0.127.zen.spamhaus.org", Says::Code([127, 0, 0, 2])),
        ("4.4.8.8.zen.spamhaus.org", Says::Code([127, 0, 0, 4])),
        ("5.4.8.8.zen.spamhaus.org", Says::Code([127, 0, 0, 10])),
        ("test.uribl.com.multi.uribl.com", Says::Code([127, 0, 0, 1])),
        ("bad-shop.com.multi.uribl.com", Says::Code([127, 0, 0, 1])),
        // A list that was given up: its name leads every question to the same place.
        ("test.given-up.test", Says::Code([127, 0, 0, 2])),
        ("invalid.given-up.test", Says::Code([127, 0, 0, 2])),
        ("bad-shop.com.given-up.test", Says::Code([127, 0, 0, 2])),
    ])
    .await;
    let folder = folder();
    let lists =
        "domain_lists = ['dbl.spamhaus.org', 'multi.uribl.com', 'given-up.test']\nip_lists = ['zen.spamhaus.org']";
    // The budget is wide: this is about what is said, on machines however busy.
    let settings = format!("resolvers = ['{}']\n{lists}\nbudget_ms = 10000", dns.address);
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    until_state(&daemon, "dbl.spamhaus.org", "ok").await;
    until_state(&daemon, "zen.spamhaus.org", "ok").await;
    until_state(&daemon, "multi.uribl.com", "refuses to answer").await;
    until_state(&daemon, "given-up.test", "lists everything, and is not asked").await;

    let verdict = check(&daemon, &key, &comment("I bought mine at http://www.bad-shop.com/page", "8.8.4.4")).await;
    assert_eq!(weight(&verdict, "URIBL_DBL"), Some(2.0), "{verdict}");
    assert_eq!(weight(&verdict, "IP_DNSBL"), Some(0.5), "{verdict}");
    assert_eq!(weight(&verdict, "URIBL_BLACK"), None, "{verdict}");
    let found = &verdict["facts"]["network"]["found"];
    let expected = json!({"symbol": "URIBL_DBL", "source": "dbl.spamhaus.org", "about": "bad-shop.com", "code": "127.0.1.2",
        "strength": 1.0});
    assert_eq!(found[0], expected, "{found}");
    assert_eq!((&found[1]["about"], &found[1]["code"]), (&json!("ip"), &json!("127.0.0.4")), "{found}");
    assert_eq!(verdict["facts"]["network"]["unanswered"], 2, "{verdict}");
    assert!(!verdict["facts"]["network"].to_string().contains("8.8.4.4"), "{verdict}");

    // Remembered: the same domain and address in another comment ask nobody who has answered.
    let asked = (dns.asked("com.dbl.spamhaus.org"), dns.asked("zen.spamhaus.org"));
    let again = check(&daemon, &key, &comment("Again, http://bad-shop.com is where I bought it", "8.8.4.4")).await;
    assert_eq!((weight(&again, "URIBL_DBL"), weight(&again, "IP_DNSBL")), (Some(2.0), Some(0.5)), "{again}");
    assert_eq!((dns.asked("com.dbl.spamhaus.org"), dns.asked("zen.spamhaus.org")), asked);

    // An answer too long for UDP comes by TCP; a home user's address is nothing.
    let other = check(&daemon, &key, &comment("And here: https://worse-shop.com/x", "8.8.4.5")).await;
    assert_eq!((weight(&other, "URIBL_DBL"), weight(&other, "IP_DNSBL")), (Some(1.0), None), "{other}");

    // Neither the site's own domain nor what everybody links to, nor an address that is not public, leaves the house.
    let before = dns.asked("");
    let home = json!({"content": "https://blog-of-bob.com/a https://youtu.be/x", "permalink": "https://blog-of-bob.com/b",
        "author": {"ip": "192.168.7.7"}});
    let home = check(&daemon, &key, &home).await;
    assert_eq!((dns.asked(""), home["facts"].get("network")), (before, None), "{home}");
    assert_eq!(dns.asked("bad-shop.com.given-up.test"), 0);

    let metrics = metrics(&daemon).await;
    for line in [
        "hamlet_lookups_total{source=\"dbl.spamhaus.org\",outcome=\"hit\"} 2",
        "hamlet_lookups_total{source=\"dbl.spamhaus.org\",outcome=\"cached\"} 1",
        "hamlet_lookups_total{source=\"zen.spamhaus.org\",outcome=\"miss\"} 1",
        "hamlet_lookups_total{source=\"multi.uribl.com\",outcome=\"refused\"}",
        "hamlet_lookups_total{source=\"given-up.test\",outcome=\"skipped\"}",
        "hamlet_lookup_seconds_count{source=\"dbl.spamhaus.org\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let log = std::fs::read_to_string(folder.path().join(crate::daemon::LOG)).unwrap();
    assert_eq!(log.matches("refuses to answer: it wants").count(), 1, "told once: {log}");
    assert!(!log.contains("8.8.4.4") && !log.contains("bad-shop"), "logs name no author and no link: {log}");
}

#[tokio::test]
async fn what_goes_wrong_is_silence_within_the_budget_and_whoever_fails_is_left_alone() {
    let late = Says::Late(Duration::from_secs(9), [127, 0, 0, 2]);
    let dns = Dns::serving(&[
        ("test.a.test", Says::Code([127, 0, 0, 2])),
        ("broken.com.a.test", Says::Broken),
        ("refused.com.a.test", Says::Refused),
        ("garbage.com.a.test", Says::Garbage),
        ("late.com.a.test", late),
        ("nothing.com.a.test", Says::Nothing),
        ("good.com.a.test", Says::Code([127, 0, 0, 2])),
    ])
    .await;
    let (folder, plain_folder) = (folder(), folder());
    let settings = format!(
        "resolvers = ['{}']\ndomain_lists = ['a.test']\nbudget_ms = 1000\nfailures = 5\npause_s = 3",
        dns.address
    );
    let daemon = daemon(folder.path(), &settings).await;
    let plain = self::daemon(plain_folder.path(), "").await;
    let (key, plain_key) = (daemon.key(), plain.key());
    until_state(&daemon, "a.test", "ok").await;

    let text = "See broken.com, refused.com, garbage.com, late.com and nothing.com: I liked the second best";
    let body = json!({"content": text});
    let started = Instant::now();
    let verdict = look(&daemon, &key, &body).await;
    let took = started.elapsed();
    let without = look(&plain, &plain_key, &body).await;
    for part in ["decision", "score", "evidence", "reason"] {
        assert_eq!(verdict[part], without[part], "{verdict}");
    }
    assert_eq!(verdict["facts"]["network"], json!({"asked": 5, "unanswered": 5}), "{verdict}");
    assert_eq!(without["facts"].get("network"), None, "{without}");
    assert!(
        verdict["micros"].as_u64().unwrap() < 1_500_000 && took < Duration::from_secs(4),
        "took {took:?}: {verdict}"
    );

    // Five failures: it is not asked any more, not even about what it knows, and nobody waits.
    let asked = dns.asked("");
    let skipped = look(&daemon, &key, &json!({"content": "I bought mine at http://good.com/"})).await;
    assert_eq!((weight(&skipped, "URIBL_BLACK"), dns.asked("")), (None, asked), "{skipped}");
    assert!(skipped["micros"].as_u64().unwrap() < 900_000, "{skipped}");
    until_state(&daemon, "a.test", "does not answer").await;

    // After the pause one question goes through, and all is well again.
    tokio::time::sleep(Duration::from_millis(3_200)).await;
    let again = look(&daemon, &key, &json!({"content": "I bought mine at http://good.com/ as well"})).await;
    assert_eq!(weight(&again, "URIBL_BLACK"), Some(2.0), "{again}");
    until_state(&daemon, "a.test", "ok").await;
}

#[tokio::test]
async fn a_dead_resolver_changes_no_verdict() {
    // Bound and never read: questions vanish.
    let deaf = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // Closed again: the port is dead.
    let dead = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain_folder = folder();
    let plain = daemon(plain_folder.path(), "").await;
    let body = comment("cheap watches at http://bad-shop.com/ and http://other-shop.com/", "8.8.4.4");
    let without = look(&plain, &plain.key(), &body).await;
    for resolver in [deaf.local_addr().unwrap(), dead] {
        let folder = folder();
        let lists = "domain_lists = ['dbl.spamhaus.org', 'multi.surbl.org']\nip_lists = ['xbl.spamhaus.org']";
        let settings = format!("resolvers = ['{resolver}']\n{lists}\nbudget_ms = 400");
        let daemon = daemon(folder.path(), &settings).await;
        let key = daemon.key();
        for number in 0..6 {
            let verdict = look(&daemon, &key, &body).await;
            for part in ["decision", "score", "evidence", "reason"] {
                assert_eq!(verdict[part], without[part], "{number}: {verdict}");
            }
            // Judged at most twice, for a repeat; the rest is room for a busy machine.
            assert!(verdict["micros"].as_u64().unwrap() < 400_000 + 300_000, "{number}: {verdict}");
        }
        until_state(&daemon, "dbl.spamhaus.org", "does not answer").await;
    }
}

#[tokio::test]
async fn nothing_is_asked_unless_it_is_turned_on() {
    let dns = Dns::serving(&[]).await;
    let folder = folder();
    let daemon = daemon(folder.path(), &format!("resolvers = ['{}']", dns.address)).await;
    let verdict = check(&daemon, &daemon.key(), &comment("cheap watches at http://bad-shop.com/", "8.8.4.4")).await;
    assert_eq!((dns.asked(""), verdict["facts"].get("network")), (0, None), "{verdict}");
    let (_, ready) = crate::daemon::get(daemon.address, "/readyz", "").await.unwrap();
    assert_eq!(ready.get("network"), None, "{ready}");
}

/// A StopForumSpam that knows one e-mail and one address, and writes down what it is sent.
async fn stop_forum_spam() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let lastseen = Clock::System.now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let answer = json!({
        "success": 1,
        "emailHash": {"appears": 1, "frequency": 4, "lastseen": lastseen, "confidence": 80},
        "ip": {"appears": 1, "frequency": 2, "lastseen": "2020-01-01 00:00:00", "confidence": 99.9},
    });
    let api = axum::routing::post(async move |body: String| {
        seen.lock().unwrap().push(body);
        answer.to_string()
    });
    (serve(axum::Router::new().route("/api", api)).await, sent)
}

/// An HTTP server of the loopback.
async fn serve(router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
        }
    });
    address
}

#[tokio::test]
async fn stop_forum_spam_is_told_what_the_operator_allows_and_no_more() {
    let (address, sent) = stop_forum_spam().await;
    let folder = folder();
    let settings =
        format!("stopforumspam = ['email', 'ip']\nstopforumspam_url = 'http://{address}/api'\nbudget_ms = 10000");
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    let verdict = check(&daemon, &key, &comment("I bought mine at http://bad-shop.com/", "8.8.4.4")).await;
    let found = weight(&verdict, "SFS_EMAIL").unwrap_or_default();
    assert!((found - 1.5 * 0.8).abs() < 1e-9, "{verdict}");
    assert_eq!(weight(&verdict, "SFS_IP"), None, "it was seen years ago: {verdict}");
    let body = sent.lock().unwrap().join("\n");
    // printf bob@mail.example | md5sum
    assert_eq!(
        body,
        "json=1&confidence=1&nobadall=1&notorexit=1&emailhash=a4ca9ca4efb0467f0370b8f7939415ba&ip=8.8.4.4"
    );
    // Remembered, both what is known and what is not.
    let again = check(&daemon, &key, &comment("And again at http://bad-shop.com/", "8.8.4.4")).await;
    assert_eq!(weight(&again, "SFS_EMAIL"), weight(&verdict, "SFS_EMAIL"));
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn gravatar_is_told_a_hash_and_a_picture_speaks_for_the_author() {
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&sent);
    // printf bob@mail.example | sha256sum
    let known = "cdc05e46104820aa49834c29e123afe9c3dc6ca9d7a26cbd0d1bfedc4d00975c";
    let picture = axum::routing::any(async move |request: axum::extract::Request| {
        seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        let status = if request.uri().path().ends_with(known) { 200 } else { 404 };
        axum::http::StatusCode::from_u16(status).unwrap()
    });
    let address = serve(axum::Router::new().route("/avatar/{hash}", picture)).await;
    let folder = folder();
    let settings = format!("gravatar = true\ngravatar_url = 'http://{address}/avatar/'\nbudget_ms = 10000");
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    let verdict = check(&daemon, &key, &comment("I bought mine in the spring", "8.8.4.4")).await;
    assert_eq!(weight(&verdict, "GRAVATAR_EXISTS"), Some(-0.25), "{verdict}");
    // Remembered; and who has none has nothing against them.
    look(&daemon, &key, &comment("And again in the autumn", "8.8.4.4")).await;
    let mut other = comment("I bought mine in the winter", "8.8.4.4");
    other["author"]["email"] = "ann@mail.example".into();
    let verdict = look(&daemon, &key, &other).await;
    assert_eq!((weight(&verdict, "GRAVATAR_EXISTS"), &verdict["facts"]["network"]["asked"]), (None, &json!(1)));
    let sent = sent.lock().unwrap().clone();
    assert_eq!((sent.len(), sent[0].clone()), (2, format!("HEAD /avatar/{known}?d=404&s=1")));
}

/// A trackback that says it links from `source`.
fn trackback(source: &str) -> Comment {
    let mut comment = Comment::of_text("[…] as the report says […]");
    comment.kind = "trackback".to_owned();
    comment.author.url = Some(source.to_owned());
    comment.permalink = Some("https://news.example/a-story/".to_owned());
    comment
}

#[tokio::test]
async fn a_trackback_from_a_page_that_does_not_link_here_is_told() {
    use axum::response::{Html, Redirect};
    use axum::routing::get;
    let linking = "<p>See <a href=\"http://www.news.example/a-story\">the report</a>";
    let router = axum::Router::new()
        .route("/links", get(async move || Html(linking)))
        .route("/silent", get(async || Html("<p>Buy watches")))
        .route("/moved", get(async || Redirect::permanent("/silent")))
        .route("/around", get(async || Redirect::permanent("/around")))
        .route("/away", get(async || Redirect::permanent("http://169.254.169.254/latest/meta-data/")))
        .route("/long", get(async || Html("x".repeat(2 << 20))))
        .route("/picture", get(async || ([("content-type", "image/png")], "PNG")))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(30)).await));
    let address = serve(router).await;
    let settings = |allow: Allow| {
        let given =
            Config::load(Sources { environment: [("HOME".to_owned(), "/".to_owned())].into(), ..Sources::default() })
                .unwrap()
                .network;
        network::Settings {
            resolvers: given.resolvers,
            zones: Vec::new(),
            stop_forum_spam: Vec::new(),
            stop_forum_spam_url: given.stopforumspam_url,
            gravatar: None,
            backlinks: true,
            allow,
            tor_exits: None,
            countries: None,
            host_lists: Vec::new(),
            budget: Duration::from_secs(1),
            domains: given.domains,
            at_once: given.at_once,
            cache_entries: given.cache_entries,
            keep_hit: given.keep_hit,
            keep_miss: given.keep_miss,
            limits: network::Limits { failures: 3, pause: given.pause },
        }
    };
    let site = site();
    let found = async |network: &Network, source: &str| {
        let comment = trackback(source);
        let now = Clock::System.now();
        let answers = network.look_up(&comment, &Text::of(&comment), &site, now, Duration::ZERO).await.unwrap();
        assert_eq!(answers.asked, 1);
        match (answers.unanswered, answers.found.first()) {
            (0, None) => "links",
            (0, Some(answer)) if answer.symbol == "TB_NO_BACKLINK" && answer.about == "127.0.0.1" => "silent",
            (1, None) => "not known",
            other => panic!("{other:?}"),
        }
    };
    let open = Network::new(settings(Allow::All)).unwrap().unwrap();
    let page = |path: &str| format!("http://{address}{path}");
    for (path, expected) in [
        ("/links", "links"),
        ("/silent", "silent"),
        ("/moved", "silent"),
        ("/around", "not known"),
        ("/long", "not known"),
        ("/picture", "not known"),
        ("/nothing", "not known"),
        ("/slow", "not known"),
        ("/slow?2", "not known"),
        ("/slow?3", "not known"),
        // What cannot be had is the fault of that page alone: others are asked as before.
        ("/silent?again", "silent"),
    ] {
        assert_eq!(found(&open, &page(path)).await, expected, "{path}");
    }
    // As the daemon has it: nothing of its own network is fetched, by no way.
    let closed = Network::new(settings(Allow::None)).unwrap().unwrap();
    assert_eq!(found(&closed, &page("/silent")).await, "not known");
    let some = Network::new(settings("127.0.0.0/8".parse().unwrap())).unwrap().unwrap();
    assert_eq!(found(&some, &page("/away")).await, "not known");
    let comment = Comment { kind: "comment".to_owned(), ..trackback(&page("/silent")) };
    let answers = open.look_up(&comment, &Text::of(&comment), &site, Clock::System.now(), Duration::ZERO).await;
    assert_eq!(answers.map_or(0, |answers| answers.asked), 0, "no ping");
}

#[tokio::test]
async fn downloaded_lists_are_read_anew_when_they_change() {
    let folder = folder();
    let (tor, hosts) = (folder.path().join("tor.txt"), folder.path().join("phishing.txt"));
    std::fs::write(&tor, "8.8.4.4\n").unwrap();
    std::fs::write(&hosts, "https://www.google.com/\nhttp://bad-shop.com/login.php\n").unwrap();
    let settings = format!("tor_exits = '{}'\nhost_lists = ['{}']", tor.display(), hosts.display());
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    until_state(&daemon, "phishing.txt", "ok").await;
    until_state(&daemon, "tor.txt", "ok").await;
    let body = comment("I bought mine at http://bad-shop.com/ via https://www.google.com/", "8.8.4.4");
    let verdict = check(&daemon, &key, &body).await;
    assert_eq!((weight(&verdict, "TOR_EXIT"), weight(&verdict, "URL_MALICIOUS")), (Some(0.25), None), "{verdict}");
    // A download in progress: the last line is cut.
    std::fs::write(&hosts, "bad-shop.com\nother-shop.co").unwrap();
    std::fs::remove_file(&tor).unwrap();
    until_state(&daemon, "tor.txt", "cannot be read").await;
    let verdict = check(&daemon, &key, &comment("I bought mine at http://bad-shop.com/ too", "8.8.4.4")).await;
    // The family's cap is 2.5 nats.
    let both = weight(&verdict, "TOR_EXIT").unwrap() + weight(&verdict, "URL_MALICIOUS").unwrap();
    assert!((both - 2.5).abs() < 1e-9, "{verdict}");
    let verdict = check(&daemon, &key, &comment("I bought mine at http://other-shop.co/ too", "8.8.4.5")).await;
    assert_eq!((weight(&verdict, "TOR_EXIT"), weight(&verdict, "URL_MALICIOUS")), (None, None), "{verdict}");
}

#[tokio::test]
async fn a_country_is_told_by_a_file_and_held_where_the_site_asks_for_it() {
    let folder = folder();
    let file = folder.path().join("countries.mmdb");
    let whole = include_bytes!("../data/countries.mmdb");
    std::fs::write(&file, whole).unwrap();
    let daemon = daemon(folder.path(), &format!("countries = '{}'", file.display())).await;
    let key = daemon.key();
    until_state(&daemon, "countries.mmdb", "ok").await;
    let text = "I read the second half of your report twice and still wonder where the figures went.";
    let from = async |ip: &str| {
        let verdict = look(&daemon, &key, &comment(text, ip)).await;
        let is_named = weight(&verdict, "COUNTRY_POLICY").is_some();
        (verdict["facts"]["network"]["country"].clone(), is_named, verdict["decision"].clone())
    };
    assert_eq!(from("77.88.55.1").await, (json!("RU"), false, json!("approve")));
    crate::daemon::beside(folder.path(), &["site", "set", "default", "--countries", "eg,sa"]);
    let deadline = Instant::now() + Duration::from_secs(10);
    while from("77.88.55.1").await != (json!("RU"), true, json!("hold")) {
        assert!(Instant::now() < deadline, "the policy was not followed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(from("2a02:6b8::1").await, (json!("RU"), true, json!("hold")));
    assert_eq!(from("41.33.1.1").await, (json!("EG"), false, json!("approve")));
    assert_eq!(from("212.26.5.5").await, (json!("SA"), false, json!("approve")));
    assert_eq!(from("9.9.9.9").await, (Value::Null, false, json!("approve")));
    // A download that was cut: what was read before stays.
    std::fs::write(&file, &whole[..whole.len() - 40]).unwrap();
    until_state(&daemon, "countries.mmdb", "cannot be read").await;
    assert_eq!(from("77.88.55.1").await.0, "RU");
}

#[test]
fn an_allow_list_beats_all_that_the_network_can_say() {
    let found: Vec<Value> = RULES
        .iter()
        .filter(|rule| rule.family == Family::Network)
        .map(|rule| json!({"symbol": rule.symbol, "source": "list.example", "about": "bad.example"}))
        .collect();
    let asked = found.len();
    let facts: Facts = serde_json::from_value(json!({"network": {"found": found, "asked": asked}})).unwrap();
    let site = site();
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let comment = Comment::of_text("casino bonus http://bad.example/");
    let text = Text::of(&comment);
    let decision = |lists: &[ListEntry], facts: &Facts| {
        let case = Case { comment: &comment, text: &text, facts, site: &site };
        let lists = Lists::of(lists);
        let verdict = judge.judge_case(&case, &lists, &SiteCounts::default(), Timestamp::UNIX_EPOCH);
        let fired =
            verdict.evidence.iter().filter(|piece| RULES.iter().any(|rule| rule.symbol == piece.symbol)).count();
        assert!(fired >= asked, "{verdict:?}");
        verdict.decision
    };
    assert_eq!(decision(&[], &facts), Decision::Spam);
    let entry = json!({"list": "allow", "match": "domain:bad.example", "added_at": "2026-01-01T00:00:00Z"});
    let entry: ListEntry = serde_json::from_value(entry).unwrap();
    assert_eq!(decision(&[entry], &facts), Decision::Approve);
}
