//! `/v1/sites`: the tenants, for an operator whose key is that of no site.
//!
//! Owns the shapes of these requests and answers. Does not own keys (`keys`) nor lists (`lists`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::Operator;
use super::json::{self, Json};
use super::params::Named;
use super::problem::{Problem, Refusal};
use super::{Doors, Route};
use crate::budget::Budget;
use crate::language::Language;
use crate::object;
use crate::pipeline::key_hash;
use crate::random;
use crate::site::{Policy, Site, SiteId, check_language, check_name, check_url, country};
use crate::store::StoreError;
use crate::verdict::{Share, Thresholds};

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![route("/v1/sites", get(list).post(add)), route("/v1/sites/{name}", get(show).patch(change).delete(remove))]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(list, add, show, change, remove))]
pub(super) struct Calls;

/// A site without its lists, which may be long.
#[derive(Serialize, ToSchema)]
#[schema(as = Site)]
struct Shown<'a> {
    id: SiteId,
    name: &'a str,
    url: &'a str,
    created_at: Timestamp,
    /// As they were set.
    thresholds: Thresholds,
    /// With enough ham it chooses the hold threshold in the place of the one that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<&'a Budget>,
    /// Judges and records, but always answers approve.
    shadow: bool,
    /// Of reasons; absent: the one that the CMS says with each comment, else English.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Language>,
    /// Roles in the CMS whose comments are let through.
    trusted_roles: &'a [String],
    /// Languages that are read here; empty: any.
    languages: &'a [String],
    /// Names under which only the site's own people may write.
    staff_names: &'a [String],
    /// Countries from which people write here; empty: any.
    countries: &'a [String],
    /// Countries from which a person looks at each comment.
    hold_countries: &'a [String],
}

/// All sites.
#[derive(Serialize, ToSchema)]
#[schema(as = Sites)]
struct All<'a> {
    sites: Vec<Shown<'a>>,
}

/// A site on the one occasion that its key is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = SiteWithKey)]
struct WithKey<'a> {
    #[serde(flatten)]
    site: Shown<'a>,
    api_key: &'a str,
}

/// A site to be; what is missing is as the settings say in `[policy]`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSite {
    #[schema(pattern = r"^[\p{L}\p{N}._-]+$")]
    name: String,
    #[schema(pattern = "^https?://.", examples("https://news.example/"))]
    url: String,
    #[serde(default, deserialize_with = "object::optional")]
    thresholds: Option<Thresholds>,
    /// At most this share of ham is to be blocked: 0.005 is 1 in 200. The hold threshold is then chosen from the site's own
    /// ham, as soon as there is enough of it. `null`: no budget.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Share>)]
    max_blocked_ham: Option<Option<Share>>,
    shadow: Option<bool>,
    /// Of reasons. `null`: the one that the CMS says with each comment, else English.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Language>)]
    language: Option<Option<Language>>,
    trusted_roles: Option<Vec<String>>,
    /// Languages that are read here, such as `ar` and `en`; comments in others speak against themselves. Empty: any.
    languages: Option<Vec<String>>,
    /// Names of people who work here, under which nobody else should write.
    staff_names: Option<Vec<String>>,
    /// Countries from which people write here, ISO 3166-1 alpha-2, such as `EG` and `SA`; a person looks first at what comes from
    /// others. Empty: any.
    countries: Option<Vec<String>>,
    /// Countries from which a person looks at each comment first.
    hold_countries: Option<Vec<String>>,
}

