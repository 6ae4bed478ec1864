//! `hamlet site`: the tenants, their keys, policies and lists.

use std::io::Write as _;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::key::Overlap;
use super::screen::{self, Output};
use super::{Usage, site_named, stats, when, wordpress};
use crate::classifier::site::labels;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::{self, timing};
use crate::key::{Key, KeyHash, NewKey, Scopes};
use crate::language::Language;
use crate::pipeline::Pipeline;
use crate::pipeline::key_hash;
use crate::random;
use crate::site::{
    self, ListEntry, ListKind, ListPattern, Policy, Site, SiteId, check_language, check_name, check_url,
};
use crate::store::{ListFilter, Store, StoreError};
use crate::verdict::{Score, Share};
use anyhow::Context as _;

/// Add, change and remove sites (tenants).
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet site add news --url https://news.example/")]
pub enum Command {
    /// Add a site and print its API key, once.
    #[command(after_help = "Examples:
  hamlet site add news --url https://news.example/
  hamlet site add news --url https://news.example/ --hold 0.6 --json")]
    Add {
        /// Short and unique: letters, digits, `-`, `_` and `.`.
        #[arg(value_parser = name)]
        name: String,
        /// Home address of the site.
        #[arg(long, value_parser = home)]
        url: String,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        output: Output,
    },
    /// List all sites.
    #[command(after_help = "Example:\n  hamlet site list --json")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show one site with its policy and lists.
    #[command(after_help = "Example:\n  hamlet site show news")]
    Show {
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change a site; what is not named stays as it is.
    #[command(after_help = "Examples:
  hamlet site set news --hold 0.6 --spam 0.97 --discard none
  hamlet site set news --max-blocked-ham 0.5%
  hamlet site set news --shadow on
  hamlet site set news --language ar
  hamlet site set news --trusted-roles administrator,editor
  hamlet site set news --languages ar,en --staff-names 'Sara Haddad,The Editors'
  hamlet site set news --block domain:spam.example --reason 'three waves in May' --expires 2030-01-01
  hamlet site set news --unlist domain:spam.example")]
    Set {
        name: String,
        /// Give it another name.
        #[arg(long, value_name = "NAME", value_parser = name)]
        rename: Option<String>,
        /// Home address of the site.
        #[arg(long, value_parser = home)]
        url: Option<String>,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        output: Output,
    },
    /// Show what happened to a site's comments, by day, symbol and language.
    #[command(after_help = "Examples:
  hamlet site stats news
  hamlet site stats news --from 2026-11-01 --to 2026-11-30 --json")]
    Stats(stats::Asked),
    /// Give a site a new API key and print it, once; the old one works on for a while.
    #[command(after_help = "Examples:\n  hamlet site rotate-key news\n  hamlet site rotate-key news --overlap 0s")]
    RotateKey {
        name: String,
        #[command(flatten)]
        overlap: Overlap,
        #[command(flatten)]
        output: Output,
    },
    /// Print the must-use plugin for WordPress: it has the Akismet plugin ask this daemon, URL and key filled in.
    #[command(after_help = "Examples:
  hamlet site wordpress news --key 0123456789ab --write /var/www/html/wp-content/mu-plugins
  hamlet site wordpress news --new-key --url https://hamlet.example > hamlet.php")]
    Wordpress(wordpress::Args),
    /// Forget a site with its key, comments, labels, endpoints and jobs.
    #[command(after_help = "Example:\n  hamlet site remove news --yes")]
    Remove {
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// What may be said about a site's policy.
#[derive(Args, Clone, Debug)]
pub struct Change {
    /// Probability of spam from which a person should look first, 0 to 1.
    #[arg(long, value_name = "P", value_parser = score)]
    hold: Option<Score>,
    /// Probability of spam from which a comment goes to the spam.
    #[arg(long, value_name = "P", value_parser = score)]
    spam: Option<Score>,
    /// Probability of spam from which a comment is thrown away unseen; `none`: never.
    #[arg(long, value_name = "P|none", value_parser = threshold)]
    discard: Option<Threshold>,
    /// The share of good comments that may be blocked, such as 0.5%: the hold threshold is then chosen from the site's own
    /// ham, as soon as there is enough of it; `none`: --hold counts.
    #[arg(long, value_name = "SHARE|none", value_parser = allowance)]
    max_blocked_ham: Option<Allowance>,
    /// Shadow mode judges and records, but always answers approve.
    #[arg(long, value_name = "on|off", value_parser = switch)]
    shadow: Option<bool>,
    /// The language that reasons are written in; `auto`: the one that the CMS says with each comment, else English.
    #[arg(long, value_name = "en|ar|de|auto", value_parser = tongue)]
    language: Option<Tongue>,
    /// Roles in the CMS whose comments are let through; an empty word means none.
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',')]
    trusted_roles: Option<Vec<String>>,
    /// Languages that are read here, such as ar,en: comments in others speak against themselves; an empty word means any.
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', value_parser = language)]
    languages: Option<Vec<String>>,
    /// Names of people who work here, under which nobody else should write; an empty word means none.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    staff_names: Option<Vec<String>>,
    /// Countries from which people write here, such as EG,SA: a person looks first at what comes from others; an empty word means
    /// any. `network.countries` in the settings names the file that tells an address's country.
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', value_parser = country)]
    countries: Option<Vec<String>>,
    /// Countries from which a person looks at each comment first; an empty word means none.
    #[arg(long, value_name = "CODE,…", value_delimiter = ',', value_parser = country)]
    hold_countries: Option<Vec<String>>,
    /// Let through: email:…, ip:…, domain:…, link:… or phrase:…
    #[arg(long, value_name = "ENTRY")]
    allow: Vec<ListPattern>,
    /// Keep out: email:…, ip:…, domain:…, link:… or phrase:…
    #[arg(long, value_name = "ENTRY")]
    block: Vec<ListPattern>,
    /// Take entries off both lists.
    #[arg(long, value_name = "ENTRY")]
    unlist: Vec<ListPattern>,
    /// Why the entries are there.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// When the entries expire: a day (2030-01-31) or a moment (2030-01-31T12:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<Timestamp>,
}

/// `--max-blocked-ham` as it is written.
#[derive(Clone, Copy, Debug)]
struct Allowance(Option<Share>);

/// `--language` as it is written.
#[derive(Clone, Copy, Debug)]
struct Tongue(Option<Language>);

/// `--discard` as it is written.
#[derive(Clone, Copy, Debug)]
struct Threshold(Option<Score>);

impl Command {
    pub(super) async fn run(&self, store: &Arc<dyn Store>, config: &Config) -> anyhow::Result<()> {
        let shared = store;
        let store = &**store;
        match self {
            Command::Add { name, url, change, output } => {
                let (now, key) = (timing::now(store).await?, random::api_key());
                let policy = change.applied_to(config.policy.clone())?;
                let (off, on) = change.of_lists(now)?;
                anyhow::ensure!(off.is_empty(), "a new site has no entries that could be taken off");
                let site = store.add_site(name, url, policy, key_hash(&key), now).await?;
                if !on.is_empty() {
                    store.change_lists(Some(site.id), off, on).await?;
                }
                show_key(&site, &key, "was added", config, *output)
            }
            Command::List { output } => list(store, *output).await,
            Command::Show { name, output } => show(store, site_named(store, name).await?.as_ref(), *output).await,
            Command::Set { name, rename, url, change, output } => {
                let mut site = (*site_named(store, name).await?).clone();
                site.policy = change.applied_to(site.policy)?;
                site.name = rename.clone().unwrap_or(site.name);
                site.url = url.clone().unwrap_or(site.url);
                let (off, on) = change.of_lists(timing::now(store).await?)?;
                for pattern in &off {
                    must_be_listed(store, site.id, pattern).await?;
                }
                store.set_site(&site).await?;
                if !off.is_empty() || !on.is_empty() {
                    store.change_lists(Some(site.id), off, on).await?;
                }
                measure(shared, config, &mut site).await?;
                show(store, &site, *output).await
            }
            Command::Stats(asked) => stats::run(store, asked).await,
            Command::RotateKey { name, overlap, output } => {
                let (now, site, key) = (timing::now(store).await?, site_named(store, name).await?, random::api_key());
                let until = overlap.until(now);
                rotate(store, &site, key_hash(&key), until, now).await?;
                let what = format!("has a new key; the old one works until {until:.0}");
                show_key(&site, &key, &what, config, *output)
            }
            Command::Wordpress(args) => args.run(store, config).await,
            Command::Remove { name, yes } => {
                let site = site_named(store, name).await?;
                screen::confirm(&format!("forget site `{name}` with its comments, labels and endpoints"), *yes)?;
                store.remove_site(site.id).await?;
                Ok(writeln!(screen::out(), "Site `{name}` was removed.")?)
            }
        }
    }
}

/// Has the site's ham say what it means for a new budget, so that the operator sees it at once; the daemon does it again
/// now and then.
async fn measure(store: &Arc<dyn Store>, config: &Config, site: &mut Site) -> anyhow::Result<()> {
    let Some(budget) = site.policy.budget.as_mut().filter(|budget| budget.measured.is_none()) else { return Ok(()) };
    let (judge, _) = daemon::load_judge(&**store, config).await?;
    let pipeline = Pipeline::new(Arc::clone(store), Clock::System, judge);
    let mut directory = store.directory().await?;
    // An agency has hundreds of sites, whose lists are none of this one's.
    directory.lists.retain(|(owner, _)| owner.is_none_or(|owner| owner == site.id));
    pipeline.follow_lists(&directory).await?;
    pipeline.set_directory(directory);
    pipeline.follow_labels().await?;
    let site = pipeline.site(site.id).context("the site was removed meanwhile")?;
    budget.measured = pipeline.measure_budget(&site, |_| std::future::ready(())).await?;
    Ok(())
}

/// Puts a key in the place of the one that came with the site, or beside the others when that is gone.
async fn rotate(
    store: &dyn Store,
    site: &Site,
    new: KeyHash,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let directory = store.directory().await?;
    let of_site = |key: &&Arc<Key>| key.site == Some(site.id) && key.name == Key::OF_SITE && key.is_valid(now);
    match directory.keys.iter().rfind(of_site) {
        Some(old) => store.rotate_key(old.id, new, until, now).await,
        None => {
            let name = Key::OF_SITE.to_owned();
            let key = NewKey { site: Some(site.id), name, scopes: Scopes::CMS, hash: new, expires_at: None };
            store.add_key(key, now).await
        }
    }
    .map(drop)
}

impl Change {
    /// The policy as it is afterwards.
    fn applied_to(&self, mut policy: Policy) -> anyhow::Result<Policy> {
        let thresholds = &mut policy.thresholds;
        thresholds.hold = self.hold.unwrap_or(thresholds.hold);
        thresholds.spam = self.spam.unwrap_or(thresholds.spam);
        thresholds.discard = self.discard.map_or(thresholds.discard, |Threshold(discard)| discard);
        if let Err(problem) = thresholds.check() {
            return usage(&format!("{problem}; give both of them"));
        }
        if let Some(Allowance(share)) = self.max_blocked_ham {
            policy.set_budget(share);
        }
        policy.shadow = self.shadow.unwrap_or(policy.shadow);
        policy.language = self.language.map_or(policy.language, |Tongue(language)| language);
        let filled = |words: &[String]| {
            words.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
        };
        for (said, place) in [
            (&self.trusted_roles, &mut policy.trusted_roles),
            (&self.languages, &mut policy.languages),
            (&self.staff_names, &mut policy.staff_names),
            (&self.countries, &mut policy.countries),
            (&self.hold_countries, &mut policy.hold_countries),
        ] {
            if let Some(words) = said {
                *place = filled(words);
            }
        }
        Ok(policy)
    }

