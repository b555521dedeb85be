//! Which names led to which addresses.
//!
//! A program asks for the addresses of a name first and connects to one of them later, by number; a grant names the name.
//! So what was looked up is remembered, for as long as the session lasts, and an address that a granted name led to may be
//! connected to as that name may. That widens nothing: whoever answers for the name chooses its addresses either way, and
//! what kinds of address a name may lead to is asked again when one is connected to.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Answers that are remembered; the oldest are forgotten.
const REMEMBERED_MAX: usize = 1024;

/// Names and what they led to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    of: BTreeMap<IpAddr, Vec<String>>,
    oldest: VecDeque<(IpAddr, String)>,
}

impl Names {
    pub(crate) fn remember(&mut self, name: &str, address: IpAddr) {
        let names = self.of.entry(address).or_default();
        if names.iter().any(|known| known == name) {
            return;
        }
        names.push(name.to_owned());
        self.oldest.push_back((address, name.to_owned()));
        if self.oldest.len() > REMEMBERED_MAX
            && let Some((address, name)) = self.oldest.pop_front()
            && let Some(names) = self.of.get_mut(&address)
        {
            names.retain(|known| *known != name);
            if names.is_empty() {
                self.of.remove(&address);
            }
        }
    }

    /// The names that led to an address; `localhost` leads to loopback without being asked (RFC 6761).
    pub(crate) fn of(&self, address: IpAddr) -> Vec<String> {
        let mut names = self.of.get(&address).cloned().unwrap_or_default();
        if address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST {
            names.push("localhost".into());
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_answers_are_forgotten() {
        let mut names = Names::default();
        let address = |n: usize| IpAddr::V4(Ipv4Addr::from(u32::try_from(n + 1).unwrap()));
        names.remember("first.example", address(0));
        for n in 0..REMEMBERED_MAX {
            names.remember("a.example", address(n));
            names.remember("a.example", address(n));
        }
        assert_eq!(names.of(address(0)), ["a.example"]);
        assert_eq!((names.oldest.len(), names.of.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        names.remember("b.example", address(0));
        assert_eq!(names.of(address(0)), ["b.example"]);
        names.remember("c.example", address(3));
        assert!(names.of(address(1)).is_empty());
        assert_eq!(names.of(Ipv4Addr::LOCALHOST.into()), ["localhost"]);
    }
}
