//! The Akismet protocol, so that existing clients work unchanged.
//!
//! Owns the calls, where the key is, and the exact bytes of the answers. Does not own decoding (`form`), what the fields
//! mean (`check`), what is told of a key's use (`reports`), nor judging and keeping (`pipeline`).
//!
//! A **hold** is answered `true`, so that the comment waits in the spam folder where a person looks; but to a client that
//! sent a `callback` of its own host, `false` with a large `X-akismet-recheck-after`: it then keeps the comment pending
//! and is told what a person decides. `X-akismet-pro-tip: discard` goes with the decision `discard` alone.
//!
//! Every answer to a check carries `X-akismet-guid`, because plugins since 5.3.7 drop an answer without it and then
//! publish the comment, spam or not. It is the comment's id in hexadecimal, by which submit-* finds it again.

mod callback;
mod check;
mod reply;
mod reports;

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use super::body::Sent;
use super::form::Form;
use super::limiter::TooOften;
use super::problem::{Problem, Refusal};
use super::{Doors, Route, limits};
use crate::comment::CommentId;
use crate::key::Scope;
use crate::pipeline::{Learned, Pipeline, Said, Submission, VIA_AKISMET};
use crate::random;
use crate::site::Site;
use crate::statistics::{Day, Kind};
use crate::store::StoreError;
use crate::verdict::{Decision, Label, Verdict};
use callback::{CallBack, call_back};
use check::CheckForm;
use reply::{Answer, Reason};
use reports::{SitesAsked, StatsAsked};

/// The whole answer to submit-spam and submit-ham: clients compare it.
const THANKS: &str = "Thanks for making the web a better place.";

/// Under both versions, with and without a slash at the end.
pub fn routes() -> Vec<Route> {
    let calls = [
        ("/1.1/verify-key", post(verify_key)),
        ("/1.1/comment-check", post(comment_check)),
        ("/1.1/submit-spam", post(submit_spam)),
        ("/1.1/submit-ham", post(submit_ham)),
        ("/1.1/deactivate", post(deactivate)),
        ("/1.1/get-subscription", post(get_subscription)),
        ("/1.1/get-stats", post(get_stats)),
        ("/1.1/get-key-stats", get(get_key_stats).post(get_key_stats)),
        ("/1.1/key-sites", get(key_sites).post(key_sites)),
        ("/1.1/usage-limit", get(usage_limit).post(usage_limit)),
        ("/1.1/token", post(token)),
        ("/1.1/test", get(test).post(test)),
        ("/1.1/verify-wpcom-key", post(verify_wpcom_key)),
    ];
    let spellings = |door: &'static str| {
        let newer = door.replacen("/1.1/", "/1.2/", 1);
        [door.to_owned(), format!("{door}/"), format!("{newer}/"), newer]
    };
    calls
        .into_iter()
        .flat_map(|(door, handlers)| spellings(door).map(|path| Route { path, door, handlers: handlers.clone() }))
        .collect()
}

/// A call as it came in: its head, and its body whole.
struct Call {
    head: Parts,
    body: Sent,
}

impl FromRequest<Arc<Doors>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, doors: &Arc<Doors>) -> Result<Call, Response> {
        let (head, body) = request.into_parts();
        match doors.bodies.read(&head.headers, body).await {
            Ok(body) => Ok(Call { head, body }),
            Err(error) => Err(refused(doors, error.refusal())),
        }
    }
}

impl Call {
    fn form(&self) -> Form<'_> {
        let content_type = self.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Form::parse(self.head.uri.query().unwrap_or_default(), &self.body.bytes, content_type)
    }
}

/// Neither `true` nor `false`, but an empty answer with the status of `refusal`.
pub fn refused(doors: &Doors, refusal: Refusal) -> Response {
    reply::refused(refusal, &fresh_id(doors).guid())
}

/// Which fields carry the key, besides the host name.
#[derive(Clone, Copy)]
enum KeyFields {
    /// `key`, else `api_key`: WordPress sends both when a key is being replaced, `key` is the new one.
    About,
    /// `api_key` alone.
    With,
}