    /// What is to be taken off the site's lists, and what is to be put on.
    fn of_lists(&self, now: Timestamp) -> anyhow::Result<(Vec<ListPattern>, Vec<ListEntry>)> {
        if (self.expires.is_some() || !self.reason.is_empty()) && self.allow.is_empty() && self.block.is_empty() {
            return usage("--reason and --expires belong to --allow or --block");
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            return usage("--expires lies in the past");
        }
        let allowed = self.allow.iter().map(|pattern| (ListKind::Allow, pattern));
        let blocked = self.block.iter().map(|pattern| (ListKind::Block, pattern));
        let entry = |(list, pattern): (ListKind, &ListPattern)| ListEntry {
            list,
            pattern: pattern.clone(),
            reason: self.reason.clone(),
            added_by: super::list::whoever(),
            added_at: now,
            expires_at: self.expires,
        };
        Ok((self.unlist.clone(), allowed.chain(blocked).map(entry).collect()))
    }
}

async fn must_be_listed(store: &dyn Store, site: SiteId, pattern: &ListPattern) -> anyhow::Result<()> {
    let filter = ListFilter { pattern: Some(pattern.clone()), ..ListFilter::default() };
    let (found, _) = store.list_entries(Some(site), &filter, 0, 1).await?;
    anyhow::ensure!(!found.is_empty(), "`{pattern}` is on no list; `hamlet list show` shows them");
    Ok(())
}

fn usage<T>(problem: &str) -> anyhow::Result<T> {
    Err(Usage(problem.to_owned()).into())
}

#[derive(Serialize)]
struct ShownKey<'a> {
    id: SiteId,
    name: &'a str,
    url: &'a str,
    api_key: &'a str,
}

