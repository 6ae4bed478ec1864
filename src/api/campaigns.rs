//! `/v1/campaigns`: near copies from several authors or on several posts, and one decision for all of them.
//!
//! Owns the shapes. Does not own what belongs together (`store`) nor what a decision does (`pipeline`).

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Caller, Read, Submit};
use super::json::{self, Json};
use super::params::{Limit, Named, Next, Params, optional, position};
use super::problem::{Problem, Refusal};
use super::{Doors, Route, limits};
use crate::pipeline::CampaignChange;
use crate::site::Site;
use crate::store::{Campaign, CampaignId, CampaignWord, StoreError};
use crate::verdict::{Decision, Label};

/// Comments that a campaign has at least when nobody says how many.
const LEAST: u32 = 3;

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/campaigns", get(list)),
        route("/v1/campaigns/{id}", get(show)),
        route("/v1/campaigns/{id}/decision", post(decide).delete(undo)),
    ]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(list, show, decide, undo))]
pub(super) struct Calls;

/// Which campaigns are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Those with so many comments at this site or more; 3 when it is not said.
    #[serde(default, deserialize_with = "optional")]
    #[param(format = Int64, maximum = 4_294_967_295_u64)]
    at_least: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    #[param(schema_with = Limit::schema, required = false)]
    limit: Option<Limit>,
}

/// Where a page ends: the last campaign and when it was seen last.
struct Cursor(Timestamp, CampaignId);

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (at, id) = text.split_once('-').ok_or(())?;
        let at = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok()).ok_or(())?;
        Ok(Cursor(at, CampaignId(id.parse().map_err(drop)?)))
    }
}

impl Cursor {
    fn after(campaign: &Campaign) -> String {
        format!("{}-{}", campaign.last_seen.as_second(), campaign.id)
    }
}

/// Campaigns, those whose last comment came last first.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignPage)]
struct Page {
    campaigns: Vec<Campaign>,
    #[serde(flatten)]
    next: Next,
}

/// A campaign with what its comments have in common.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignShown)]
struct Shown {
    #[serde(flatten)]
    campaign: Campaign,
    /// Domains to which a tenth or more of the comments lead, the most frequent first.
    links: Vec<CommonLink>,
    /// How many of its comments were read for that.
    links_of: u32,
}

#[derive(Serialize, ToSchema)]
struct CommonLink {
    domain: String,
    comments: u32,
}

/// What is said of a whole campaign: a label, which is learned from, or a decision, which is not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignDecisionBody)]
struct Body {
    label: Option<Label>,
    #[schema(schema_with = persons_decisions)]
    decision: Option<Decision>,
    /// Who says so; the site's name when it is missing.
    by: Option<String>,
}

fn persons_decisions() -> utoipa::openapi::schema::Schema {
    use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
    let words = Decision::ALL.into_iter().filter(|decision| *decision != Decision::Discard).map(Decision::as_str);
    let words = words.map(|word| Some(word.to_owned())).chain([None]);
    let kinds = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(kinds).enum_values(Some(words)).into()
}

/// What became of the comments.
#[derive(Serialize, ToSchema)]
struct Changed {
    /// How many were looked at.
    comments: u64,
    /// How many stand otherwise now.
    changed: u64,
}

impl From<CampaignChange> for Changed {
    fn from(CampaignChange { comments, changed }: CampaignChange) -> Changed {
        Changed { comments, changed }
    }
}

/// Campaigns that reached this site, the latest first, page by page.
///
/// A campaign is three comments or more that are near copies of one text, from several authors, or on several posts or
/// sites.
#[utoipa::path(get, path = "/v1/campaigns", security(("key" = ["read"])), params(Filter),
    responses((status = 200, description = "A page.", body = Page)))]
