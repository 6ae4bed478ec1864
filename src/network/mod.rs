//! Asking others about a comment: DNS lists, StopForumSpam, Gravatar, the page that a trackback names, lists that were downloaded.
//! Off unless the operator turns it on.
//!
//! Owns whom to ask, the time that all of it may take together, remembering answers, and leaving alone who fails. Does not
//! own what an answer is worth (`rules::network`), nor which comments are asked about (`pipeline`).
//!
//! Whatever goes wrong is silence: no answer, no evidence. Logs and metrics name sources, never what was asked.

mod backlink;
mod breaker;
mod countries;
mod files;
mod followed;
mod gravatar;
mod http;
mod resolver;
mod source;
mod stopforumspam;
mod subject;
mod zone;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all, join4};
use jiff::Timestamp;
use moka::Expiry;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::comment::Comment;
use crate::facts::Answers;
use crate::facts::network::Answer;
use crate::site::Site;
use crate::text::{Link, Text};
use crate::webhook::Allow;
use backlink::Backlinks;
pub use breaker::Limits;
use countries::Countries;
use files::List;
use gravatar::Gravatar;
use resolver::Resolver;
use source::{Kind, Source, State};
use stopforumspam::Service;
pub use stopforumspam::Trait;
use subject::Subject;
pub use zone::{Of, Zone};
use zone::{Reading, reversed};

/// How long a test entry may take: nobody waits for it.
const TEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Whom to ask, and within which bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// None: the operating system's.
    pub resolvers: Vec<SocketAddr>,
    pub zones: Vec<Zone>,
    /// What StopForumSpam is told; nothing: it is not asked.
    pub stop_forum_spam: Vec<Trait>,
    pub stop_forum_spam_url: String,
    /// Where Gravatar is asked; `None`: it is not.
    pub gravatar: Option<String>,
    /// Whether the page that a trackback names is fetched.
    pub backlinks: bool,
    /// From which addresses beside public ones it may be fetched.
    pub allow: Allow,
    pub tor_exits: Option<PathBuf>,
    /// Tells in which country an address is.
    pub countries: Option<PathBuf>,
    pub host_lists: Vec<PathBuf>,
    /// For all questions about one comment together.
    pub budget: Duration,
    /// Domains of one comment that are asked about.
    pub domains: usize,
    /// Questions under way at once, of all comments.
    pub at_once: usize,
    /// Answers that are remembered.
    pub cache_entries: u64,
    pub keep_hit: Duration,
    pub keep_miss: Duration,
    pub limits: Limits,
}

impl Settings {
    /// Whether anybody is asked, or any list read.
    pub fn is_on(&self) -> bool {
        !self.zones.is_empty()
            || !self.stop_forum_spam.is_empty()
            || self.gravatar.is_some()
            || self.backlinks
            || self.tor_exits.is_some()
            || self.countries.is_some()
            || !self.host_lists.is_empty()
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused,
    TooLate,
    /// Nobody is there, or what came is no answer.
    Broken,
    /// Nobody was asked, or nobody who could know: the source is left alone for now, too much is under way, it cannot be asked
    /// about that.
    NotAsked,
}

impl Failure {
    fn as_str(self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::TooLate => "timeout",
            Failure::Broken => "failed",
            Failure::NotAsked => "skipped",
        }
    }
}

/// What a source says of one thing; nothing listed is an answer too.
type Said = Arc<[Listing]>;

#[derive(Clone, Debug, PartialEq)]
struct Listing {
    symbol: &'static str,
    code: String,
    strength: f64,
}

/// The source's place in the list, and what was asked.
type Asked = (usize, String);

/// The source's place in the list, about what it was asked as evidence calls it, and what it said.
type AboutWhat = (usize, String, Result<Said, Failure>);

/// How long answers are remembered.
#[derive(Clone, Copy, Debug)]
struct Keep {
    hit: Duration,
    miss: Duration,
}

impl Expiry<Asked, Said> for Keep {
    fn expire_after_create(&self, _asked: &Asked, said: &Said, _now: Instant) -> Option<Duration> {
        Some(if said.is_empty() { self.miss } else { self.hit })
    }
}

/// How one source is doing, for `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub source: String,
    pub state: &'static str,
}

