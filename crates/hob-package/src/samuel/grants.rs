//! What a Samuel manifest asks for, as grants.

use std::collections::BTreeSet;

use hob_cap::{Access, EnvGrant, FsGrant, GuestPath, HostPattern, NetGrant, Policy, Scheme, StdioGrant};

use super::{MANIFEST, ManifestCaps, SAFE};
use crate::problem::{Problems, shown};
use crate::scoot::harmless;

/// What a manifest asks for, and what of it nobody needs to be asked for.
pub(super) fn grants(caps: &ManifestCaps, problems: &mut Problems) -> (Policy, Policy) {
    // A plugin answers by its functions, and has no streams.
    let plain = Policy { stdio: StdioGrant::default(), ..harmless() };
    let mut request = plain.clone();
    let mut hob = |rule, message: String| problems.hob(rule, MANIFEST, None, message);
    let mut folders = Vec::new();
    for (list, access) in [(&caps.read, Access::Read), (&caps.write, Access::ReadWrite)] {
        for path in list {
            folders.push((path, access));
        }
    }
    let mut relative = Vec::new();
    for (path, access) in folders {
        if !path.starts_with('/') {
            relative.push(path);
            continue;
        }
        if path.contains(['*', '?', '[']) {
            hob("filesystem-path", format!("`{}` is no folder: patterns are not granted", shown(path)));
            continue;
        }
        match GuestPath::new(path) {
            Err(error) => hob("filesystem-path", error.to_string()),
            Ok(guest) => {
                let wider = request.fs.iter().position(|grant: &FsGrant| grant.guest == guest);
                match wider.and_then(|index| request.fs.get_mut(index)) {
                    Some(grant) => grant.access = grant.access.max(access),
                    None => request.fs.push(FsGrant { host: guest.as_str().into(), guest, access }),
                }
            }
        }
    }
    for key in &caps.env {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match EnvGrant::new(key, None) {
            Ok(grant) if key.chars().all(plain) => request.env.push(grant),
            _ => hob("env-key", format!("`{}` is no name of a variable", shown(key))),
        }
    }
    for host in &caps.hosts {
        match HostPattern::parse(host) {
            Err(why) => hob("network-host", format!("`{}`: {why}", shown(host))),
            Ok(host) => request.net.push(NetGrant {
                scheme: Scheme::Https,
                host,
                port: Some(443),
                methods: BTreeSet::new(),
            }),
        }
    }
    for path in relative {
        let message = format!("wasm: filesystem mount must be an absolute path: {}", shown(path));
        problems.upstream("filesystem-absolute", MANIFEST, None, message);
    }
    let safe = GuestPath::new(SAFE);
    let within = |grant: &&FsGrant| {
        grant.access == Access::Read && safe.as_ref().is_ok_and(|safe| safe.contains(&grant.guest))
    };
    let policy = Policy { fs: request.fs.iter().filter(within).cloned().collect(), ..plain };
    (request, policy)
}
