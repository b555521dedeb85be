//! The handle table against a model that keeps everything ever given out.

use hob_cap::{Handle, HandleError, HandleRights, HandleTable};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u32),
    Derive(usize, u32),
    Close(usize),
    Revoke(usize),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    Open,
    Closed,
    Revoked,
}

struct Known {
    handle: Handle,
    rights: u32,
    origins: Vec<Handle>,
    end: End,
}

const CAPACITY: u32 = 6;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..8_u32).prop_map(Step::Insert),
        (any::<usize>(), 0..8_u32).prop_map(|(at, rights)| Step::Derive(at, rights)),
        any::<usize>().prop_map(Step::Close),
        any::<usize>().prop_map(Step::Revoke),
    ]
}

proptest! {
    #[test]
    fn a_table_does_what_its_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut table = HandleTable::new(CAPACITY);
        let mut known: Vec<Known> = Vec::new();
        for step in steps {
            let pick = |at: usize| (!known.is_empty()).then(|| at % known.len().max(1));
            let held = known.iter().filter(|known| known.end != End::Closed && table.get(known.handle, HandleRights::NONE) != Err(HandleError::Stale(known.handle))).count();
            match step {
                Step::Insert(rights) => match table.insert(0_u8, HandleRights::new(rights)) {
                    Ok(handle) => {
                        prop_assert!(known.iter().all(|old| old.handle != handle));
                        known.push(Known { handle, rights, origins: Vec::new(), end: End::Open });
                    }
                    Err(error) => {
                        prop_assert_eq!(error, HandleError::Full(CAPACITY));
                        prop_assert_eq!(held, CAPACITY as usize);
                    }
                },
                Step::Derive(at, rights) => {
                    let Some(at) = pick(at) else { continue };
                    let from = known[at].handle;
                    match table.derive(from, HandleRights::new(rights)) {
                        Ok(handle) => {
                            prop_assert_eq!(known[at].end, End::Open);
                            let rights = rights & known[at].rights;
                            let mut origins = known[at].origins.clone();
                            origins.push(from);
                            known.push(Known { handle, rights, origins, end: End::Open });
                        }
                        Err(HandleError::Full(_)) => prop_assert_eq!(held, CAPACITY as usize),
                        Err(_) => prop_assert_ne!(known[at].end, End::Open),
                    }
                }
                Step::Close(at) => {
                    let Some(at) = pick(at) else { continue };
                    let closed = table.close(known[at].handle);
                    prop_assert_eq!(closed.is_ok(), known[at].end != End::Closed);
                    known[at].end = End::Closed;
                }
                Step::Revoke(at) => {
                    let Some(at) = pick(at) else { continue };
                    let origin = known[at].handle;
                    let revoked = table.revoke(origin);
                    prop_assert_eq!(revoked.is_ok(), known[at].end == End::Open);
                    if revoked.is_ok() {
                        for one in &mut known {
                            if one.end == End::Open && (one.handle == origin || one.origins.contains(&origin)) {
                                one.end = End::Revoked;
                            }
                        }
                    }
                }
            }
            for one in &known {
                for need in 0..8 {
                    let got = table.get(one.handle, HandleRights::new(need)).copied();
                    let missing = need & !one.rights;
                    let want = match one.end {
                        End::Open if missing == 0 => Ok(0),
                        End::Open => Err(HandleError::MissingRight { handle: one.handle, missing }),
                        End::Closed => Err(HandleError::Stale(one.handle)),
                        End::Revoked => Err(HandleError::Revoked(one.handle)),
                    };
                    prop_assert_eq!(got, want);
                }
            }
        }
    }
}