/// Those who are asked.
pub struct Network {
    settings: Settings,
    resolver: Option<Resolver>,
    service: Option<Service>,
    gravatar: Option<Gravatar>,
    backlinks: Option<Backlinks>,
    sources: Vec<Source>,
    lists: Vec<List>,
    countries: Option<Countries>,
    cache: Cache<Asked, Said>,
    room: Semaphore,
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Network").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Network {
    /// Sets up what the settings turn on; `None` when that is nothing. Files are read by the first [`Network::refresh`].
    ///
    /// # Errors
    /// A sentence with its mend: no resolver, no HTTP client.
    pub fn new(settings: Settings) -> Result<Option<Network>, String> {
        if !settings.is_on() {
            return Ok(None);
        }
        let resolver = match settings.zones.is_empty() {
            true => None,
            false => Some(Resolver::new(&settings.resolvers, settings.budget.max(TEST_TIMEOUT))?),
        };
        let mut sources: Vec<Source> =
            settings.zones.iter().map(|zone| Source::new(Kind::Zone(zone.clone()))).collect();
        let service = match settings.stop_forum_spam.is_empty() {
            true => None,
            false => {
                sources.push(Source::new(Kind::StopForumSpam));
                Some(Service::new(&settings.stop_forum_spam_url, settings.budget)?)
            }
        };
        let gravatar = settings.gravatar.as_deref().map(|url| Gravatar::new(url, settings.budget)).transpose()?;
        sources.extend(gravatar.is_some().then(|| Source::new(Kind::Gravatar)));
        // Before the budget is over, so that a stranger's slow page is not taken for a source that fails.
        let patience = settings.budget.mul_f32(0.9);
        let backlinks = settings.backlinks.then(|| Backlinks::new(settings.allow.clone(), patience));
        let backlinks = backlinks.transpose()?;
        sources.extend(backlinks.is_some().then(|| Source::new(Kind::Pages)));
        let tor_exits = settings.tor_exits.iter().map(|path| List::new(path, files::Kind::TorExits));
        let lists =
            tor_exits.chain(settings.host_lists.iter().map(|path| List::new(path, files::Kind::Hosts))).collect();
        let countries = settings.countries.as_deref().map(Countries::new);
        let keep = Keep { hit: settings.keep_hit, miss: settings.keep_miss };
        let cache = Cache::builder().max_capacity(settings.cache_entries).expire_after(keep).build();
        let room = Semaphore::new(settings.at_once);
        Ok(Some(Network { settings, resolver, service, gravatar, backlinks, sources, lists, countries, cache, room }))
    }

    /// What is known of a comment and its author; `None` when there was nothing to ask. Returns within the budget.
    ///
    /// * `elapsed`: a time that never goes back, for those who are left alone.
    pub async fn look_up(
        &self,
        comment: &Comment,
        text: &Text,
        site: &Site,
        now: Timestamp,
        elapsed: Duration,
    ) -> Option<Answers> {
        let subject = Subject::of(comment, text, site, self.settings.domains);
        if subject == Subject::default() {
            return None;
        }
        let mut answers = Answers::default();
        for list in &self.lists {
            answers.asked += 1;
            answers.found.extend(list.look_up(&subject));
        }
        if let (Some(countries), Some(ip)) = (&self.countries, subject.ip) {
            answers.asked += 1;
            answers.country = countries.of(ip);
        }
        let mut questions = Vec::new();
        for (place, source) in self.sources.iter().enumerate() {
            if let Kind::Zone(zone) = &source.kind {
                match zone.of {
                    Of::Domains => {
                        questions.extend(
                            subject.domains.iter().map(|domain| (place, zone, domain.as_str(), domain.clone())),
                        );
                    }
                    Of::Addresses => questions.extend(subject.ip.map(|ip| (place, zone, "ip", reversed(ip)))),
                }
            }
        }
        let zones = join_all(questions.into_iter().map(async |(place, zone, about, what)| {
            (place, about.to_owned(), self.ask_zone(place, zone, what, elapsed).await)
        }));
        let (zones, service, picture, page) = join4(
            zones,
            self.ask_service(&subject, now, elapsed),
            self.ask_gravatar(&subject, elapsed),
            self.ask_page(&subject, elapsed),
        )
        .await;
        for (place, about, said) in zones.into_iter().chain(service).chain(picture).chain(page) {
            answers.asked += 1;
            let Ok(said) = said else {
                answers.unanswered += 1;
                continue;
            };
            let source = self.sources.get(place).map(Source::name).unwrap_or_default();
            answers.found.extend(said.iter().map(|listing| Answer {
                symbol: listing.symbol.to_owned(),
                source: source.to_owned(),
                about: about.clone(),
                code: listing.code.clone(),
                strength: listing.strength,
            }));
        }
        (answers.asked > 0).then_some(answers)
    }

