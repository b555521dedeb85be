//! A module alone: it asks for nothing, and is granted what whoever runs it says.

use hob_abi::Contract;
use hob_cap::{Policy, Request};

use crate::limits::LimitsPatch;
use crate::model::{Format, Kind, Package};
use crate::module;
use crate::problem::Problems;

pub(crate) fn read(name: &str, file: &str, bytes: &[u8], problems: &mut Problems) -> Option<Package> {
    let (module, info) = module::read(bytes, file, problems)?;
    let kind = match Contract::detect(&info).first() {
        Some(Contract::Plugin) => Kind::Plugin,
        Some(Contract::Command) => Kind::Command,
        Some(Contract::Json) => Kind::Behavior,
        Some(Contract::Actor) | None => Kind::Module,
    };
    Some(Package {
        format: Format::Module,
        kind,
        name: name.to_owned(),
        version: None,
        description: String::new(),
        module_path: file.to_owned(),
        module,
        info,
        entry: "_start".into(),
        input: None,
        output: None,
        exports: Vec::new(),
        request: Request(Policy::none()),
        policy: crate::scoot::harmless(),
        limits: LimitsPatch::default(),
        config: Default::default(),
        capabilities: Vec::new(),
        digest: String::new(),
    })
}