/// What is to be changed of a site.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SiteChange)]
struct ChangeBody {
    #[schema(pattern = r"^[\p{L}\p{N}._-]+$")]
    name: Option<String>,
    #[schema(pattern = "^https?://.")]
    url: Option<String>,
    #[serde(default, deserialize_with = "object::optional")]
    thresholds: Option<Thresholds>,
    /// At most this share of ham is to be blocked: 0.005 is 1 in 200. The hold threshold is then chosen from the site's own
    /// ham, as soon as there is enough of it. `null`: no budget.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Share>)]
    max_blocked_ham: Option<Option<Share>>,
    shadow: Option<bool>,
    /// Of reasons. `null`: the one that the CMS says with each comment, else English.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Language>)]
    language: Option<Option<Language>>,
    trusted_roles: Option<Vec<String>>,
    /// Languages that are read here, such as `ar` and `en`; comments in others speak against themselves. Empty: any.
    languages: Option<Vec<String>>,
    /// Names of people who work here, under which nobody else should write.
    staff_names: Option<Vec<String>>,
    /// Countries from which people write here, ISO 3166-1 alpha-2, such as `EG` and `SA`; a person looks first at what comes from
    /// others. Empty: any.
    countries: Option<Vec<String>>,
    /// Countries from which a person looks at each comment first.
    hold_countries: Option<Vec<String>>,
}

/// What may be said of the policy; what is missing stays.
struct PolicyBody {
    thresholds: Option<Thresholds>,
    max_blocked_ham: Option<Option<Share>>,
    shadow: Option<bool>,
    language: Option<Option<Language>>,
    trusted_roles: Option<Vec<String>>,
    /// Languages that are read here, such as `ar` and `en`; comments in others speak against themselves. Empty: any.
    languages: Option<Vec<String>>,
    /// Names of people who work here, under which nobody else should write.
    staff_names: Option<Vec<String>>,
    /// Countries from which people write here, ISO 3166-1 alpha-2, such as `EG` and `SA`; a person looks first at what comes from
    /// others. Empty: any.
    countries: Option<Vec<String>>,
    /// Countries from which a person looks at each comment first.
    hold_countries: Option<Vec<String>>,
}

/// What a body says of the policy. Both kinds of body have these fields; serde cannot share them and still refuse unknown ones.
macro_rules! policy_said {
    ($body:ident) => {
        PolicyBody {
            thresholds: $body.thresholds,
            max_blocked_ham: $body.max_blocked_ham,
            shadow: $body.shadow,
            language: $body.language,
            trusted_roles: $body.trusted_roles,
            languages: $body.languages,
            staff_names: $body.staff_names,
            countries: $body.countries,
            hold_countries: $body.hold_countries,
        }
    };
}

impl PolicyBody {
    fn applied_to(self, mut policy: Policy) -> Result<Policy, Problem> {
        policy.thresholds = self.thresholds.unwrap_or(policy.thresholds);
        if let Some(share) = self.max_blocked_ham {
            policy.set_budget(share);
        }
        policy.shadow = self.shadow.unwrap_or(policy.shadow);
        policy.language = self.language.unwrap_or(policy.language);
        policy.trusted_roles = self.trusted_roles.unwrap_or(policy.trusted_roles);
        policy.languages = self.languages.unwrap_or(policy.languages);
        policy
            .languages
            .iter()
            .try_for_each(|tag| check_language(tag))
            .map_err(|detail| invalid("languages", &detail))?;
        policy.staff_names = self.staff_names.unwrap_or(policy.staff_names);
        let countries = |codes: Vec<String>| codes.iter().map(|code| country(code)).collect::<Result<_, _>>();
        if let Some(codes) = self.countries {
            policy.countries = countries(codes).map_err(|detail| invalid("countries", &detail))?;
        }
        if let Some(codes) = self.hold_countries {
            policy.hold_countries = countries(codes).map_err(|detail| invalid("hold_countries", &detail))?;
        }
        policy.thresholds.check().map_err(|detail| invalid("thresholds", &detail))?;
        Ok(policy)
    }
}

impl<'a> Shown<'a> {
    fn of(site: &'a Site) -> Shown<'a> {
        let Policy {
            thresholds,
            budget,
            trusted_roles,
            shadow,
            language,
            languages,
            staff_names,
            countries,
            hold_countries,
            ..
        } = &site.policy;
        Shown {
            id: site.id,
            name: &site.name,
            url: &site.url,
            created_at: site.created_at,
            thresholds: *thresholds,
            budget: budget.as_ref(),
            shadow: *shadow,
            language: *language,
            trusted_roles,
            languages,
            staff_names,
            countries,
            hold_countries,
        }
    }
}

/// All sites.
#[utoipa::path(get, path = "/v1/sites", security(("operator" = ["admin"])),
    responses((status = 200, description = "Oldest first.", body = All)))]