    /// What a zone says of `what`: a domain, or an address turned around.
    async fn ask_zone(&self, place: usize, zone: &Zone, what: String, elapsed: Duration) -> Result<Said, Failure> {
        let question = zone.question(&what);
        let codes = async {
            let resolver = self.resolver.as_ref().ok_or(Failure::NotAsked)?;
            listings(zone, &resolver.codes(&question).await?)
        };
        self.remembered(place, what, codes, elapsed).await
    }

    /// Whether Gravatar has a picture of the author.
    async fn ask_gravatar(&self, subject: &Subject, elapsed: Duration) -> Option<AboutWhat> {
        let (gravatar, email) = (self.gravatar.as_ref()?, subject.email.as_deref()?);
        let (place, hash) = (self.place(|kind| matches!(kind, Kind::Gravatar))?, gravatar::hash_of(email));
        let question = async { Ok(listed_if(gravatar.has(&hash).await?, "GRAVATAR_EXISTS")) };
        let said = self.remembered(place, hash.clone(), question, elapsed).await;
        Some((place, "email".to_owned(), said))
    }

    /// Whether the page that a trackback names lacks a link to the page that it was sent to.
    async fn ask_page(&self, subject: &Subject, elapsed: Duration) -> Option<AboutWhat> {
        let (backlinks, (source, target)) = (self.backlinks.as_ref()?, subject.ping.as_ref()?);
        let place = self.place(|kind| matches!(kind, Kind::Pages))?;
        let question = async { Ok(listed_if(!backlinks.is_there(source, target).await?, "TB_NO_BACKLINK")) };
        let said = self.remembered(place, format!("{source} {target}"), question, elapsed).await;
        Some((place, Link::of_url(source).host().to_owned(), said))
    }

    fn place(&self, is_it: impl Fn(&Kind) -> bool) -> Option<usize> {
        self.sources.iter().position(|source| is_it(&source.kind))
    }

    /// What the source at `place` says of `what`: from memory, or by putting the question.
    async fn remembered(
        &self,
        place: usize,
        what: String,
        question: impl Future<Output = Result<Said, Failure>>,
        elapsed: Duration,
    ) -> Result<Said, Failure> {
        let Some(source) = self.sources.get(place) else { return Err(Failure::NotAsked) };
        let asked = (place, what);
        if let Some(said) = self.cache.get(&asked) {
            count(source, "cached");
            return Ok(said);
        }
        let said = self.ask(source, question, elapsed).await?;
        count(source, if said.is_empty() { "miss" } else { "hit" });
        self.cache.insert(asked, Arc::clone(&said));
        Ok(said)
    }

    /// What StopForumSpam says of each trait of the author that it may be told, by one request for those not remembered.
    async fn ask_service(&self, subject: &Subject, now: Timestamp, elapsed: Duration) -> Vec<AboutWhat> {
        let place = self.place(|kind| matches!(kind, Kind::StopForumSpam)).unwrap_or(usize::MAX);
        let (Some(service), Some(source)) = (&self.service, self.sources.get(place)) else { return Vec::new() };
        let mut answers = Vec::new();
        let mut unknown = Vec::new();
        for what in &self.settings.stop_forum_spam {
            let Some(value) = what.of(subject) else { continue };
            match self.cache.get(&(place, remembered_as(*what, &value))) {
                Some(said) => {
                    count(source, "cached");
                    answers.push((place, what.as_str().to_owned(), Ok(said)));
                }
                None => unknown.push((*what, value)),
            }
        }
        if unknown.is_empty() {
            return answers;
        }
        let said = self.ask(source, service.ask(&unknown, now), elapsed).await;
        for (number, (what, value)) in unknown.into_iter().enumerate() {
            let said: Result<Said, Failure> = match &said {
                Ok(confidences) => {
                    let confidence = confidences.get(number).copied().flatten();
                    let listing = confidence.map(|percent| Listing {
                        symbol: what.symbol(),
                        code: format!("{percent}"),
                        strength: percent / 100.0,
                    });
                    count(source, if listing.is_some() { "hit" } else { "miss" });
                    let said: Said = listing.into_iter().collect();
                    self.cache.insert((place, remembered_as(what, &value)), Arc::clone(&said));
                    Ok(said)
                }
                Err(failure) => Err(*failure),
            };
            answers.push((place, what.as_str().to_owned(), said));
        }
        answers
    }

