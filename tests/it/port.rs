//! A port of loopback that is known before anybody listens on it.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port that nobody is given by chance while this lives. Whoever names it may listen on it, for a socket that
/// does not listen shares its address on Linux; until then connections to it are refused.
pub(crate) struct Port {
    _held: TcpSocket,
    /// Its address.
    pub(crate) addr: SocketAddr,
}

impl Port {
    /// One that is free now.
    pub(crate) fn new() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.set_reuseaddr(true).expect("it may be shared");
        held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let addr = held.local_addr().expect("an address");
        Self { _held: held, addr }
    }
}