async fn list(State(doors): State<Arc<Doors>>, _: Operator) -> Result<Response, Problem> {
    let directory = doors.pipeline.store.directory().await?;
    let sites = directory.sites.iter().map(|site| Shown::of(site)).collect();
    Ok(json::answer(StatusCode::OK, &All { sites }))
}

/// Make a site.
#[utoipa::path(post, path = "/v1/sites", security(("operator" = ["admin"])), request_body = NewSite,
    responses((status = 201, description = "Its first API key is shown this once.", body = WithKey), (status = 409)))]
async fn add(State(doors): State<Arc<Doors>>, _: Operator, Json(new): Json<NewSite>) -> Result<Response, Problem> {
    check_name(&new.name).map_err(|detail| invalid("name", &detail))?;
    check_url(&new.url).map_err(|detail| invalid("url", &detail))?;
    let policy = policy_said!(new).applied_to(doors.policy.clone())?;
    let (key, now) = (random::api_key(), doors.pipeline.clock.now());
    let site = doors.pipeline.store.add_site(&new.name, &new.url, policy, key_hash(&key), now).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::CREATED, &WithKey { site: Shown::of(&site), api_key: &key }))
}

/// One site.
#[utoipa::path(get, path = "/v1/sites/{name}", security(("operator" = ["admin"])), params(("name" = String, Path)),
    responses((status = 200, description = "The site.", body = Shown)))]
async fn show(State(doors): State<Arc<Doors>>, _: Operator, Named(name): Named<String>) -> Result<Response, Problem> {
    Ok(json::answer(StatusCode::OK, &Shown::of(existing(&doors, &name).await?.as_ref())))
}

/// Change a site; what is not named stays.
#[utoipa::path(patch, path = "/v1/sites/{name}", security(("operator" = ["admin"])), params(("name" = String, Path)),
    request_body = ChangeBody,
    responses((status = 200, description = "As it is now.", body = Shown), (status = 409)))]
async fn change(
    State(doors): State<Arc<Doors>>,
    _: Operator,
    Named(name): Named<String>,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    let mut site = existing(&doors, &name).await?.as_ref().clone();
    site.policy = policy_said!(body).applied_to(site.policy)?;
    if let Some(name) = body.name {
        check_name(&name).map_err(|detail| invalid("name", &detail))?;
        site.name = name;
    }
    if let Some(url) = body.url {
        check_url(&url).map_err(|detail| invalid("url", &detail))?;
        site.url = url;
    }
    doors.pipeline.store.set_site(&site).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::OK, &Shown::of(&site)))
}

/// Forget a site, with its keys, comments, labels, endpoints and jobs.
#[utoipa::path(delete, path = "/v1/sites/{name}", security(("operator" = ["admin"])), params(("name" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn remove(State(doors): State<Arc<Doors>>, _: Operator, Named(name): Named<String>) -> Result<Response, Problem> {
    let site = existing(&doors, &name).await?;
    doors.pipeline.store.remove_site(site.id).await?;
    doors.pipeline.refresh().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Tells `null`, which takes something away, from what was not said.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(source).map(Some)
}

async fn existing(doors: &Doors, name: &str) -> Result<Arc<Site>, StoreError> {
    let directory = doors.pipeline.store.directory().await?;
    let site = directory.sites.into_iter().find(|site| site.name == name);
    site.ok_or_else(|| StoreError::NotFound("site of that name".to_owned()))
}

fn invalid(field: &str, fact: &str) -> Problem {
    Problem::new(Refusal::InvalidField, format!("The field `{field}`: {fact}."))
}