async fn list(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Params(asked): Params<Filter>,
) -> Result<Response, Problem> {
    let limit = asked.limit.unwrap_or_default();
    let before = position(asked.cursor.as_deref())?.map(|Cursor(at, id)| (at, id));
    let least = asked.at_least.unwrap_or(LEAST);
    let campaigns = doors.pipeline.store.campaigns(site.id, least, before, limit.0).await?;
    let next = Next::after(campaigns.len(), limit, campaigns.last().map(Cursor::after));
    Ok(json::answer(StatusCode::OK, &Page { campaigns, next }))
}

/// A campaign: how large it is, when it came, and where its comments lead.
#[utoipa::path(get, path = "/v1/campaigns/{id}", security(("key" = ["read"])), params(("id" = CampaignId, Path)),
    responses((status = 200, description = "The campaign.", body = Shown)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Named(id): Named<i64>,
) -> Result<Response, Problem> {
    let campaign = existing(&doors, &site, CampaignId(id)).await?;
    let common = doors.pipeline.common(&site, &campaign).await?;
    let links = common.links.into_iter().map(|(domain, comments)| CommonLink { domain, comments }).collect();
    Ok(json::answer(StatusCode::OK, &Shown { campaign, links, links_of: common.read }))
}

/// Decide all comments of a campaign at this site, and those that come later.
///
/// Endpoints are told of each; a label is learned from. Repeating it finishes what was interrupted.
#[utoipa::path(post, path = "/v1/campaigns/{id}/decision", security(("key" = ["submit"])),
    params(("id" = CampaignId, Path)), request_body = Body,
    responses((status = 200, description = "What became of the comments.", body = Changed)))]
async fn decide(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Named(id): Named<i64>,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let word = match (body.label, body.decision) {
        (Some(label), None) => CampaignWord::Label(label),
        (None, Some(Decision::Discard)) => {
            let detail = "The field `decision`: a person decides approve, hold or spam; only Hamlet itself discards.";
            return Err(Problem::new(Refusal::InvalidField, detail));
        }
        (None, Some(decision)) => CampaignWord::Decision(decision),
        _ => return Err(Problem::new(Refusal::InvalidField, "Say either `label` or `decision`.")),
    };
    let by = body.by.filter(|by| !by.trim().is_empty()).unwrap_or_else(|| site.name.clone());
    if by.len() > limits::SHORT_BYTES {
        let detail = format!("The field `by` has {} bytes; it may have {}.", by.len(), limits::SHORT_BYTES);
        return Err(Problem::new(Refusal::FieldTooLong, detail));
    }
    // A task of its own: a caller that hangs up leaves no half of it undone.
    let (pipeline, at) = (Arc::clone(&doors.pipeline), Arc::clone(&site));
    let decided = tokio::spawn(async move { pipeline.decide_campaign(&at, CampaignId(id), word, &by, "api").await });
    Ok(json::answer(StatusCode::OK, &Changed::from(finished(decided).await?)))
}

/// Take back what was decided for a campaign: its comments stand as they did before.
#[utoipa::path(delete, path = "/v1/campaigns/{id}/decision", security(("key" = ["submit"])),
    params(("id" = CampaignId, Path)),
    responses((status = 200, description = "What became of the comments.", body = Changed)))]
async fn undo(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Named(id): Named<i64>,
) -> Result<Response, Problem> {
    let (pipeline, at) = (Arc::clone(&doors.pipeline), Arc::clone(&site));
    let undone = tokio::spawn(async move { pipeline.undo_campaign(&at, CampaignId(id), &at.name, "api").await });
    Ok(json::answer(StatusCode::OK, &Changed::from(finished(undone).await?)))
}

async fn finished(
    work: tokio::task::JoinHandle<Result<CampaignChange, StoreError>>,
) -> Result<CampaignChange, StoreError> {
    work.await.unwrap_or_else(|_| Err(StoreError::Unavailable("it was interrupted; repeat it".to_owned())))
}

async fn existing(doors: &Doors, site: &Site, id: CampaignId) -> Result<Campaign, StoreError> {
    let campaign = doors.pipeline.store.campaign(site.id, id).await?;
    campaign.ok_or_else(|| StoreError::NotFound(format!("campaign {id}")))
}
