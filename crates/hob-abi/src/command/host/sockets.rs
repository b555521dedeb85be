//! Sockets.

use std::net::IpAddr;
use std::time::Duration;

use hob_engine::{HostTable, Memory};
use hob_kernel::fd::Flags;
use hob_kernel::net::{Address, Domain, SetOption, SocketType};
use hob_kernel::process::sockets::Transfer;
use hob_os::Errno;

use super::calls;
use super::guest::Guest;
use super::process::poll;
use super::values::{bytes, moment, numbers};
use crate::command::Generation;
use crate::wasi_p1::errno::{Result, number};
use crate::wasi_p1::types::put_u32;

/// What is said about one transfer, by bits.
mod flags {
    pub(super) const PEEK: u32 = 0x2;
    pub(super) const DONT_WAIT: u32 = 0x40;
    pub(super) const WAIT_ALL: u32 = 0x100;
    pub(super) const NO_SIGNAL: u32 = 0x4000;
    pub(super) const CLOSE_ON_EXEC: u32 = 0x4000_0000;
}

/// The most descriptors that go with one message.
const PASSED_MAX: u32 = 253;

pub(super) fn add_to(table: &mut HostTable<Guest>, generation: Generation) {
    making(table);
    names(table);
    transfers(table);
    options(table);
    lookups(table, generation);
    passing(table);
}

fn making(table: &mut HostTable<Guest>) {
    calls! { table, "host_net";
        fn net_socket(mem, guest, domain: u32, kind: u32, _protocol: u32, out: u32) {
            mem.check(out, 4)?;
            let domain = match domain {
                1 => Domain::Inet,
                2 => Domain::Inet6,
                3 => Domain::Unix,
                _ => return Err(Errno::AfNoSupport.into()),
            };
            let socket_type = match kind & 0xf {
                1 | 6 => SocketType::Stream,
                2 | 5 => SocketType::Datagram,
                _ => return Err(Errno::NotSup.into()),
            };
            let fd = guest.process.socket(domain, socket_type, kind & 0x4000 != 0, kind & 0x2000 != 0)?;
            put_u32(mem, out, fd)
        }
        fn net_close(_mem, guest, fd: u32) { Ok(guest.process.close(fd)?) }
        fn net_set_nonblock(_mem, guest, fd: u32, on: u32) {
            let description = guest.process.description(fd)?;
            description.socket()?;
            description.set_flags(Flags { nonblock: on != 0, ..description.flags() });
            Ok(())
        }
        fn net_listen(_mem, guest, fd: u32, backlog: i32) {
            let backlog = u32::try_from(backlog).unwrap_or(0);
            Ok(guest.process.with_socket(fd, |socket| socket.listen(backlog))?)
        }
        fn net_validate_socket(_mem, guest, fd: u32) { Ok(guest.process.with_socket(fd, |_| Ok(()))?) }
        fn net_validate_accept(_mem, guest, fd: u32) {
            let listens = guest.process.with_socket(fd, |socket| Ok(socket.listens()))?;
            if listens { Ok(()) } else { Err(Errno::Inval.into()) }
        }
        fn net_poll(mem, guest, fds: u32, count: u32, timeout: i32, out: u32) {
            mem.check(out, 4)?;
            let ready = poll(mem, guest, fds, count, moment(timeout))?;
            put_u32(mem, out, ready)
        }
    }
}

/// The address a call names, for the socket it names.
fn address(mem: &mut Memory<'_>, guest: &Guest, fd: u32, at: u32, len: u32) -> Result<Address> {
    let text = bytes(mem, at, len)?;
    let domain = guest.process.with_socket(fd, |socket| Ok(socket.domain()))?;
    Ok(Address::parse(&text, domain)?)
}

/// Writes an address into as much room as there is, and how long it is.
fn put_address(mem: &mut Memory<'_>, at: u32, len: u32, address: &Address) -> Result<()> {
    let room = u32::from_le_bytes(mem.array::<4>(len)?);
    let text = address.to_string().into_bytes();
    let fits = text.len().min(usize::try_from(room).unwrap_or(0));
    mem.check(at, room)?;
    mem.write(at, text.get(..fits).unwrap_or_default())?;
    put_u32(mem, len, u32::try_from(fits).map_err(|_| Errno::Overflow)?)
}

