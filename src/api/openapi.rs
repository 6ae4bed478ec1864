//! The description of the JSON doors (OpenAPI 3.1), told by the code that answers there.
//!
//! Owns what holds for all calls: who may call, how any of them is refused, how long a text may be; and the messages
//! that endpoints are sent. What one call takes and gives stands at its handler. Does not own serving (`http`).

use std::collections::BTreeMap;

use utoipa::OpenApi as _;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AllOfBuilder, Components, Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};

use super::problem::{Members, Refusal};
use super::{batch, campaigns, comments, deliveries, endpoints, hooks, keys, limits, lists, sites, stats};
use crate::comment::Comment;
use crate::event::{Event, EventKind};
use crate::site;

/// The security schemes: any key, or one of no site.
const KEY: &str = "key";
const OPERATOR: &str = "operator";
/// The calls that anybody may make.
const DAEMON: &str = "daemon";

/// What stands at its top.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Hamlet", description = include_str!("openapi.md")),
    components(schemas(Members, Event, batch::Kept, batch::Refused))
)]
struct Top;

/// The whole description.
///
/// * `daemon`: the calls about the daemon itself.
pub fn document(daemon: OpenApi) -> OpenApi {
    let mut document = Top::openapi();
    let groups = [
        ("comments", "What came in, what became of it, and what people say of it.", comments::Calls::openapi()),
        ("hooks", "A CMS's own webhook.", hooks::Calls::openapi()),
        ("endpoints", "Where a site's events are told.", endpoints::Calls::openapi()),
        ("deliveries", "What was told to whom.", deliveries::Calls::openapi()),
        ("lists", "What a site lets through and keeps out.", lists::Calls::openapi()),
        ("statistics", "What happened to comments.", stats::Calls::openapi()),
        (
            "campaigns",
            "Near copies from several authors, and one decision for all of them.",
            campaigns::Calls::openapi(),
        ),
        ("keys", "The API keys of a site.", keys::Calls::openapi()),
        ("sites", "The tenants.", sites::Calls::openapi()),
        (DAEMON, "How the daemon is.", daemon),
    ];
    for (name, about, mut calls) in groups {
        for operation in calls.paths.paths.values_mut().flat_map(operations) {
            complete(operation, name);
        }
        document.tags.get_or_insert_default().push(TagBuilder::new().name(name).description(Some(about)).build());
        document.merge(calls);
    }
    document.webhooks = Some(webhooks());
    let components = document.components.get_or_insert_default();
    components.responses.extend(refusals());
    components.security_schemes.extend(security_schemes());
    tell_kinds_of_problems(components);
    tell_limits(components);
    document
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, patch, delete, .. } = path;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// Adds to a call what follows from what it says of itself.
fn complete(operation: &mut Operation, group: &str) {
    operation.tags = Some(vec![group.to_owned()]);
    // Unique, as the handlers' names are only within their module.
    operation.operation_id = operation.operation_id.take().map(|name| format!("{group}_{name}"));
    let scopes = scopes(operation);
    if let Some((scheme, scopes)) = scopes.first_key_value() {
        let whose = if scheme == OPERATOR { "a key of no site" } else { "a key" };
        let needs = format!("Needs {whose} with the scope `{}`.", scopes.join("`, `"));
        let about = operation.description.iter().filter(|text| !text.is_empty());
        operation.description = Some(about.chain([&needs]).cloned().collect::<Vec<_>>().join("\n\n"));
        if scheme != OPERATOR {
            operation.parameters.get_or_insert_default().push(RefOr::T(site_parameter()));
        }
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Query
            && parameter.required == Required::False
        {
            // It is as if it were not there; forms send such.
            parameter.extensions = Some(Extensions::from_iter([("allowEmptyValue", true)]));
        }
    }
    for status in refused_with(operation, group, !scopes.is_empty()) {
        let refusal = Ref::from_response_name(name_of(status));
        operation.responses.responses.insert(status.to_string(), refusal.into());
    }
}

