//! Whose socket it is, as the kernel says: the only thing in these tests that is bound to Linux.
//!
//! The kernel's diagnosis of sockets gives the inode of the socket with two given ends; `/proc` tells which process holds it.
//! (`/proc/net/tcp` would give the inode as well, but the kernel walks through all of its tables for it, which takes so long that
//! it breaks by itself what is to be tested.)

use std::{
    collections::HashMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
    netlink::{SOCK_DIAG, SocketAddrNetlink},
    recv, sendto, socket_with,
};

use super::rule::Party;

/// The party whose process holds the socket at `peer` that is connected to `local`; [`Party::Other`] when nobody known does,
/// `None` when the socket is gone already.
pub(super) fn of(peer: SocketAddr, local: SocketAddr, processes: &HashMap<u32, Party>) -> Option<Party> {
    let (SocketAddr::V4(peer), SocketAddr::V4(local)) = (peer, local) else { return None };
    let inode = inode_of(peer, local).ok().filter(|inode| *inode != 0)?;
    let socket = format!("socket:[{inode}]");
    let holds = |process: &u32| {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
        descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == &*socket))
    };
    Some(processes.iter().find(|(process, _)| holds(process)).map_or(Party::Other, |(_, party)| *party))
}

/// `SOCK_DIAG_BY_FAMILY` of `linux/sock_diag.h`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST` of `linux/netlink.h`.
const REQUEST: u16 = 1;
/// Bytes of `struct nlmsghdr`, of `struct inet_diag_req_v2`, and where `idiag_inode` is in `struct inet_diag_msg`.
const HEADER_BYTES: usize = 16;
const QUESTION_BYTES: usize = 56;
const INODE_AT: usize = 68;

/// The inode of the socket that is bound to `from` and connected to `to`.
fn inode_of(from: SocketAddrV4, to: SocketAddrV4) -> io::Result<u32> {
    let kernel = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(SOCK_DIAG))?;
    sendto(&kernel, &question(from, to), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 1024];
    let (bytes, _) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    let (header, body) = answer[..bytes].split_at_checked(HEADER_BYTES).ok_or(io::ErrorKind::UnexpectedEof)?;
    let is_socket = header[4..6] == BY_FAMILY.to_ne_bytes();
    match body.get(INODE_AT..INODE_AT + 4).filter(|_| is_socket) {
        Some(inode) => Ok(u32::from_ne_bytes(inode.try_into().expect("four bytes"))),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

fn question(from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
    let address = |ip: &Ipv4Addr| [&ip.octets()[..], &[0; 12]].concat();
    let mut question = ((HEADER_BYTES + QUESTION_BYTES) as u32).to_ne_bytes().to_vec();
    question.extend(BY_FAMILY.to_ne_bytes());
    question.extend(REQUEST.to_ne_bytes());
    // Number and sender of the message do not matter.
    question.extend([0; 8]);
    // Family, protocol (TCP), no extensions, padding, any state.
    question.extend([AddressFamily::INET.as_raw() as u8, 6, 0, 0]);
    question.extend(u32::MAX.to_ne_bytes());
    question.extend(from.port().to_be_bytes());
    question.extend(to.port().to_be_bytes());
    question.extend(address(from.ip()));
    question.extend(address(to.ip()));
    // Any interface, any cookie.
    question.extend([0; 4]);
    question.extend([0xff; 8]);
    question
}
