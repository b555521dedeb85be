//! `hob sidecar`: machines for a client that speaks a protocol on standard input and output.

use hob_sidecar::Config;

use crate::args::{AgentosArgs, SidecarArgs, SidecarProtocol};
use crate::report::{Done, Failure, HOST};
use crate::shell;

pub(crate) fn run(args: &SidecarArgs) -> Done {
    match &args.protocol {
        SidecarProtocol::Agentos(args) => agentos(args),
    }
}

fn agentos(args: &AgentosArgs) -> Done {
    let (builder, log) = shell::builder(&args.commands, &args.guest, |host| host)?;
    let config = Config {
        shell: builder.mount_on_request().build()?,
        token: args.token.clone(),
        frame_bytes: args.max_frame,
        cwd: args.commands.cwd.clone(),
    };
    let served = hob_sidecar::serve(config, std::io::stdin().lock(), std::io::stdout());
    log.finish()?;
    served.map(|()| 0).map_err(|error| Failure::new(HOST, error))
}