/// The site whose key the call carries: in the form, else as the first label of the host name. The key has `scope`.
fn site_of(doors: &Doors, call: &Call, form: &Form<'_>, fields: KeyFields, scope: Scope) -> Result<Arc<Site>, Reason> {
    key_of(doors, call, form, fields, scope).map(|(_, site)| site)
}

/// That site, and the key as it was sent.
fn key_of<'c>(
    doors: &Doors,
    call: &'c Call,
    form: &'c Form<'_>,
    fields: KeyFields,
    scope: Scope,
) -> Result<(&'c str, Arc<Site>), Reason> {
    let in_form = match fields {
        KeyFields::About => form.filled("key").or_else(|| form.filled("api_key")),
        KeyFields::With => form.filled("api_key"),
    };
    let in_host = || key_in_host(call.head.headers.get(HOST)?.to_str().ok()?, &doors.akismet_hosts);
    let too_often = |excess: TooOften| Reason::TooOften(excess.into(), fresh_id(doors));
    let refuse = |reason| {
        let counted = doors.limiter.refused(&call.head.extensions, &call.head.headers);
        counted.map_or_else(too_often, |()| reason)
    };
    let key = in_form.or_else(in_host).ok_or_else(|| refuse(Reason::KeyMissing))?;
    let known = doors.pipeline.caller(key).ok_or_else(|| refuse(Reason::KeyUnknown))?;
    doors.limiter.key(known.key.id).map_err(too_often)?;
    if !known.key.scopes.contains(scope) {
        return Err(Reason::ScopeMissing);
    }
    known.site.map(|site| (key, site)).ok_or(Reason::KeyOfNoSite)
}

/// `<key>.<one of bases>`, with or without a port.
fn key_in_host<'h>(host: &'h str, bases: &[String]) -> Option<&'h str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let (label, base) = name.split_once('.')?;
    bases.iter().any(|known| known.eq_ignore_ascii_case(base)).then_some(label)
}

async fn verify_key(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let form = call.form();
    let judged = site_of(&doors, &call, &form, KeyFields::About, Scope::Check).and_then(|_| {
        // The text is what Akismet itself is seen to say.
        form.filled("blog").map(drop).ok_or(Reason::BlogEmpty)
    });
    judged.map_or_else(Answer::invalid, |()| Answer::word("valid")).into()
}

async fn deactivate(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    // The key works on: the plugin may be switched on again.
    let site = site_of(&doors, &call, &call.form(), KeyFields::About, Scope::Check);
    site.map_or_else(Answer::invalid, |_| Answer::word("deactivated")).into()
}

/// WordPress keeps a key only if its subscription is active.
async fn get_subscription(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let site = match site_of(&doors, &call, &call.form(), KeyFields::About, Scope::Check) {
        Ok(site) => site,
        Err(reason) => return Answer::invalid(reason).into(),
    };
    let subscription = json!({
        "account_id": site.id,
        "account_type": "hamlet",
        "account_name": format!("Hamlet: {}", site.name),
        "status": "active",
        "next_billing_date": false,
        "limit_reached": false,
    });
    super::json::answer(StatusCode::OK, &subscription)
}

/// The numbers of one blog.
async fn get_stats(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let form = call.form();
    stats(&doors, &call, &form, form.filled("blog")).await
}

/// The numbers of all blogs that use the key.
async fn get_key_stats(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    stats(&doors, &call, &call.form(), None).await
}

async fn stats(doors: &Doors, call: &Call, form: &Form<'_>, blog: Option<&str>) -> Response {
    let site = match site_of(doors, call, form, KeyFields::About, Scope::Read) {
        Ok(site) => site,
        Err(reason) => return Answer::invalid(reason).into(),
    };
    let asked = StatsAsked::of(form, today(doors));
    match doors.pipeline.store.statistics(Some(site.id), &Kind::OF_BLOGS, asked.from, asked.to).await {
        Ok(counted) => super::json::answer(StatusCode::OK, &asked.answer(&counted, blog)),
        Err(error) => store_failed(doors, error),
    }
}

