//! Asking DNS lists.
//!
//! Owns the resolver: which servers it asks and how long one answer may take. Does not own what a return code means
//! (`zone`), nor remembering (`super`).

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;

use super::Failure;

/// Codes of one answer that are read; a list gives one to a handful.
const MOST_CODES: usize = 16;

/// Asks name servers. Cheap to clone.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Resolver {
    /// A resolver that asks `servers`, or those of the operating system if there are none.
    ///
    /// * `timeout`: for one question, the way by TCP after a cut answer included.
    ///
    /// # Errors
    /// A sentence: the operating system's settings cannot be read.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> Result<Resolver, String> {
        let name_servers = if servers.is_empty() {
            let (config, _) = read_system_conf().map_err(|error| {
                format!("the system's resolvers are not known ({error}); name one in `network.resolvers`")
            })?;
            config.name_servers().to_vec()
        } else {
            servers.iter().map(name_server).collect()
        };
        // Without a domain and a search list: what is asked about is said in full.
        let config = ResolverConfig::from_parts(None, Vec::new(), name_servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = timeout;
        options.attempts = 1;
        // Remembered by whoever asks, misses and the codes' meaning included.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.edns0 = false;
        options.max_active_requests = 1_024;
        builder.build().map(Resolver).map_err(|error| format!("the resolver cannot be set up: {error}"))
    }

    /// The return codes for `question`; none when it is not listed.
    pub async fn codes(&self, question: &str) -> Result<Vec<Ipv4Addr>, Failure> {
        let name = Name::from_ascii(question).map_err(|_| Failure::NotAsked)?;
        match self.0.lookup(name, RecordType::A).await {
            Ok(answer) => {
                let codes = answer.answers().iter().filter_map(|record| match record.data {
                    RData::A(address) => Some(address.0),
                    _ => None,
                });
                Ok(codes.take(MOST_CODES).collect())
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain | ResponseCode::NoError => Ok(Vec::new()),
                ResponseCode::Refused => Err(Failure::Refused),
                _ => Err(Failure::Broken),
            },
            Err(NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused))) => Err(Failure::Refused),
            Err(NetError::Timeout) => Err(Failure::TooLate),
            Err(_) => Err(Failure::Broken),
        }
    }
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