/// The one time that a key is shown.
fn show_key(site: &Site, key: &str, what: &str, config: &Config, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(&ShownKey { id: site.id, name: &site.name, url: &site.url, api_key: key })?);
    }
    let mut out = screen::out();
    writeln!(out, "Site `{}` {what}. Its API key is shown this once:\n", site.name)?;
    writeln!(out, "    {key}\n")?;
    writeln!(out, "Try it:\n")?;
    writeln!(out, "    curl -H 'Authorization: Bearer {key}' http://{}/v1/comments/check \\", config.listen)?;
    Ok(writeln!(out, "         -d '{{\"content\":\"cheap watches https://x.example\"}}'")?)
}

async fn list(store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let sites = store.directory().await?.sites;
    if output.json {
        let sites: Vec<&Site> = sites.iter().map(AsRef::as_ref).collect();
        return Ok(screen::json(&sites)?);
    }
    let row = |site: &Site| {
        let (thresholds, _) = site.policy.in_force();
        vec![
            site.id.to_string(),
            site.name.clone(),
            thresholds.hold.get().to_string(),
            thresholds.spam.get().to_string(),
            thresholds.discard.map_or("none".to_owned(), |discard| discard.get().to_string()),
            if site.policy.shadow { "on" } else { "off" }.to_owned(),
            site.url.clone(),
        ]
    };
    let rows: Vec<_> = sites.iter().map(|site| row(site)).collect();
    Ok(screen::table(&["ID", "NAME", "HOLD", "SPAM", "DISCARD", "SHADOW", "URL"], &rows)?)
}

