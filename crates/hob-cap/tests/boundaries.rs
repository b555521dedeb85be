//! Holes that a guest or a package would look for, one test each.

use std::collections::BTreeSet;

use hob_cap::{
    EnvGrant, FsGrant, GuestPath, Handle, HandleError, HandleRights, HandleTable, HostPattern, Ledger, Limit,
    Limits, NetGrant, Policy, Request, Scheme, diff,
};

#[test]
fn revoking_reaches_past_a_handle_that_was_closed() {
    let mut table = HandleTable::new(10);
    let origin = table.insert("a", HandleRights::ALL).unwrap();
    let child = table.derive(origin, HandleRights::ALL).unwrap();
    let grandchild = table.derive(child, HandleRights::ALL).unwrap();
    table.close(child).unwrap();
    table.revoke(origin).unwrap();
    assert_eq!(table.get(grandchild, HandleRights::NONE), Err(HandleError::Revoked(grandchild)));
}

#[test]
fn revoking_a_long_chain_ends_soon() {
    let mut table = HandleTable::new(10_000);
    let origin = table.insert((), HandleRights::ALL).unwrap();
    let mut last = origin;
    for _ in 1..10_000 {
        last = table.derive(last, HandleRights::ALL).unwrap();
    }
    let started = std::time::Instant::now();
    table.revoke(origin).unwrap();
    let took = started.elapsed();
    assert!(table.is_empty() && took.as_millis() < 20, "{took:?}");
}

#[test]
fn zeroed_memory_is_no_handle() {
    let mut table = HandleTable::new(1);
    table.insert((), HandleRights::ALL).unwrap();
    let zero = Handle::from_bits(0);
    assert!(table.get(zero, HandleRights::NONE).is_err());
}

#[test]
fn a_grant_that_shows_nothing_is_no_item() {
    let hidden = BTreeSet::from([GuestPath::new("/d").unwrap()]);
    let nothing = Policy { fs: vec![FsGrant::parse("d::/d:rw").unwrap()], hidden, ..Policy::none() };
    assert!(Policy::none().allows(&nothing) && !diff(&Policy::none(), &nothing).is_wider());
    let twice = ["A=1", "A=2"].map(|text| EnvGrant::parse(text).unwrap());
    let [_, last] = twice.clone();
    let policy = Policy { env: vec![last], ..Policy::none() };
    let request = Policy { env: twice.to_vec(), ..Policy::none() };
    assert!(policy.allows(&request) && policy.check(&Request(request)).iter().all(|verdict| verdict.granted));
}

#[test]
fn a_pattern_is_no_host_to_connect_to() {
    let grant = NetGrant::parse("https://*.example.com").unwrap();
    assert!(grant.matches(Scheme::Https, "A.example.COM.", 443, "GET"));
    for host in [
        "*.example.com",
        "*.a.example.com",
        ".example.com",
        "x@a.example.com",
        "a.example.com\0",
        "é.example.com",
    ] {
        assert!(!grant.matches(Scheme::Https, host, 443, "GET"), "{host}");
    }
}

#[test]
fn an_address_has_one_notation() {
    assert!(HostPattern::parse("[::ffff:127.0.0.1]").is_err());
    let grant = NetGrant::parse("http://127.0.0.1").unwrap();
    for host in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"] {
        assert!(!grant.matches(Scheme::Http, host, 80, "GET"), "{host}");
    }
    assert!(grant.matches(Scheme::Http, "127.0.0.1", 80, "GET"));
}

#[test]
fn an_empty_list_of_methods_is_every_method() {
    assert_eq!(NetGrant::parse("[] https://a.b").unwrap(), NetGrant::parse("https://a.b").unwrap());
}

#[test]
fn a_key_read_from_a_file_is_checked() {
    let read = |text: &str| serde_json::from_str::<EnvGrant>(text);
    assert!(read(r#"{"key":"A=B","value":null}"#).is_err());
    assert!(read(r#"{"key":"","value":"x"}"#).is_err());
    assert!(read(r#"{"key":"A","value":"x","more":1}"#).is_err());
    assert!(read(r#"{"key":"A","value":"x"}"#).is_ok());
}

#[test]
fn a_shown_flag_cannot_spoof_its_prompt() {
    let host = "d\nrefused: nothing\u{202e}".to_owned();
    let shown = FsGrant { host, ..FsGrant::parse("d::/d:ro").unwrap() }.to_string();
    assert!(!shown.contains(['\n', '\u{202e}']), "{shown}");
    assert_eq!(FsGrant::parse("my $(x)::/d:ro").unwrap().to_string(), "--dir 'my $(x)::/d:ro'");
}

#[test]
fn a_charge_that_failed_leaves_no_peak() {
    let ledger = Ledger::new(&Limits { memory_bytes: 10, ..Limits::default() });
    assert!(ledger.charge(Limit::HostBuffer, 11).is_err());
    assert_eq!((ledger.used(Limit::HostBuffer), ledger.peak(Limit::HostBuffer)), (0, 0));
}

#[test]
fn a_deadline_a_nanosecond_past_the_most_is_too_long() {
    let most = std::time::Duration::from_millis(Limit::HardDeadline.max_value());
    let limits = |hard| Limits { hard_deadline: Some(hard), ..Limits::default() };
    assert!(limits(most).validate().is_ok());
    assert!(limits(most + std::time::Duration::from_nanos(1)).validate().is_err());
}