/// With which statuses a call may be refused.
fn refused_with(operation: &Operation, group: &str, needs_key: bool) -> Vec<u16> {
    let said = operation.responses.responses.keys().filter_map(|status| status.parse().ok());
    let mut statuses: Vec<u16> = said.filter(|status| [401, 409].contains(status)).collect();
    if group == DAEMON {
        return statuses;
    }
    statuses.extend([429, 500, 503]);
    if needs_key {
        statuses.extend([401, 403]);
    }
    if operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty()) {
        statuses.extend([404, 422]);
    }
    if operation.request_body.is_some() {
        statuses.extend([400, 408, 413, 415, 422]);
    }
    statuses
}

/// The security scheme of a call, and the scopes that its key needs; empty when it needs no key.
fn scopes(operation: &Operation) -> BTreeMap<String, Vec<String>> {
    let requirement = operation.security.iter().flatten().next();
    // Only its JSON shows what it holds.
    let shown = requirement.and_then(|requirement| serde_json::to_value(requirement).ok());
    shown.and_then(|shown| serde_json::from_value(shown).ok()).unwrap_or_default()
}

fn security_schemes() -> impl Iterator<Item = (String, RefOr<SecurityScheme>)> {
    let bearer = |about: &str| HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let schemes = [
        (KEY, "An API key of a site (`hamlet key add`), or of no site and with `?site=NAME`."),
        (OPERATOR, "An API key of no site (`hamlet key add --all-sites --scopes admin`)."),
    ];
    schemes.into_iter().map(move |(name, about)| (name.to_owned(), SecurityScheme::Http(bearer(about)).into()))
}

fn site_parameter() -> Parameter {
    let name = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name("site")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("The site that is meant, for a key of no site; a site's own key speaks for that site."))
        .schema(Some(name))
        .build()
}

// ---- refusals ----------------------------------------------------------------------------------------------------

/// `NotFound`: under this name the refusal with this status is among the components.
fn name_of(status: u16) -> String {
    let words = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    words.unwrap_or_default().replace(' ', "")
}

/// The refusals, one for each status.
fn refusals() -> BTreeMap<String, RefOr<Response>> {
    let mut kinds: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in Refusal::ALL {
        kinds.entry(refusal.status().as_u16()).or_default().push(refusal);
    }
    kinds.into_iter().map(|(status, kinds)| (name_of(status), refusal(&kinds).into())).collect()
}

fn refusal(kinds: &[Refusal]) -> Response {
    let about: Vec<_> = kinds.iter().map(|kind| format!("{} (`{}`)", kind.title(), kind.kind())).collect();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(about.join("; ")).content("application/problem+json", content);
    let header = |kind, about| {
        let mut header = Header::new(Object::with_type(kind));
        header.description = Some(String::from(about));
        header
    };
    let response = match kinds {
        [Refusal::KeyMissing | Refusal::ScopeMissing, ..] => {
            response.header("WWW-Authenticate", header(Type::String, "What kind of proof is missing."))
        }
        _ => response,
    };
    let is_temporary = kinds.iter().any(|kind| kind.retry_after_seconds().is_some());
    let retry_after = || header(Type::Integer, "After how many seconds to try again.");
    if is_temporary { response.header("Retry-After", retry_after()).build() } else { response.build() }
}

fn tell_kinds_of_problems(components: &mut Components) {
    let kinds = Refusal::ALL.map(Refusal::kind);
    if let Some(kind) = property(components, "Problem", "type") {
        kind.enum_values = Some(kinds.map(Into::into).to_vec());
    }
}

// ---- limits ------------------------------------------------------------------------------------------------------