/// A site and what its labels taught.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    site: &'a Site,
    learned: Learned,
}

/// How many comments have a label that is learned from.
#[derive(Serialize)]
struct Learned {
    ham: u64,
    spam: u64,
}

/// Entries of a site's lists that `site show` shows; `hamlet list show` shows all.
const SHOWN_ENTRIES: u32 = 100;

async fn show(store: &dyn Store, site: &Site, output: Output) -> anyhow::Result<()> {
    let [ham, spam] = store.label_counts(site.id).await?;
    let (placed, more) = store.list_entries(Some(site.id), &ListFilter::default(), 0, SHOWN_ENTRIES).await?;
    let lists: Vec<ListEntry> = placed.into_iter().map(|placed| placed.entry).collect();
    if output.json {
        let mut shown = serde_json::to_value(Shown { site, learned: Learned { ham, spam } })?;
        if let Some(policy) = shown.get_mut("policy").and_then(serde_json::Value::as_object_mut) {
            policy.insert("lists".to_owned(), serde_json::to_value(&lists)?);
        }
        return Ok(screen::json(&shown)?);
    }
    let mut out = screen::out();
    let policy = &site.policy;
    let (thresholds, chosen_by) = policy.in_force();
    let discard = thresholds.discard.map_or("never".to_owned(), |discard| format!("from {}", discard.get()));
    let roles = if policy.trusted_roles.is_empty() { "none".to_owned() } else { policy.trusted_roles.join(", ") };
    writeln!(out, "site           {} (id {}, since {:.0})", site.name, site.id, site.created_at)?;
    writeln!(out, "url            {}", if site.url.is_empty() { "not said" } else { &site.url })?;
    let given = policy.thresholds.hold.get();
    let instead = if chosen_by.is_some() { format!(" (the budget's; {given} without it)") } else { String::new() };
    writeln!(out, "hold           from {}{instead}", thresholds.hold.get())?;
    writeln!(out, "spam           from {}", thresholds.spam.get())?;
    writeln!(out, "discard        {discard}")?;
    if let Some(budget) = &policy.budget {
        writeln!(out, "budget         {budget}")?;
    }
    writeln!(out, "shadow mode    {}", if policy.shadow { "on: judged, but always approved" } else { "off" })?;
    let language = policy.language.map_or("auto: as the CMS says with each comment, else en", Language::as_str);
    writeln!(out, "language       {language}")?;
    writeln!(out, "trusted roles  {roles}")?;
    if !policy.languages.is_empty() {
        writeln!(out, "languages      {}", policy.languages.join(", "))?;
    }
    if !policy.staff_names.is_empty() {
        writeln!(out, "staff names    {}", screen::foreign(&policy.staff_names.join(", "), 200))?;
    }
    if !policy.countries.is_empty() {
        writeln!(
            out,
            "countries      {}; a person looks first at what comes from others",
            policy.countries.join(", ")
        )?;
    }
    if !policy.hold_countries.is_empty() {
        writeln!(out, "held countries {}", policy.hold_countries.join(", "))?;
    }
    writeln!(out, "learned from   {}", labels([ham, spam]))?;
    for entry in &lists {
        let list = entry.list.as_str();
        let until = entry.expires_at.map(|expires| format!(" (until {expires:.0})")).unwrap_or_default();
        let reason = screen::foreign(&entry.reason, 200);
        writeln!(out, "{list:<14} {}{until}  {reason}", screen::foreign(&entry.pattern.to_string(), 200))?;
    }
    if more.is_some() {
        writeln!(out, "{:<14} and more: `hamlet list show --site {}`", "", site.name)?;
    }
    Ok(())
}