fn names(table: &mut HostTable<Guest>) {
    calls! { table, "host_net";
        fn net_bind(mem, guest, fd: u32, at: u32, len: u32) {
            let to = address(mem, guest, fd, at, len)?;
            Ok(guest.process.bind(fd, &to)?)
        }
        fn net_connect(mem, guest, fd: u32, at: u32, len: u32) {
            let to = address(mem, guest, fd, at, len)?;
            Ok(guest.process.connect(fd, &to)?)
        }
        fn net_accept(mem, guest, fd: u32, out: u32, at: u32, len: u32) {
            mem.check(out, 4)?;
            let room = u32::from_le_bytes(mem.array::<4>(len)?);
            mem.check(at, room)?;
            let (accepted, peer) = guest.process.accept(fd)?;
            put_address(mem, at, len, &peer)?;
            put_u32(mem, out, accepted)
        }
        fn net_getsockname(mem, guest, fd: u32, at: u32, len: u32) {
            let name = guest.process.with_socket(fd, |socket| Ok(socket.local_name()))?;
            put_address(mem, at, len, &name)
        }
        fn net_getpeername(mem, guest, fd: u32, at: u32, len: u32) {
            let name = guest.process.with_socket(fd, |socket| socket.peer_name())?;
            put_address(mem, at, len, &name)
        }
    }
}

fn how(bits: u32) -> Transfer {
    Transfer {
        peek: bits & flags::PEEK != 0,
        at_once: bits & flags::DONT_WAIT != 0,
        whole: bits & flags::WAIT_ALL != 0,
        quiet: bits & flags::NO_SIGNAL != 0,
    }
}

fn count(done: usize) -> Result<u32> {
    Ok(u32::try_from(done).map_err(|_| Errno::Overflow)?)
}

fn transfers(table: &mut HostTable<Guest>) {
    calls! { table, "host_net";
        fn net_send(mem, guest, fd: u32, at: u32, len: u32, bits: u32, out: u32) {
            mem.check(out, 4)?;
            let sent = guest.process.send(fd, mem.bytes(at, len)?, None, &[], how(bits))?;
            put_u32(mem, out, count(sent)?)
        }
        fn net_sendto(mem, guest, fd: u32, at: u32, len: u32, bits: u32, to: u32, to_len: u32, out: u32) {
            mem.check(out, 4)?;
            let to = if to_len == 0 { None } else { Some(address(mem, guest, fd, to, to_len)?) };
            let sent = guest.process.send(fd, mem.bytes(at, len)?, to.as_ref(), &[], how(bits))?;
            put_u32(mem, out, count(sent)?)
        }
        fn net_recv(mem, guest, fd: u32, at: u32, len: u32, bits: u32, out: u32) {
            mem.check(out, 4)?;
            let received = guest.process.receive(fd, mem.bytes_mut(at, len)?, how(bits))?;
            put_u32(mem, out, count(received.len)?)
        }
        fn net_recvfrom(mem, guest, fd: u32, at: u32, len: u32, bits: u32, out: u32, from: u32, from_len: u32) {
            mem.check(out, 4)?;
            let room = u32::from_le_bytes(mem.array::<4>(from_len)?);
            mem.check(from, room)?;
            let received = guest.process.receive(fd, mem.bytes_mut(at, len)?, how(bits))?;
            put_address(mem, from, from_len, &received.from.unwrap_or(Address::Unnamed))?;
            put_u32(mem, out, count(received.len)?)
        }
    }
}

