//! `POST /v1/comments/batch`: many comments, one a line (NDJSON), and a line for each in the answer.
//!
//! Owns that a bad line spoils nothing but itself. Lines are read, checked and queued as they arrive, so that memory
//! holds a stretch of them and never the whole body; the answer comes when all are kept, for many clients do not
//! listen while they send.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use super::body::{BodyError, Lines};
use super::caller::{Caller, Check};
use super::comments::{Idempotency, bounded};
use super::json;
use super::problem::{Members, Problem, Refusal};
use crate::comment::{Comment, CommentId};
use crate::pipeline::{Submission, Submitted};
use crate::site::Site;
use crate::store::StatusWord;

/// Lines of one batch.
const LINES_MAX: usize = 100_000;
/// Lines that are queued together, so that they share a commit.
const TOGETHER: usize = 256;

/// A line of the answer: the comment of that line is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchKept)]
pub(super) struct Kept {
    /// Counts from 1, empty lines included.
    line: usize,
    id: CommentId,
    status: StatusWord,
}

/// A line of the answer: the comment of that line is not kept.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchRefused)]
pub(super) struct Refused<'a> {
    line: usize,
    error: Members<'a>,
}

/// Queue many comments, one a line.
///
/// Each line of the body (NDJSON) is a `Comment`. The answer has a line for each that is not empty, a `BatchKept` or a
/// `BatchRefused`: a bad line spoils nothing but itself. An `Idempotency-Key` counts for each line with its number: the
/// same batch again is the same comments.
#[utoipa::path(post, path = "/v1/comments/batch", operation_id = "submit_batch", security(("key" = ["check"])),
    params(Idempotency), request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, description = "A line for each line.", body = String,
               content_type = "application/x-ndjson")))]
pub(super) async fn submit(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Check>,
    Idempotency(key): Idempotency,
    request: Request,
) -> Result<Response, Problem> {
    // Those that fill the queue meanwhile are refused by their lines.
    doors.pipeline.backlog.room(site.id)?;
    let (head, body) = request.into_parts();
    let mut lines = doors.bodies.lines(body);
    let mut answer = Vec::new();
    let mut stretch: Vec<(usize, Result<Submission, Problem>)> = Vec::with_capacity(TOGETHER);
    let mut number = 0;
    loop {
        let line = match lines.next().await {
            Ok(line) => line,
            // What came before is kept and answered for; the rest is not.
            Err(error) if number > 0 => {
                stretch.push((number + 1, Err(cut_short(error))));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let is_last = line.is_none();
        if let Some(line) = line {
            number += 1;
            if number > LINES_MAX {
                let detail =
                    format!("A batch may have {LINES_MAX} lines; send this one and those after it in another.");
                stretch.push((number, Err(Problem::new(Refusal::BodyTooLarge, detail))));
                keep(&doors, &site, &mut stretch, &mut answer).await;
                break;
            }
            if !line.trim_ascii().is_empty() {
                stretch.push((number, submission(&head.headers, &line, key.as_deref(), number)));
            }
        }
        if is_last || stretch.len() >= TOGETHER {
            keep(&doors, &site, &mut stretch, &mut answer).await;
        }
        if is_last {
            break;
        }
    }
    drain(lines).await;
    if answer.is_empty() {
        let detail = "The body has no line; send one JSON object a line.";
        return Err(Problem::new(Refusal::MalformedBody, detail));
    }
    let mut response = Response::new(Body::from(answer));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

fn submission(headers: &HeaderMap, line: &[u8], key: Option<&str>, number: usize) -> Result<Submission, Problem> {
    let comment: Comment = json::read(headers, line)?;
    bounded(&comment)?;
    Ok(Submission::of(comment, key.map(|key| format!("{key}:{number}"))))
}

/// Queues a stretch, and writes a line for each into the answer.
async fn keep(
    doors: &Doors,
    site: &Site,
    stretch: &mut Vec<(usize, Result<Submission, Problem>)>,
    answer: &mut Vec<u8>,
) {
    let submits = stretch.drain(..).map(|(line, submission)| async move {
        let submitted = match submission {
            Ok(submission) => match doors.pipeline.backlog.room(site.id) {
                Ok(()) => doors.pipeline.submit(site, submission).await.map_err(Problem::from),
                Err(backlogged) => Err(backlogged.into()),
            },
            Err(problem) => Err(problem),
        };
        (line, submitted)
    });
    for (line, submitted) in join_all(submits).await {
        let written = match submitted {
            Ok(Submitted::Queued(id)) => serde_json::to_vec(&Kept { line, id, status: StatusWord::Queued }),
            Ok(Submitted::Known(stored)) => {
                serde_json::to_vec(&Kept { line, id: stored.id, status: stored.status.word() })
            }
            Err(problem) => serde_json::to_vec(&Refused { line, error: problem.members() }),
        };
        answer.extend(written.unwrap_or_default());
        answer.push(b'\n');
    }
}

fn cut_short(error: BodyError) -> Problem {
    let Problem { refusal, detail } = error.into();
    Problem::new(refusal, format!("{detail} Lines from here on were not kept."))
}

/// A client that writes before it reads shall get the answer and not a reset connection.
async fn drain(mut lines: Lines<'_>) {
    while let Ok(Some(_)) = lines.next().await {}
}