fn name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

fn home(text: &str) -> Result<String, String> {
    check_url(text).map(|()| text.to_owned())
}

fn language(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Ok(String::new())
    } else {
        check_language(text.trim()).map(|()| text.trim().to_owned())
    }
}

fn country(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Ok(String::new()) } else { site::country(text.trim()) }
}

fn score(text: &str) -> Result<Score, String> {
    text.parse().ok().and_then(Score::new).ok_or_else(|| "write a probability from 0 to 1, such as 0.6".to_owned())
}

fn threshold(text: &str) -> Result<Threshold, String> {
    if text == "none" { Ok(Threshold(None)) } else { score(text).map(|score| Threshold(Some(score))) }
}

fn allowance(text: &str) -> Result<Allowance, String> {
    if text == "none" { Ok(Allowance(None)) } else { text.parse().map(|share| Allowance(Some(share))) }
}

fn tongue(text: &str) -> Result<Tongue, String> {
    if text == "auto" { Ok(Tongue(None)) } else { text.parse().map(|language| Tongue(Some(language))) }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("say on or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        change: Change,
    }

    const NOW: &str = "2026-05-01T00:00:00Z";

    /// What the policy of a new site is after each of the lines.
    fn after(lines: &[&str]) -> Result<Policy, String> {
        lines.iter().try_fold(Policy::standard(), |policy, line| {
            let words = line.split_whitespace();
            let line = Line::try_parse_from(std::iter::once("set").chain(words)).map_err(|error| error.to_string())?;
            let of_lists = line.change.of_lists(NOW.parse().unwrap());
            of_lists.and_then(|_| line.change.applied_to(policy)).map_err(|error| error.to_string())
        })
    }

    #[track_caller]
    fn refused(line: &str, expected: &str) {
        let error = after(&[line]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_not_named_stays() {
        let policy = after(&["--hold 0.6", "--discard 0.999 --shadow on", "--trusted-roles chief, --discard none"]);
        let policy = policy.unwrap();
        assert_eq!((policy.thresholds.hold.get(), policy.thresholds.spam.get()), (0.6, 0.95));
        assert_eq!((policy.thresholds.discard, policy.shadow), (None, true));
        assert_eq!(policy.trusted_roles, ["chief"]);
        let policy = after(&["--languages ar,en-GB --staff-names Sara,", "--hold 0.6", "--staff-names ,"]).unwrap();
        assert_eq!((policy.languages.join(" "), policy.staff_names.len()), ("ar en-GB".to_owned(), 0));
        refused("--languages arabic", "is no language");
        let policy = after(&["--countries eg,SA --hold-countries ru", "--hold 0.6", "--hold-countries ,"]).unwrap();
        assert_eq!((policy.countries.join(" "), policy.hold_countries.len()), ("EG SA".to_owned(), 0));
        refused("--countries Egypt", "is no country");
    }

    #[test]
    fn a_language_is_set_and_taken_away() {
        let language = |lines: &[&str]| after(lines).unwrap().language;
        assert_eq!(language(&["--language ar", "--hold 0.6"]), Some(Language::Arabic));
        assert_eq!(language(&["--language de", "--language auto"]), None);
    }

    #[test]
    fn a_budget_is_set_and_taken_away() {
        let share = |lines: &[&str]| after(lines).unwrap().budget.map(|budget| budget.max_blocked_ham.to_string());
        assert_eq!(share(&["--max-blocked-ham 0.5%", "--hold 0.6"]).as_deref(), Some("0.5 %"));
        assert_eq!(share(&["--max-blocked-ham 0.005", "--max-blocked-ham none"]), None);
        refused("--max-blocked-ham 5", "such as 0.5% or 0.005");
    }

    #[test]
    fn thresholds_stay_in_order() {
        refused("--hold 0.97", "above the spam threshold");
        refused("--discard 0.9", "below the spam threshold");
        refused("--hold 1.5", "a probability from 0 to 1");
        refused("--hold nan", "a probability from 0 to 1");
        refused("--shadow maybe", "say on or off");
        refused("--language fr", "say en, ar or de");
    }

    #[test]
    fn entries_carry_their_reason_and_end() {
        let words =
            "set --block domain:Bad.example --allow email:bob@good.example --reason mended --expires 2030-01-31";
        let line = Line::try_parse_from(words.split(' ').chain(["--unlist", "ip:192.0.2.1"])).unwrap();
        let (off, on) = line.change.of_lists(NOW.parse().unwrap()).unwrap();
        assert_eq!(off, ["ip:192.0.2.1".parse().unwrap()]);
        let shown: Vec<_> = on.iter().map(|entry| (entry.list, entry.pattern.to_string())).collect();
        assert_eq!(
            shown,
            [(ListKind::Allow, "email:bob@good.example".into()), (ListKind::Block, "domain:bad.example".into())]
        );
        assert!(
            on.iter().all(|entry| entry.reason == "mended" && entry.expires_at == "2030-02-01T00:00:00Z".parse().ok())
        );
    }

    #[test]
    fn lists_refuse_nonsense() {
        refused("--block bad.example", "write email:");
        refused("--reason why", "belong to --allow or --block");
        refused("--block domain:x.example --expires 2020-01-01", "lies in the past");
        refused("--block domain:x.example --expires soon", "write a day such as");
    }
}
