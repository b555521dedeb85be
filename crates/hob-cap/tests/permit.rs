//! The laws of permits: meeting only narrows, and is a meet.

#![expect(clippy::unwrap_used, reason = "what is generated is valid by construction")]

use std::collections::BTreeSet;

use hob_cap::{Children, Connections, Files, GuestPath, NetGrant, Permit, Tier};
use proptest::prelude::*;

fn paths() -> impl Strategy<Value = BTreeSet<GuestPath>> {
    let path = prop::sample::select(vec!["/", "/a", "/a/b", "/ab", "/c"]);
    prop::collection::btree_set(path.prop_map(|text| GuestPath::new(text).unwrap()), 0..3)
}

fn files() -> impl Strategy<Value = Files> {
    prop_oneof![Just(Files::All), paths().prop_map(Files::Below)]
}

fn permit() -> impl Strategy<Value = Permit> {
    let names = prop::collection::btree_set(prop::sample::select(vec!["sh", "ls", "cat"]), 0..3);
    let children = prop_oneof![
        Just(Children::Any),
        names.prop_map(|names| Children::Only(names.into_iter().map(String::from).collect())),
    ];
    let grants = prop::sample::select(vec!["tcp://a.example:80", "tcp://*.example:80", "tcp://a.example:*"]);
    let net = prop_oneof![
        Just(Connections::All),
        Just(Connections::None),
        prop::collection::btree_set(grants.prop_map(|text| NetGrant::parse(text).unwrap()), 0..3)
            .prop_map(Connections::Only),
    ];
    (files(), files(), children, prop::option::of(0u32..4), net)
        .prop_map(|(read, write, children, processes, net)| Permit { read, write, children, processes, net })
}

proptest! {
    #[test]
    fn a_meet_is_within_both_and_the_most_that_is(a in permit(), b in permit(), c in permit()) {
        let meet = a.meet(&b);
        prop_assert!(meet.within(&a) && meet.within(&b));
        prop_assert!(a.meet(&a).within(&a) && a.within(&a.meet(&a)));
        prop_assert!(b.meet(&a).within(&meet) && meet.within(&b.meet(&a)));
        if c.within(&a) && c.within(&b) {
            prop_assert!(c.within(&meet), "{:?} {:?}", c, meet);
        }
    }

    #[test]
    fn what_is_within_covers_no_more(a in files(), b in files()) {
        for path in ["/", "/a", "/a/b/c", "/ab", "/abc", "/c/d"] {
            if a.within(&b) && a.covers(path) {
                prop_assert!(b.covers(path));
            }
        }
    }
}

#[test]
fn tiers_are_a_ladder() {
    let here = GuestPath::new("/home").unwrap();
    let permits = Tier::ALL.map(|tier| Permit::tier(tier).at(&here));
    for (narrow, wide) in permits.iter().zip(permits.iter().skip(1)) {
        assert!(narrow.within(wide) && !wide.within(narrow));
    }
    assert_eq!(Tier::parse("read-write"), Tier::ReadWrite);
    assert_eq!(Tier::parse("Full"), Tier::Isolated);
    let isolated = &permits[0];
    assert!(isolated.read.covers("/home/x") && !isolated.read.covers("/homes"));
}
