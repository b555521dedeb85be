//! The laws of policies: inclusion is an order, attenuation is the greatest lower bound.
#![expect(clippy::unwrap_used, reason = "helpers of tests; the exemption reaches only test functions")]

use std::collections::BTreeSet;

use hob_cap::{
    Access, ClockGrant, EnvGrant, FsGrant, GuestPath, HostObject, NetGrant, Policy, RandomGrant, Request,
    StdioGrant, diff,
};
use proptest::prelude::*;

/// Few names, so that policies overlap often.
fn guest() -> impl Strategy<Value = GuestPath> {
    prop::sample::select(vec!["/", "/a", "/a/b", "/a/b/c", "/d", ".", "a", "a/b"])
        .prop_map(|path| GuestPath::new(path).unwrap())
}

fn fs() -> impl Strategy<Value = Vec<FsGrant>> {
    let host = prop::sample::select(vec!["h", "h/b", "h/b/c", "other"]);
    let access = prop::sample::select(vec![Access::Read, Access::ReadWrite]);
    let grant = (host, guest(), access).prop_map(|(host, guest, access)| FsGrant {
        host: host.into(),
        guest,
        access,
    });
    prop::collection::vec(grant, 0..4).prop_map(|mut grants| {
        // One place of the guest shows one place of the host.
        let mut seen = BTreeSet::new();
        grants.retain(|grant| seen.insert(grant.guest.clone()));
        grants
    })
}

fn net() -> impl Strategy<Value = Vec<NetGrant>> {
    let host = prop::sample::select(vec!["x.com", "*.x.com", "a.x.com", "*.a.x.com", "b.a.x.com"]);
    let port = prop::sample::select(vec![":443", ":8443", ":*"]);
    let methods = prop::sample::select(vec!["", "[GET] ", "[POST] ", "[GET,POST] "]);
    let grant = (methods, host, port).prop_map(|(methods, host, port)| {
        NetGrant::parse(&format!("{methods}https://{host}{port}")).unwrap()
    });
    prop::collection::vec(grant, 0..4)
}

fn policy() -> impl Strategy<Value = Policy> {
    let env = prop::collection::vec(prop::sample::select(vec!["A", "A=1", "A=2", "B"]), 0..3)
        .prop_map(|list| list.into_iter().map(|text| EnvGrant::parse(text).unwrap()).collect());
    let clock = prop::sample::select(vec![
        ClockGrant::None,
        ClockGrant::Virtual,
        ClockGrant::Coarse,
        ClockGrant::Real,
    ]);
    let random = prop::sample::select(vec![
        RandomGrant::None,
        RandomGrant::Seeded(1),
        RandomGrant::Seeded(2),
        RandomGrant::Real,
    ]);
    let objects = prop::collection::btree_set(
        prop::sample::select(vec!["db", "log"]).prop_map(|name| HostObject(name.into())),
        0..3,
    );
    let hidden = prop::collection::btree_set(guest(), 0..2);
    (fs(), hidden, env, net(), clock, random, any::<[bool; 4]>(), objects).prop_map(
        |(fs, hidden, env, net, clock, random, [stdin, stdout, stderr, log], objects)| Policy {
            fs,
            hidden,
            env,
            net,
            clock,
            random,
            stdio: StdioGrant { stdin, stdout, stderr },
            log,
            objects,
        },
    )
}

fn equal(a: &Policy, b: &Policy) -> bool {
    a.allows(b) && b.allows(a)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn inclusion_is_reflexive(a in policy()) {
        prop_assert!(a.allows(&a));
        prop_assert!(a.allows(&Policy::none()));
    }

    #[test]
    fn inclusion_is_transitive(a in policy(), b in policy(), c in policy()) {
        // Random policies are rarely ordered; what both meets share always is.
        let (ab, abc) = (a.attenuate(&b), a.attenuate(&b).attenuate(&c));
        prop_assert!(ab.allows(&abc) && a.allows(&ab) && a.allows(&abc));
        if a.allows(&b) && b.allows(&c) {
            prop_assert!(a.allows(&c));
        }
    }

    #[test]
    fn attenuation_is_a_lower_bound(a in policy(), b in policy()) {
        let meet = a.attenuate(&b);
        prop_assert!(a.allows(&meet), "{meet:?}");
        prop_assert!(b.allows(&meet), "{meet:?}");
    }

    #[test]
    fn attenuation_is_the_greatest_lower_bound(a in policy(), b in policy(), c in policy()) {
        // c ∧ a ∧ b is within both; so it must be within a ∧ b. And whatever is within both is within the meet.
        let lower = c.attenuate(&a).attenuate(&b);
        prop_assert!(a.attenuate(&b).allows(&lower));
        if a.allows(&c) && b.allows(&c) {
            prop_assert!(a.attenuate(&b).allows(&c));
        }
    }

    #[test]
    fn attenuation_commutes_associates_and_is_idempotent(a in policy(), b in policy(), c in policy()) {
        prop_assert!(equal(&a.attenuate(&b), &b.attenuate(&a)));
        prop_assert!(equal(&a.attenuate(&b).attenuate(&c), &a.attenuate(&b.attenuate(&c))));
        prop_assert!(equal(&a.attenuate(&a), &a));
        prop_assert_eq!(a.allows(&b), equal(&a.attenuate(&b), &b));
    }

    #[test]
    fn attenuation_is_monotone(a in policy(), b in policy(), c in policy()) {
        let smaller = a.attenuate(&b);
        prop_assert!(a.attenuate(&c).allows(&smaller.attenuate(&c)));
    }

    #[test]
    fn inclusion_agrees_with_access_at_every_path(a in policy(), b in policy()) {
        if a.allows(&b) {
            for path in ["/", "/a", "/a/x", "/a/b", "/a/b/x", "/a/b/c/x", "/d/x", ".", "a/x", "a/b/x", "z"] {
                let path = GuestPath::new(path).unwrap();
                if let Some((access, _)) = b.access(&path) {
                    prop_assert!(a.access(&path).is_some_and(|(wider, _)| wider >= access), "{path}");
                }
            }
        }
    }

    #[test]
    fn a_diff_is_wider_exactly_when_the_new_policy_is_not_within_the_old(a in policy(), b in policy()) {
        prop_assert_eq!(diff(&a, &b).is_wider(), !a.allows(&b));
        prop_assert!(!diff(&a, &a.attenuate(&b)).is_wider());
    }

    #[test]
    fn a_check_refuses_something_exactly_when_the_request_is_not_granted(a in policy(), b in policy()) {
        let refused = a.check(&Request(b.clone())).iter().any(|verdict| !verdict.granted);
        prop_assert_eq!(refused, !a.allows(&b));
    }

    #[test]
    fn policies_survive_json(a in policy()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), a);
    }
}