fn options(table: &mut HostTable<Guest>) {
    calls! { table, "host_net";
        fn net_setsockopt(mem, guest, fd: u32, level: u32, name: u32, at: u32, len: u32) {
            let option = option(mem, level, name, at, len)?;
            Ok(guest.process.with_socket(fd, |socket| {
                socket.set_option(option);
                Ok(())
            })?)
        }
        fn net_getsockopt(mem, guest, fd: u32, level: u32, name: u32, at: u32, len: u32) {
            let room = u32::from_le_bytes(mem.array::<4>(len)?);
            if !(is_socket(level) && name == 4) || room < 4 {
                return Err(Errno::Inval.into());
            }
            mem.check(at, 4)?;
            let error = guest.process.with_socket(fd, |socket| Ok(socket.take_error()))?;
            put_u32(mem, at, error.map_or(0, number).cast_unsigned())?;
            put_u32(mem, len, 4)
        }
    }
}

/// The level of settings of every socket, in both numberings.
fn is_socket(level: u32) -> bool {
    matches!(level, 1 | 0x7fff_ffff)
}

fn option(mem: &mut Memory<'_>, level: u32, name: u32, at: u32, len: u32) -> Result<SetOption> {
    let need = |bytes: u32| if len < bytes { Err(Errno::Inval) } else { Ok(()) };
    let mut word = |at: u32| Result::Ok(u32::from_le_bytes(mem.array::<4>(at)?));
    Ok(match (is_socket(level), level, name) {
        (true, _, 2) => {
            need(4)?;
            SetOption::ReuseAddress(word(at)? != 0)
        }
        (true, _, 9) => {
            need(4)?;
            SetOption::KeepAlive(word(at)? != 0)
        }
        (true, _, 13) => {
            need(8)?;
            let on = word(at)? != 0;
            let seconds = word(at.checked_add(4).ok_or(Errno::Fault)?)?;
            SetOption::Linger(on.then(|| Duration::from_secs(seconds.into())))
        }
        (true, _, 20 | 66) => {
            need(16)?;
            let raw = mem.array::<16>(at)?;
            let (seconds, micros) = raw.split_at(8);
            let long = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).map_err(|_| Errno::Inval);
            let seconds = u64::try_from(long(seconds)?).map_err(|_| Errno::Dom)?;
            let micros = u32::try_from(long(micros)?).map_err(|_| Errno::Dom)?;
            let time = Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros.into()));
            SetOption::ReceiveTimeout((!time.is_zero()).then_some(time))
        }
        (_, 6, 1) => {
            need(4)?;
            SetOption::NoDelay(word(at)? != 0)
        }
        (_, 0, 1) | (_, 41, 67) => SetOption::TrafficClass,
        _ => return Err(Errno::Inval.into()),
    })
}

fn lookups(table: &mut HostTable<Guest>, generation: Generation) {
    if generation == Generation::S {
        calls! { table, "host_net";
            fn net_getaddrinfo(mem, guest, host: u32, host_len: u32, port: u32, port_len: u32, at: u32, len: u32) {
                // A port is a number to whoever asks; nobody looks it up.
                mem.check(port, port_len)?;
                addresses(mem, guest, (host, host_len), 0, at, len)
            }
        }
    } else {
        calls! { table, "host_net";
            fn net_getaddrinfo(mem, guest, host: u32, host_len: u32, port: u32, port_len: u32, family: u32, at: u32, len: u32) {
                mem.check(port, port_len)?;
                addresses(mem, guest, (host, host_len), family, at, len)
            }
        }
    }
    calls! { table, "host_net";
        fn net_dns_query_rr_v1(mem, guest, name: u32, name_len: u32, _kind: u32, at: u32, room: u32, used: u32, ttl: u32, found: u32) {
            for out in [used, ttl, found] {
                mem.check(out, 4)?;
            }
            mem.check(at, room)?;
            bytes(mem, name, name_len)?;
            guest.process.check()?;
            // Records beside addresses are asked of nobody: no grant names them.
            Err(Errno::NotSup.into())
        }
        fn net_tls_connect(mem, guest, fd: u32, name: u32, name_len: u32) {
            no_tls(mem, guest, fd, (name, name_len))
        }
    }
}