    /// Puts a question to a source that may be asked, within the budget; counts how it went.
    async fn ask<T>(
        &self,
        source: &Source,
        question: impl Future<Output = Result<T, Failure>>,
        elapsed: Duration,
    ) -> Result<T, Failure> {
        let limits = &self.settings.limits;
        let Ok(_permit) = self.room.try_acquire() else {
            count(source, Failure::NotAsked.as_str());
            return Err(Failure::NotAsked);
        };
        if !source.allows(elapsed, limits) {
            count(source, Failure::NotAsked.as_str());
            return Err(Failure::NotAsked);
        }
        let started = Instant::now();
        let answer = timeout(self.settings.budget, question).await.unwrap_or(Err(Failure::TooLate));
        let took = started.elapsed();
        metrics::histogram!("hamlet_lookup_seconds", "source" => source.name().to_owned()).record(took.as_secs_f64());
        match &answer {
            Ok(_) => source.answered(),
            Err(failure) => {
                count(source, failure.as_str());
                if *failure != Failure::NotAsked {
                    source.failed(*failure == Failure::Refused, elapsed.saturating_add(took), limits);
                }
            }
        }
        answer
    }

    /// Reads files that have changed. Blocks for as long as reading takes.
    pub fn refresh(&self) {
        self.lists.iter().for_each(List::refresh);
        self.countries.iter().for_each(Countries::refresh);
    }

    /// Asks each zone about an entry that it must list and one that it must not; the log tells what is wrong.
    pub async fn test(&self) {
        let Some(resolver) = &self.resolver else { return };
        join_all(self.sources.iter().map(async |source| {
            let Kind::Zone(zone) = &source.kind else { return };
            let (listed, unlisted) = zone.test_entries();
            let entry = async |entry: &str| {
                let codes = timeout(TEST_TIMEOUT, resolver.codes(&zone.question(entry))).await;
                listings(zone, &codes.unwrap_or(Err(Failure::TooLate))?)
            };
            source.tested(match join(entry(listed), entry(unlisted)).await {
                (Err(Failure::Refused), _) | (_, Err(Failure::Refused)) => State::Refuses,
                (Err(_), _) | (_, Err(_)) => State::Fails,
                (_, Ok(said)) if !said.is_empty() => State::ListsEverything,
                (Ok(said), _) if said.is_empty() => State::Silent,
                _ => State::Ok,
            });
        }))
        .await;
    }

    /// How those who are asked are doing.
    pub fn health(&self) -> Vec<Health> {
        let sources = self
            .sources
            .iter()
            .map(|source| Health { source: source.name().to_owned(), state: source.state().as_str() });
        let lists = self.lists.iter().map(|list| Health { source: list.file.shown.clone(), state: list.file.state() });
        let countries = self.countries.iter().map(|countries| &countries.file);
        let countries = countries.map(|file| Health { source: file.shown.clone(), state: file.state() });
        sources.chain(lists).chain(countries).collect()
    }
}

/// What a zone's codes say; for each symbol the strongest.
fn listings(zone: &Zone, codes: &[Ipv4Addr]) -> Result<Said, Failure> {
    let mut said: Vec<Listing> = Vec::new();
    for code in codes {
        match zone.read(*code) {
            Reading::Refused => return Err(Failure::Refused),
            Reading::Ignored => {}
            Reading::Listed { symbol, strength } => match said.iter_mut().find(|listing| listing.symbol == symbol) {
                Some(known) if known.strength >= strength => {}
                Some(known) => *known = Listing { symbol, code: code.to_string(), strength },
                None => said.push(Listing { symbol, code: code.to_string(), strength }),
            },
        }
    }
    Ok(said.into())
}

/// `symbol`, whole, when it is so; else nothing.
fn listed_if(is_so: bool, symbol: &'static str) -> Said {
    let listing = Listing { symbol, code: String::new(), strength: 1.0 };
    is_so.then_some(listing).into_iter().collect()
}

fn remembered_as(what: Trait, value: &str) -> String {
    format!("{}:{value}", what.as_str())
}

fn count(source: &Source, outcome: &'static str) {
    metrics::counter!("hamlet_lookups_total", "source" => source.name().to_owned(), "outcome" => outcome).increment(1);
}
