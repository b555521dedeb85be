//! Descriptors that are none: each of a call in turn is a number that nothing has or can have, and what is no directory,
//! socket or terminal where one is asked for. The answer is an error, and nothing was done.

use hob_abi::command::{Answer, FUNCTIONS, Function, Role, VARIANTS};
use hob_engine::{Choice, Value};

use crate::bench::CHOICES;
use crate::lay::{is_descriptor, lay};
use crate::play::{each, play};
use crate::pointers::nothing_happens;
use crate::row::{Row, rows, usual};
use crate::setup::CLOSED;

const BADF: i64 = 8;
const INVAL: i64 = 28;
const NOTDIR: i64 = 54;
const NOTSOCK: i64 = 57;
const NOTTY: i64 = 59;

/// What a call says of a descriptor that nothing has.
fn refusal(function: &Function, param: &str) -> Option<i64> {
    Some(match (function.name, param) {
        // Closing from there on closes nothing.
        ("proc_closefrom", _) => return None,
        // Not one to use, but to begin with.
        ("fd_dup_min", "min") => INVAL,
        ("get_size", _) => 9,
        ("fd_size" | "path_size" | "fd_blocks" | "path_blocks", _) => -1,
        _ if function.result != Answer::Errno => 0,
        _ => BADF,
    })
}

struct Wrong {
    row: Row,
    choice: Choice,
    param: usize,
    fd: u32,
    want: i64,
}

fn hold(all: Vec<Wrong>) {
    each(
        all,
        |wrong| {
            let name = wrong.row.call.function.params[wrong.param].name;
            format!("{:?} {name}={} {}", wrong.choice, wrong.fd, wrong.row.text)
        },
        |wrong| {
            let (param, fd, want) = (wrong.param, wrong.fd, wrong.want);
            play(&wrong.row, wrong.choice, move |bench, call| {
                let mut laid = lay(call);
                laid.values[param] = Value::I32(fd.cast_signed());
                nothing_happens(bench, call, &laid, Some(want));
                true
            });
        },
    );
}

fn each_use(fits: impl Fn(&Function, usize) -> Option<(u32, i64)>) -> Vec<Wrong> {
    let rows = rows();
    let mut all = Vec::new();
    for function in FUNCTIONS.iter().chain(VARIANTS) {
        let row = usual(&rows, function);
        for (param, _) in function.params.iter().enumerate().filter(|(_, one)| is_descriptor(one.role)) {
            let Some((fd, want)) = fits(function, param) else { continue };
            for choice in CHOICES {
                all.push(Wrong { row: row.clone(), choice, param, fd, want });
            }
        }
    }
    all
}

#[test]
fn a_number_that_is_not_open_is_badf_and_nothing_was_done() {
    let all = each_use(|function, param| Some((CLOSED, refusal(function, function.params[param].name)?)));
    assert!(all.len() > 200, "{}", all.len());
    hold(all);
}

#[test]
fn what_is_no_directory_is_notdir() {
    let all = each_use(|function, param| {
        let is = function.params[param].role == Role::Dirfd;
        let want = refusal(function, function.params[param].name)?;
        // Not 3, which programs use for the root where no directory is open there.
        is.then_some((16, if want == BADF { NOTDIR } else { want }))
    });
    assert!(all.len() > 50, "{}", all.len());
    hold(all);
}

#[test]
fn what_is_no_socket_is_notsock() {
    let sockets = |function: &Function| {
        let name = function.name;
        let passes = ["fd_sendmsg_rights", "fd_recvmsg_rights"].contains(&name);
        let of_wasi = name.starts_with("sock_");
        (function.module == "host_net" && name != "net_close") || passes || of_wasi
    };
    hold(each_use(|function, _| sockets(function).then_some((3, NOTSOCK))));
}

#[test]
fn what_is_no_terminal_is_notty() {
    let want = |name: &str| match name {
        "get_size" => 25,
        "isatty" => 0,
        _ => NOTTY,
    };
    hold(each_use(|function, _| (function.module == "host_tty").then(|| (3, want(function.name)))));
}
