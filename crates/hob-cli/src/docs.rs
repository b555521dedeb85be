//! Completions and the manual page, made from the same data as the parser.

use clap::CommandFactory;

use crate::args::Cli;
use crate::report::{Done, Failure, HOST, print};

pub(crate) fn completions(shell: clap_complete::Shell) -> Done {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hob", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

pub(crate) fn man() -> Done {
    let mut text = Vec::new();
    let mut command = Cli::command();
    command.build();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut text).and_then(|()| {
        let subcommands = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set() && command.get_name() != "help");
        for subcommand in subcommands {
            let name = format!("hob-{}", subcommand.get_name());
            clap_mangen::Man::new(subcommand.clone().display_name(name)).render(&mut text)?;
        }
        Ok(())
    });
    rendered.map_err(|error| Failure::new(HOST, format!("failed to write the manual: {error}")))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