/// Fits TLS as the first programs of S have it.
pub(super) fn add_first_tls(table: &mut HostTable<Guest>) {
    calls! { table, "host_net";
        fn net_tls_connect(mem, guest, fd: u32, name: u32, name_len: u32, _flags: u32) {
            no_tls(mem, guest, fd, (name, name_len))
        }
    }
}

/// Programs bring their own TLS; the host does not speak for them.
fn no_tls(mem: &mut Memory<'_>, guest: &Guest, fd: u32, name: (u32, u32)) -> Result<()> {
    bytes(mem, name.0, name.1)?;
    guest.process.with_socket(fd, |_| Ok(()))?;
    Err(Errno::NotSup.into())
}

/// Writes the addresses of a host as JSON.
fn addresses(
    mem: &mut Memory<'_>,
    guest: &Guest,
    host: (u32, u32),
    family: u32,
    at: u32,
    len: u32,
) -> Result<()> {
    let room = u32::from_le_bytes(mem.array::<4>(len)?);
    mem.check(at, room)?;
    let family = match family {
        0 => None,
        4 => Some(Domain::Inet),
        6 => Some(Domain::Inet6),
        _ => return Err(Errno::AfNoSupport.into()),
    };
    let host = bytes(mem, host.0, host.1)?;
    let all = guest.process.addresses(&host, family)?;
    let one = |address: &IpAddr| {
        format!("{{\"addr\":\"{address}\",\"family\":{}}}", if address.is_ipv4() { 4 } else { 6 })
    };
    let text = format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(","));
    let needed = u32::try_from(text.len()).map_err(|_| Errno::Overflow)?;
    put_u32(mem, len, needed)?;
    if needed > room {
        return Err(Errno::Nobufs.into());
    }
    Ok(mem.write(at, text.as_bytes())?)
}

/// Sockets between processes, and descriptors through them.
fn passing(table: &mut HostTable<Guest>) {
    calls! { table, "host_process";
        fn fd_socketpair(mem, guest, kind: u32, nonblock: u32, cloexec: u32, one: u32, other: u32) {
            mem.check(one, 4)?;
            mem.check(other, 4)?;
            let kind = match kind & 0xf {
                1 | 6 => SocketType::Stream,
                2 | 5 => SocketType::Datagram,
                _ => return Err(Errno::NotSup.into()),
            };
            let (first, second) = guest.process.socket_pair(kind, nonblock != 0, cloexec != 0)?;
            put_u32(mem, one, first)?;
            put_u32(mem, other, second)
        }
        fn fd_sendmsg_rights(mem, guest, fd: u32, at: u32, len: u32, fds: u32, fds_len: u32, bits: u32, out: u32) {
            mem.check(out, 4)?;
            let passed = numbers(mem, fds, fds_len, PASSED_MAX)?;
            let sent = guest.process.send(fd, mem.bytes(at, len)?, None, &passed, how(bits))?;
            put_u32(mem, out, count(sent)?)
        }
        fn fd_recvmsg_rights(mem, guest, fd: u32, at: u32, len: u32, fds: u32, room: u32, bits: u32, out: u32, out_fds: u32, out_flags: u32) {
            for to in [out, out_fds, out_flags] {
                mem.check(to, 4)?;
            }
            if room > PASSED_MAX {
                return Err(Errno::Inval.into());
            }
            mem.check(fds, room.saturating_mul(4))?;
            let received = guest.process.receive(fd, mem.bytes_mut(at, len)?, how(bits))?;
            let cut_bytes = received.full > received.len;
            let close = bits & flags::CLOSE_ON_EXEC != 0;
            let room = usize::try_from(room).unwrap_or(0);
            let (installed, cut) = guest.process.install_passed(received.passed, room, close);
            let raw: Vec<u8> = installed.iter().flat_map(|fd| fd.to_le_bytes()).collect();
            mem.write(fds, &raw)?;
            put_u32(mem, out, count(received.len)?)?;
            put_u32(mem, out_fds, count(installed.len())?)?;
            let length = count(if cut_bytes { received.full } else { 0 })? << 2;
            put_u32(mem, out_flags, u32::from(cut_bytes) | u32::from(cut) << 1 | length)
        }
    }
}