async fn key_sites(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let form = call.form();
    let (key, site) = match key_of(&doors, &call, &form, KeyFields::With, Scope::Read) {
        Ok(known) => known,
        Err(reason) => return Answer::invalid(reason).into(),
    };
    let asked = SitesAsked::of(&form, today(&doors));
    match doors.pipeline.store.statistics(Some(site.id), &Kind::OF_BLOGS, asked.from, asked.to).await {
        Ok(counted) => {
            let (text, is_csv) = asked.answer(key, &counted);
            reply::document(text, if is_csv { "text/csv" } else { "application/json" })
        }
        Err(error) => store_failed(&doors, error),
    }
}

async fn usage_limit(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let form = call.form();
    let site = match site_of(&doors, &call, &form, KeyFields::With, Scope::Read) {
        Ok(site) => site,
        Err(reason) => return Answer::invalid(reason).into(),
    };
    let (from, to) = today(&doors).month();
    match doors.pipeline.store.statistics(Some(site.id), &Kind::OF_BLOGS, from, to).await {
        Ok(counted) => super::json::answer(StatusCode::OK, &reports::usage_limit(&form, &counted)),
        Err(error) => store_failed(&doors, error),
    }
}

fn today(doors: &Doors) -> Day {
    Day::of(doors.pipeline.clock.now())
}

/// A random word; used by the plugin in an address on Akismet's own site only.
async fn token(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let site = site_of(&doors, &call, &call.form(), KeyFields::With, Scope::Check);
    site.map_or_else(Answer::invalid, |_| Answer::word(fresh_id(&doors).guid())).into()
}

async fn test() -> Response {
    Answer::word("connected").into()
}

/// Jetpack's sign-in: there are no accounts here.
async fn verify_wpcom_key() -> Response {
    Answer::word("invalid").into()
}

async fn comment_check(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    let form = call.form();
    let known = key_of(&doors, &call, &form, KeyFields::With, Scope::Check)
        .and_then(|known| required(&form, &[("blog", true), ("user_ip", false)]).map(|()| known));
    let (key, site) = match known {
        Ok(known) => known,
        Err(reason) => return Answer::invalid(reason).guid(&fresh_id(&doors).guid()).into(),
    };
    let check = CheckForm(&form);
    // Fixed values and tests are judged for the headers' sake, but not kept: nothing is to be learned from them.
    let fixed = check.fixed();
    let call_back = call_back(&form, &site);
    let (id, verdict) = if fixed.is_some() || check.is_test() {
        (fresh_id(&doors), doors.pipeline.judge(&check.comment(), &site, None).await)
    } else {
        match decided(&doors.pipeline, &site, &check, call_back.as_ref(), key).await {
            Ok(decided) => decided,
            // Neither `true` nor `false`: the plugin holds the comment and asks again.
            Err(error) => return store_failed(&doors, error),
        }
    };
    let decision = match fixed {
        Some(decision) => decision,
        None if check.is_administrator() => Decision::Approve,
        None => verdict.decision,
    };
    // A client that asks again is not told to wait once more, and tests are not called back.
    let may_wait =
        call_back.is_some_and(|call_back| call_back.keeps_pending) && !check.is_recheck() && !check.is_test();
    Answer::verdict(decision, &verdict, may_wait).guid(&id.guid()).into()
}

/// The verdict that is kept.
///
/// A comment that comes again is the same comment, judged anew: but what a person said of it stands.
async fn decided(
    pipeline: &Pipeline,
    site: &Site,
    check: &CheckForm<'_>,
    call_back: Option<&CallBack>,
    key: &str,
) -> Result<(CommentId, Verdict), StoreError> {
    let fingerprint = Some(check.fingerprint());
    if check.is_recheck()
        && let Some(id) = known(pipeline, site, check).await?
    {
        // A CMS stores the text as it filters it, so that only what it calls an edit is one.
        let verdict = if check.is_edit() {
            let again = Submission { comment: check.comment(), idempotency_key: None, fingerprint, callback: None };
            Box::pin(pipeline.again(site, id, again, VIA_AKISMET)).await?
        } else {
            Box::pin(pipeline.recheck(site, id, &site.name, VIA_AKISMET)).await?
        };
        return Ok((id, verdict));
    }
    let callback = match call_back {
        Some(call_back) => Some(pipeline.callback(site, &call_back.url, key).await?),
        None => None,
    };
    let submission = Submission { comment: check.comment(), idempotency_key: None, fingerprint, callback };
    pipeline.check(site, submission).await
}

