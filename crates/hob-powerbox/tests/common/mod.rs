//! A peer with one vat, a powerbox, and a folder.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test uses its part of it, and may fail loudly"
)]

use std::time::Duration;

use hob_cap::{Access, FsGrant};
use hob_powerbox::{Limits, Powerbox};
use hob_vat::{Peer, Ref, Value, Vat};

/// Longer than anything here takes.
pub(crate) const SOON: Duration = Duration::from_secs(30);

pub(crate) struct Setting {
    pub(crate) powerbox: Powerbox,
    pub(crate) vat: Vat,
    pub(crate) peer: Peer,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn setting() -> Setting {
    with(Limits::default())
}

pub(crate) fn with(limits: Limits) -> Setting {
    let peer = Peer::builder().threads(1).build().unwrap();
    let vat = peer.vat("main").unwrap();
    let powerbox = Powerbox::builder().limits(limits).open(&peer).unwrap();
    Setting { powerbox, vat, peer, folder: tempfile::tempdir().unwrap() }
}

impl Setting {
    pub(crate) fn grant(&self, access: Access) -> FsGrant {
        FsGrant::parse(&format!("{}::/:{access}", self.folder.path().display())).unwrap()
    }

    pub(crate) fn directory(&self, access: Access) -> Ref {
        self.powerbox.directory(&self.grant(access)).unwrap()
    }

    /// The answer, as it is shown, or why there is none.
    pub(crate) fn ask(&self, to: Ref, args: &[Value]) -> Result<Value, String> {
        self.vat.ask(to, args.to_vec(), SOON).map_err(|problem| problem.to_string())
    }

    pub(crate) fn rule(&self, to: Ref, args: &[Value]) -> String {
        let problem = self.vat.ask(to, args.to_vec(), SOON).unwrap_err();
        problem.rule_name().unwrap_or_else(|| panic!("{problem}")).to_owned()
    }

    pub(crate) fn narrow(&self, to: Ref, args: &[Value]) -> Ref {
        self.ask(to, args).unwrap().as_ref().unwrap()
    }

    /// Waits until nothing is asked of the powerbox any more.
    pub(crate) fn quiet(&self) {
        let begun = std::time::Instant::now();
        while self.powerbox.answered().is_none() {
            assert!(begun.elapsed() < SOON, "something is not answered");
            std::thread::yield_now();
        }
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        std::fs::write(self.folder.path().join(path), text).unwrap();
    }

    pub(crate) fn got(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap()
    }
}

pub(crate) fn says(method: &str) -> [Value; 1] {
    [Value::symbol(method)]
}

pub(crate) fn with_text(method: &str, text: &str) -> [Value; 2] {
    [Value::symbol(method), text.into()]
}

pub(crate) fn with_texts(method: &str, one: &str, other: &str) -> [Value; 3] {
    [Value::symbol(method), one.into(), other.into()]
}
