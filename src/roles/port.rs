//! Says early and plainly that a port is taken.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

use anyhow::{Context, anyhow};

/// Fails when something listens on `addr` already. Asked before binding, because listeners with `SO_REUSEPORT` of the
/// same user would share the port without a word. `command` is how the role is started.
pub(super) fn check_free(addr: SocketAddr, command: &str) -> anyhow::Result<SocketAddr> {
    let port = addr.port();
    match TcpListener::bind(addr) {
        Ok(_) => Ok(addr),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            // Not every other port is free, but the next one mostly is.
            let other = port.checked_add(1).unwrap_or(8_000);
            Err(anyhow!(
                "port {port} is in use by another program; stop it, or take another one: `{command} --port {other}`"
            ))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(anyhow!(
            "port {port} needs more rights than this user has; take one above 1023: `{command} --port 8000`"
        )),
        Err(error) => {
            Err(error).with_context(|| format!("{addr} cannot be listened on; HOST must be an address of this machine"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_flag_that_helps() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = taken.local_addr().unwrap();
        let error = check_free(addr, "ringhold dev").unwrap_err().to_string();
        assert!(error.contains(&format!("port {}", addr.port())) && error.contains("ringhold dev --port"), "{error}");
    }

    #[test]
    fn any_free_port_is_free() {
        let addr = "127.0.0.1:0".parse().unwrap();
        assert_eq!(check_free(addr, "ringhold dev").unwrap(), addr);
    }
}
