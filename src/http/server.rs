//! Connections: accepted within bounds, served by hyper, finished in good order.
//!
//! Owns sockets and how long a client may dawdle. Does not own what is answered (`super::router`).

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::Settings;
use crate::api::address::Peer;

/// How long to wait when the system has no more sockets, before the next is accepted.
const BREATH: Duration = Duration::from_millis(50);

/// How long a client that connected just before the end may take to begin its request. It was not refused, and so it is
/// answered.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Serves `router` to whoever connects, until `stop` is done; then finishes the requests in flight and returns, after
/// [`Settings::drain`] at the latest.
///
/// HTTP/1.1 and 1.0. A head that is too large is answered 431, one that is malformed 400; one that takes too long closes
/// the connection.
pub async fn serve(listener: TcpListener, router: Router, settings: &Settings, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < settings.max_connections;
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok((stream, peer)) => {
                    let peer = Peer(peer.ip());
                    connections.spawn(converse(stream, peer, router.clone(), connection(settings), stopped.clone()));
                }
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections; raise the limit of open files");
                    tokio::time::sleep(BREATH).await;
                }
            },
        }
    }
    drop(listener);
    stopping.send_replace(());
    let all_done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(settings.drain, all_done).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off: they took longer than the drain limit");
        connections.shutdown().await;
    }
}

fn connection(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        // hyper panics below 8,192.
        .max_buf_size(settings.header_bytes.max(8192));
    // No `pipeline_flush`: an answer is then lost when garbage follows its request.
    builder
}

/// One connection from the first request to the last.
async fn converse(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    builder: http1::Builder,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are one small packet; it shall not wait for another.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection could not be told to send at once");
    }
    let router = TowerToHyperService::new(router);
    // Keeps one ring until somebody waits for it.
    let asked = Notify::new();
    let service = service_fn(|mut request: Request<Incoming>| {
        asked.notify_one();
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut talk = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = &mut talk => outcome,
        // The sender is dropped no sooner than all is over.
        _ = stopped.changed() => {
            tokio::select! {
                outcome = &mut talk => return ended(outcome),
                () = asked.notified() => {}
                () = tokio::time::sleep(FIRST_WORD) => {}
            }
            talk.as_mut().graceful_shutdown();
            talk.await
        }
    };
    ended(outcome);
}

fn ended(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        // The client's doing: it went away, dawdled, or does not speak HTTP.
        tracing::debug!(%error, "a connection ended early");
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
