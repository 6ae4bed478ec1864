//! Who is calling the JSON doors: the key in `Authorization`, what it may be used for, and the site it speaks for.
//!
//! Owns the refusals of a missing, unknown or too weak key. Does not own the keys (`pipeline` knows them).

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::Doors;
use super::problem::{Problem, Refusal};
use crate::key::{Key, Scope};
use crate::pipeline::Known;
use crate::site::Site;

/// What a door asks of a key.
pub trait Demand: Send + 'static {
    const SCOPE: Scope;
}

macro_rules! demands {
    ($($name:ident),*) => {$(
        #[derive(Debug)]
        pub struct $name;

        impl Demand for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

demands!(Check, Submit, Read, Admin);

/// A caller whose key has the scope `D`.
#[derive(Debug)]
pub struct Caller<D> {
    pub key: Arc<Key>,
    /// That of the key; with a key of no site, the one that the query names: `?site=news`.
    pub site: Arc<Site>,
    demand: PhantomData<D>,
}

impl<D: Demand> FromRequestParts<Arc<Doors>> for Caller<D> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Arc<Doors>) -> Result<Caller<D>, Problem> {
        let Known { key, site } = known(parts, doors, D::SCOPE)?;
        let site = match site {
            Some(site) => site,
            None => named(parts, doors)?,
        };
        Ok(Caller { key, site, demand: PhantomData })
    }
}

/// A caller whose key is that of no site and has the scope `admin`: the operator.
#[derive(Debug)]
pub struct Operator(pub Arc<Key>);

impl FromRequestParts<Arc<Doors>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Arc<Doors>) -> Result<Operator, Problem> {
        let Known { key, site } = known(parts, doors, Scope::Admin)?;
        if site.is_some() {
            let detail = "This needs a key of no site; `hamlet key add --all-sites --scopes admin` makes one.";
            return Err(Problem::new(Refusal::ScopeMissing, detail));
        }
        Ok(Operator(key))
    }
}

/// The key of the request, if it is valid and has `scope`.
fn known(parts: &Parts, doors: &Doors, scope: Scope) -> Result<Known, Problem> {
    let missing = || {
        let detail = "This needs an API key: send the header `Authorization: Bearer <key>`.";
        Problem::new(Refusal::KeyMissing, detail)
    };
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let known = doors.pipeline.caller(key).ok_or_else(|| {
        let detail = "This API key is not known, or has expired; `hamlet key list` shows the keys, `hamlet key add` makes \
                      a new one.";
        Problem::new(Refusal::KeyUnknown, detail)
    })?;
    if !known.key.scopes.contains(scope) {
        let detail = format!("This needs a key with the scope `{scope}`; this one has `{}`.", known.key.scopes);
        return Err(Problem::new(Refusal::ScopeMissing, detail));
    }
    Ok(known)
}

fn named(parts: &Parts, doors: &Doors) -> Result<Arc<Site>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let name = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "site");
    let Some((_, name)) = name else {
        let detail = "This key speaks for every site: say which one is meant, `?site=NAME`.";
        return Err(Problem::new(Refusal::InvalidParameter, detail));
    };
    doors.pipeline.site_named(&name).ok_or_else(|| {
        let detail = "There is no site of that name; `GET /v1/sites` shows those there are.";
        Problem::new(Refusal::NotFound, detail)
    })
}
