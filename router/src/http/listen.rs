//! One listener a worker on the same port, so that the kernel spreads connections over the workers.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted, per listener.
const BACKLOG: i32 = 1_024;

/// Binds `count` listeners to `address`; port 0 takes a free port, the same for all.
///
/// `SO_REUSEPORT` would let two routers share a port by accident, so a plain bind comes first and fails if the port is taken.
///
/// # Errors
/// What binding says, `AddrInUse` above all.
pub(crate) fn listen(address: SocketAddr, count: usize) -> io::Result<(Vec<std::net::TcpListener>, SocketAddr)> {
    let probe = bind(address, false)?;
    let address = probe.local_addr()?.as_socket().unwrap_or(address);
    drop(probe);
    let listeners = (0..count).map(|_| Ok(bind(address, true)?.into())).collect::<io::Result<Vec<_>>>()?;
    Ok((listeners, address))
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_a_port_but_two_routers_do_not() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (listeners, address) = listen(any, 2).expect("a free port");
        assert_eq!(listeners.len(), 2);
        assert_eq!(listen(address, 1).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
    }
}