/// JSON Schema counts characters where the doors count bytes: what these let through may still be too long.
fn tell_limits(components: &mut Components) {
    let of_a_comment =
        limits::texts(&Comment::default()).map(|(field, bytes, _)| match field.strip_prefix("author.") {
            Some(field) => ("Author", field, bytes),
            None => ("Comment", field, bytes),
        });
    let others = [
        ("LabelBody", "by", limits::SHORT_BYTES),
        ("DecisionBody", "by", limits::SHORT_BYTES),
        ("CampaignDecisionBody", "by", limits::SHORT_BYTES),
        ("NewKey", "name", limits::SHORT_BYTES),
        ("NewListEntry", "match", limits::SHORT_BYTES),
        ("NewListEntry", "reason", limits::SHORT_BYTES),
        ("NewListEntry", "added_by", limits::SHORT_BYTES),
        ("NewListEntries", "match", limits::SHORT_BYTES),
        ("NewListEntries", "reason", limits::SHORT_BYTES),
        ("NewListEntries", "added_by", limits::SHORT_BYTES),
        ("NewSite", "name", site::NAME_CHARS),
        ("NewSite", "url", site::URL_BYTES),
        ("SiteChange", "name", site::NAME_CHARS),
        ("SiteChange", "url", site::URL_BYTES),
    ];
    for (schema, field, limit) in of_a_comment.into_iter().chain(others) {
        if let Some(text) = property(components, schema, field) {
            text.max_length = Some(limit);
        }
    }
    let Some(RefOr::T(Schema::Object(comment))) = components.schemas.get_mut("Comment") else { return };
    if let Some(RefOr::T(Schema::Array(context))) = comment.properties.get_mut("context") {
        context.max_items = Some(limits::CONTEXT_ITEMS);
    }
    if let Some(RefOr::T(Schema::Object(extra))) = comment.properties.get_mut("extra") {
        extra.max_properties = Some(limits::EXTRA_FIELDS);
    }
}

fn property<'a>(components: &'a mut Components, schema: &str, name: &str) -> Option<&'a mut Object> {
    let RefOr::T(Schema::Object(schema)) = components.schemas.get_mut(schema)? else { return None };
    let RefOr::T(Schema::Object(property)) = schema.properties.get_mut(name)? else { return None };
    Some(property)
}

// ---- webhooks ----------------------------------------------------------------------------------------------------

/// What endpoints are sent, as Standard Webhooks has it.
fn webhooks() -> utoipa::openapi::Paths {
    let kinds = EventKind::ALL.into_iter();
    kinds
        .fold(PathsBuilder::new(), |paths, kind| {
            paths.path(kind.as_str(), PathItem::new(HttpMethod::Post, message(kind)))
        })
        .build()
}

fn message(kind: EventKind) -> Operation {
    let (summary, members): (_, &[_]) = match kind {
        EventKind::Decided => ("A comment was judged for the first time.", &["id", "site", "verdict"]),
        EventKind::Redecided => ("A person, or a later check, changed the decision.", &["id", "site", "verdict"]),
        EventKind::Test => ("An operator asked for a sign of life.", &["site"]),
        EventKind::EndpointDisabled => {
            ("Another endpoint of the site is told nothing any more.", &["site", "endpoint", "reason"])
        }
    };
    let data = members.iter().fold(ObjectBuilder::new(), |data, member| data.required(*member));
    let kind_schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind.as_str()]));
    let this_kind = ObjectBuilder::new().property("type", kind_schema).property("data", data);
    let body = AllOfBuilder::new().item(Ref::from_schema_name("Event")).item(this_kind);
    let content = ContentBuilder::new().schema(Some(Schema::from(body))).build();
    let header = |name, about, kind| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(about))
            .schema(Some(Object::with_type(kind)))
    };
    OperationBuilder::new()
        .tag("endpoints")
        .operation_id(Some(format!("webhook_{}", kind.as_str().replace('.', "_"))))
        .summary(Some(summary))
        .parameter(header("webhook-id", "The same for every attempt: what came twice is known by it.", Type::String))
        .parameter(header("webhook-timestamp", "When this attempt is made, seconds since 1970.", Type::Integer))
        .parameter(header("webhook-signature", "`v1,` and a signature; several with a blank between.", Type::String))
        .request_body(Some(
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build(),
        ))
        .response("2XX", Response::new("It has arrived. Anything else is tried again for some three days."))
        .response("410", Response::new("Nothing more is wanted: the endpoint is disabled."))
        .build()
}
