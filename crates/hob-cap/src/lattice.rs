//! Set inclusion and intersection of the two kinds of grants whose authorities overlap: subtrees and network patterns.
//!
//! Both are decided exactly, on finitely many points. A policy's view of the file system changes only at the guest paths
//! that its grants name, and its view of the network only at the hosts, ports and methods that they name; so comparing
//! two policies at every such point, and at one nobody names, compares them everywhere.

use std::collections::BTreeSet;

use crate::grant::{Access, FsGrant};
use crate::net::{HostPattern, NetGrant};
use crate::path::GuestPath;
use crate::policy::{Policy, depth};

/// What a policy shows at a guest path: a place on the host and what may be done there.
type View = Option<(String, Access)>;

pub(crate) fn fs_within(a: &Policy, b: &Policy) -> bool {
    points(a, b).iter().all(|point| match (view(a, point), view(b, point)) {
        (None, _) => true,
        (Some((place_a, access_a)), Some((place_b, access_b))) => place_a == place_b && access_a <= access_b,
        (Some(_), None) => false,
    })
}

pub(crate) fn fs_meet(a: &Policy, b: &Policy) -> (Vec<FsGrant>, BTreeSet<GuestPath>) {
    let mut meet = Policy::default();
    let mut points: Vec<GuestPath> = points(a, b).into_iter().collect();
    points.sort_by_key(depth);
    for point in points {
        let both = match (view(a, &point), view(b, &point)) {
            (Some((place_a, access_a)), Some((place_b, access_b))) if place_a == place_b => {
                Some((place_a, access_a.min(access_b)))
            }
            _ => None,
        };
        // A point that shows what the points above it already show needs no entry of its own.
        if both == view(&meet, &point) {
            continue;
        }
        match both {
            Some((host, access)) => meet.fs.push(FsGrant { host, guest: point, access }),
            None => drop(meet.hidden.insert(point)),
        }
    }
    (meet.fs, meet.hidden)
}

fn points(a: &Policy, b: &Policy) -> BTreeSet<GuestPath> {
    let of = |policy: &Policy| -> Vec<GuestPath> {
        policy.fs.iter().map(|grant| grant.guest.clone()).chain(policy.hidden.iter().cloned()).collect()
    };
    of(a).into_iter().chain(of(b)).collect()
}

fn view(policy: &Policy, point: &GuestPath) -> View {
    let (access, grant) = policy.access(point)?;
    let rest = grant.guest.strip(point)?;
    let host = grant.host.trim_end_matches('/');
    let place = match (host, rest) {
        (_, "") => grant.host.clone(),
        ("" | ".", rest) if grant.host != "/" => rest.to_owned(),
        (host, rest) => format!("{host}/{rest}"),
    };
    Some((place, access))
}

pub(crate) fn net_within(a: &[NetGrant], b: &[NetGrant]) -> bool {
    a.iter().all(|grant| {
        // The points of this grant: every host, port and method in it that anyone names, and one that nobody names.
        let hosts: Vec<HostPattern> = b
            .iter()
            .filter_map(|other| meet_host(&grant.host, &other.host))
            .chain([grant.host.clone()])
            .collect();
        let ports: Vec<Option<u16>> = match grant.port {
            Some(port) => vec![Some(port)],
            None => b.iter().filter_map(|other| other.port).map(Some).chain([None]).collect(),
        };
        let methods: Vec<Option<&str>> = if grant.methods.is_empty() {
            b.iter()
                .flat_map(|other| &other.methods)
                .map(|method| Some(method.as_str()))
                .chain([None])
                .collect()
        } else {
            grant.methods.iter().map(|method| Some(method.as_str())).collect()
        };
        hosts.iter().all(|host| {
            ports.iter().all(|port| {
                methods.iter().all(|method| {
                    b.iter().any(|other| other.covers_point(grant.scheme, host, *port, *method))
                })
            })
        })
    })
}

pub(crate) fn net_meet(a: &[NetGrant], b: &[NetGrant]) -> Vec<NetGrant> {
    let mut meet: Vec<NetGrant> = a.iter().flat_map(|a| b.iter().filter_map(|b| a.meet(b))).collect();
    meet.sort();
    meet.dedup();
    let all = meet.clone();
    meet.retain(|grant| !all.iter().any(|other| other != grant && other.covers(grant)));
    meet
}

fn meet_host(a: &HostPattern, b: &HostPattern) -> Option<HostPattern> {
    if a.covers(b) { Some(b.clone()) } else { b.covers(a).then(|| a.clone()) }
}
