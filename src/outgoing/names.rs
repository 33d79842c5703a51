//! Looking names up once, and connecting to nothing but what was found and judged.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::is_public;

/// What finds the addresses of a name.
#[async_trait]
pub trait Names: Send + Sync {
    /// Its addresses.
    ///
    /// # Errors
    /// When there are none, or nobody could be asked.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A name has an address in a private network.
#[derive(Debug, thiserror::Error)]
#[error("it leads into a private network")]
pub(super) struct Private;

/// Gives the client the addresses of a name, or none of them when one is private: the connection
/// is made to what was judged, so an answer that changes in between changes nothing.
pub(super) struct PublicOnly(pub(super) Arc<dyn Names>);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            if found.iter().all(|address| is_public(*address)) {
                let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
                Ok(found)
            } else {
                Err(Box::new(Private) as Box<dyn std::error::Error + Send + Sync>)
            }
        })
    }
}
