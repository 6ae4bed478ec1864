//! Where the daemon listens: at sockets that systemd opened for it, or at one of its own.
//!
//! A socket that systemd holds outlives the daemon: while it restarts, connections wait in the socket's backlog instead
//! of being refused.

use std::net::{self, SocketAddr};

use listenfd::ListenFd;
use tokio::net::TcpListener;

use super::DaemonError;

/// Takes over the sockets that whoever started this process opened for it (`LISTEN_FDS`); empty when there are none.
///
/// To be called before there are threads: it takes the variables out of the environment, so that no child believes they
/// are meant for it.
///
/// # Errors
/// [`DaemonError::Settings`] when one of them is no TCP socket.
pub fn inherited() -> Result<Vec<net::TcpListener>, DaemonError> {
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::with_capacity(given.len());
    for place in 0..given.len() {
        let socket = given.take_tcp_listener(place).map_err(|error| {
            DaemonError::Settings(format!(
                "the service manager handed over a socket that Hamlet cannot use ({error}); have ListenStream= with an \
                 address and a port in hamlet.socket"
            ))
        })?;
        sockets.extend(socket);
    }
    Ok(sockets)
}

/// Those, ready to accept; without any, one at `address`.
///
/// # Errors
/// [`DaemonError::Listen`] when the address is in use, or the process is out of files.
pub(super) async fn listening(
    inherited: Vec<net::TcpListener>,
    address: SocketAddr,
) -> Result<Vec<TcpListener>, DaemonError> {
    let failed = |source| DaemonError::Listen { address, source };
    if inherited.is_empty() {
        return Ok(vec![TcpListener::bind(address).await.map_err(failed)?]);
    }
    let ready = |socket: net::TcpListener| {
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    };
    inherited.into_iter().map(ready).collect::<Result<_, _>>().map_err(failed)
}
