//! `hamlet campaign`: near copies from several authors, and one decision for all of them.

use std::io::Write as _;
use std::sync::Arc;

use clap::{ArgGroup, Args, Subcommand};

use super::screen::{self, Output};
use super::site_named;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon;
use crate::pipeline::{CampaignChange, Pipeline};
use crate::site::Site;
use crate::store::{Campaign, CampaignId, CampaignWord, Store};
use crate::verdict::{Decision, Label};
use anyhow::Context as _;

/// See campaigns (near copies from several authors, or on several posts or sites) and decide a whole one at once.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  hamlet campaign list news
  hamlet campaign decide news 17 --label spam")]
pub enum Command {
    /// List the campaigns that reached a site, the latest first.
    #[command(after_help = "Examples:\n  hamlet campaign list news\n  hamlet campaign list news --at-least 20 --json")]
    List {
        site: String,
        /// Those with so many comments or more.
        #[arg(long, default_value_t = 3, value_name = "N")]
        at_least: u32,
        /// How many at most.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Show one campaign, and where its comments lead.
    #[command(after_help = "Example:\n  hamlet campaign show news 17")]
    Show {
        site: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Decide all comments of a campaign, and those that come later. Endpoints are told.
    #[command(after_help = "Examples:
  hamlet campaign decide news 17 --label spam
  hamlet campaign decide news 17 --decision hold --by ada --json")]
    Decide {
        site: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        word: Word,
        /// Who says so [default: the site's name]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Take back what was decided for a campaign: its comments stand as they did before.
    #[command(after_help = "Example:\n  hamlet campaign undo news 17")]
    Undo {
        site: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args, Clone, Copy, Debug)]
pub struct Which {
    /// Number of the campaign, as `hamlet campaign list` shows it.
    #[arg(value_name = "CAMPAIGN")]
    campaign: i64,
}

/// A label or a decision.
#[derive(Args, Clone, Copy, Debug)]
#[command(group(ArgGroup::new("word").required(true)))]
pub struct Word {
    /// What they are, spam or ham; the site learns from it.
    #[arg(long, group = "word", value_name = "LABEL")]
    label: Option<Label>,
    /// What becomes of them, approve, hold or spam; nothing is learned.
    #[arg(long, group = "word", value_name = "DECISION", value_parser = persons_decision)]
    decision: Option<Decision>,
}

fn persons_decision(text: &str) -> Result<Decision, String> {
    match text.parse()? {
        Decision::Discard => Err("only Hamlet itself discards; say approve, hold or spam".to_owned()),
        decision => Ok(decision),
    }
}

impl Command {
    pub(super) async fn run(&self, store: &Arc<dyn Store>, config: &Config) -> anyhow::Result<()> {
        match self {
            Command::List { site, at_least, limit, output } => {
                let site = site_named(store.as_ref(), site).await?;
                let campaigns = store.campaigns(site.id, *at_least, None, *limit).await?;
                if output.json {
                    return Ok(screen::json(&campaigns)?);
                }
                let rows: Vec<_> = campaigns.iter().map(row).collect();
                Ok(screen::table(
                    &[
                        "CAMPAIGN",
                        "COMMENTS",
                        "AUTHORS",
                        "POSTS",
                        "SITES",
                        "FIRST SEEN",
                        "LAST SEEN",
                        "DECIDED",
                        "TEXT",
                    ],
                    &rows,
                )?)
            }
            Command::Show { site, which, output } => {
                let site = site_named(store.as_ref(), site).await?;
                let campaign = existing(store.as_ref(), &site, *which).await?;
                let common = pipeline(store, config).await?.common(&site, &campaign).await?;
                if output.json {
                    let links: Vec<_> = common
                        .links
                        .iter()
                        .map(|(domain, comments)| serde_json::json!({ "domain": domain, "comments": comments }))
                        .collect();
                    let mut shown = serde_json::to_value(&campaign)?;
                    if let Some(shown) = shown.as_object_mut() {
                        shown.insert("links".to_owned(), links.into());
                        shown.insert("links_of".to_owned(), common.read.into());
                    }
                    return Ok(screen::json(&shown)?);
                }
                let mut out = screen::out();
                writeln!(out, "campaign    {}", campaign.id)?;
                writeln!(out, "comments    {} ({} at all sites)", campaign.comments, campaign.comments_anywhere)?;
                writeln!(out, "authors     {}", campaign.authors)?;
                writeln!(out, "posts       {}", campaign.posts)?;
                writeln!(out, "sites       {}", campaign.sites)?;
                writeln!(out, "first seen  {:.0}", campaign.first_seen)?;
                writeln!(out, "last seen   {:.0}", campaign.last_seen)?;
                writeln!(out, "decided     {}", decided(&campaign))?;
                writeln!(out, "text        {}", screen::foreign(&campaign.excerpt, 160))?;
                for (domain, comments) in &common.links {
                    writeln!(out, "link        {} ({comments} of {})", screen::foreign(domain, 80), common.read)?;
                }
                Ok(())
            }
            Command::Decide { site, which, word, by, output } => {
                let site = site_named(store.as_ref(), site).await?;
                let id = existing(store.as_ref(), &site, *which).await?.id;
                let word = match (word.label, word.decision) {
                    (Some(label), _) => CampaignWord::Label(label),
                    (None, decision) => CampaignWord::Decision(decision.context("say --label or --decision")?),
                };
                let by = by.as_ref().unwrap_or(&site.name);
                let change = pipeline(store, config).await?.decide_campaign(&site, id, word, by, "cli").await?;
                done(change, "decided", *output)
            }
            Command::Undo { site, which, output } => {
                let site = site_named(store.as_ref(), site).await?;
                let id = existing(store.as_ref(), &site, *which).await?.id;
                let change = pipeline(store, config).await?.undo_campaign(&site, id, &site.name, "cli").await?;
                done(change, "restored", *output)
            }
        }
    }
}

/// What a campaign's comments take their road on, beside a daemon that may be running.
async fn pipeline(store: &Arc<dyn Store>, config: &Config) -> anyhow::Result<Pipeline> {
    let (judge, _) = daemon::load_judge(store.as_ref(), config).await?;
    let pipeline = Pipeline::new(Arc::clone(store), Clock::System, judge);
    pipeline.set_directory(store.directory().await?);
    Ok(pipeline)
}

async fn existing(store: &dyn Store, site: &Site, which: Which) -> anyhow::Result<Campaign> {
    let campaign = store.campaign(site.id, CampaignId(which.campaign)).await?;
    let (id, name) = (which.campaign, &site.name);
    campaign.with_context(|| format!("there is no campaign {id} at {name}; `hamlet campaign list {name}` lists them"))
}

fn decided(campaign: &Campaign) -> String {
    let Some(decision) = &campaign.decision else { return "no".to_owned() };
    let word = match decision.word {
        CampaignWord::Label(label) => label.as_str(),
        CampaignWord::Decision(decision) => decision.as_str(),
    };
    format!("{word}, by {}", screen::foreign(&decision.by, 40))
}

fn row(campaign: &Campaign) -> Vec<String> {
    vec![
        campaign.id.to_string(),
        campaign.comments.to_string(),
        campaign.authors.to_string(),
        campaign.posts.to_string(),
        campaign.sites.to_string(),
        format!("{:.0}", campaign.first_seen),
        format!("{:.0}", campaign.last_seen),
        decided(campaign),
        screen::foreign(&campaign.excerpt, 60),
    ]
}

fn done(CampaignChange { comments, changed }: CampaignChange, verb: &str, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(&serde_json::json!({ "comments": comments, "changed": changed }))?);
    }
    Ok(writeln!(screen::out(), "{changed} of {comments} comment{} {verb}.", if comments == 1 { "" } else { "s" })?)
}