/// The comment that a form is about: the one with its guid, else the newest of the same text and author.
async fn known(pipeline: &Pipeline, site: &Site, check: &CheckForm<'_>) -> Result<Option<CommentId>, StoreError> {
    // A guid may be one of a test, or of another daemon.
    if let Some(id) = check.guid()
        && pipeline.store.comment(site.id, id).await?.is_some()
    {
        return Ok(Some(id));
    }
    pipeline.store.find_by_fingerprint(site.id, check.fingerprint()).await
}

async fn submit_spam(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    submit(&doors, &call, Label::Spam).await
}

async fn submit_ham(State(doors): State<Arc<Doors>>, call: Call) -> Response {
    submit(&doors, &call, Label::Ham).await
}

async fn submit(doors: &Doors, call: &Call, label: Label) -> Response {
    let form = call.form();
    let site = site_of(doors, call, &form, KeyFields::With, Scope::Submit)
        .and_then(|site| required(&form, &[("blog", true)]).map(|()| site));
    let site = match site {
        Ok(site) => site,
        Err(reason) => return Answer::invalid(reason).into(),
    };
    let check = CheckForm(&form);
    if check.is_test() || check.fixed().is_some() {
        return Answer::word(THANKS).into();
    }
    match learn(doors, &site, &check, label).await {
        Ok(Some(learned)) => Answer::word(THANKS).learned(&learned).into(),
        Ok(None) => Answer::word(THANKS).into(),
        Err(error) => store_failed(doors, error),
    }
}

/// Keeps the label: of the comment with this guid, else of the newest one like it, else of a comment that is kept now
/// (it was checked elsewhere, or before Hamlet came), so that nothing a moderator says is lost.
async fn learn(doors: &Doors, site: &Site, check: &CheckForm<'_>, label: Label) -> Result<Option<Learned>, StoreError> {
    let by = check.0.filled("reporter").unwrap_or(&site.name);
    let by = limits::cut(by, limits::SHORT_BYTES);
    let pipeline = &doors.pipeline;
    let id = match known(pipeline, site, check).await? {
        Some(id) => id,
        None => {
            let (comment, fingerprint) = (check.comment(), Some(check.fingerprint()));
            let submission = Submission { comment, idempotency_key: None, fingerprint, callback: None };
            pipeline.check(site, submission).await?.0
        }
    };
    Ok(pipeline.overrule(site, id, Said::Label(label), by, VIA_AKISMET).await?.learned)
}

/// `fields`: name, and whether it must not be empty.
fn required(form: &Form<'_>, fields: &[(&'static str, bool)]) -> Result<(), Reason> {
    let is_there = |name, filled| if filled { form.filled(name).is_some() } else { form.get(name).is_some() };
    let missing = fields.iter().find(|&&(name, filled)| !is_there(name, filled));
    missing.map_or(Ok(()), |(name, _)| Err(Reason::FieldMissing(name)))
}

fn fresh_id(doors: &Doors) -> CommentId {
    random::comment_id(doors.pipeline.clock.now())
}

fn store_failed(doors: &Doors, error: StoreError) -> Response {
    refused(doors, Problem::from(error).refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_be_in_the_host_name() {
        let bases = ["rest.akismet.com".to_owned(), "spam.example".to_owned()];
        for (host, expected) in [
            ("123456789abc.rest.akismet.com", Some("123456789abc")),
            ("123456789ABC.REST.akismet.com:443", Some("123456789ABC")),
            ("123456789abc.spam.example:8420", Some("123456789abc")),
            ("rest.akismet.com", None),
            ("a.b.rest.akismet.com", None),
            ("127.0.0.1:8420", None),
            ("[::1]:8420", None),
            ("", None),
        ] {
            assert_eq!(key_in_host(host, &bases), expected, "{host}");
        }
    }

    #[test]
    fn the_thanks_are_what_clients_compare() {
        assert_eq!(THANKS.len(), 41);
    }
}
