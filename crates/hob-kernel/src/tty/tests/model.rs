//! What holds whatever is typed, written, read and set.

use proptest::prelude::*;

use super::*;
use crate::limits::LINE_BYTES_MAX;
use crate::tty::echo::ECHOES_MAX;
use crate::tty::termios::ControlFlags;

#[derive(Clone, Debug)]
enum Step {
    Type(Vec<u8>),
    TypeMuch(u8, usize),
    Write(Vec<u8>),
    WriteMuch(u8, usize),
    Read(usize),
    Show(usize),
    Set(Termios),
    Flush(Queue),
    Flow(Flow),
    Reopen,
}

/// Bytes, of which many mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let special = proptest::sample::select(
        &b"\x00\x03\x04\x08\t\n\r\x11\x12\x13\x15\x16\x17\x1a\x1c\x7f\xc3\xa9\xff"[..],
    );
    proptest::collection::vec(prop_oneof![special, any::<u8>(), Just(b'a')], 0..40)
}

fn termios() -> impl Strategy<Value = Termios> {
    let word = |all: u32| any::<u32>().prop_map(move |bits| bits & all);
    let characters = prop_oneof![
        3 => Just(Characters::default()),
        1 => any::<[u8; 19]>().prop_map(Characters::from_linux),
    ];
    (word(0o77777), word(0o177777), word(0o577777), characters).prop_map(
        |(input, output, local, characters)| Termios {
            input: InputFlags::from_bits(input),
            output: OutputFlags::from_bits(output),
            control: ControlFlags::default(),
            local: LocalFlags::from_bits(local),
            characters,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let much = || (proptest::sample::select(&b"a\n\t\x12\x15\x04\xff\x7f"[..]), 0..3 * BUFFER_BYTES / 2);
    prop_oneof![
        6 => bytes().prop_map(Step::Type),
        1 => much().prop_map(|(byte, count)| Step::TypeMuch(byte, count)),
        3 => bytes().prop_map(Step::Write),
        1 => much().prop_map(|(byte, count)| Step::WriteMuch(byte, count)),
        3 => (0_usize..200).prop_map(Step::Read),
        3 => (0_usize..9000).prop_map(Step::Show),
        2 => termios().prop_map(Step::Set),
        1 => proptest::sample::select(vec![Queue::Input, Queue::Output, Queue::Both]).prop_map(Step::Flush),
        1 => proptest::sample::select(vec![Flow::StopOutput, Flow::StartOutput, Flow::StopInput]).prop_map(Step::Flow),
        1 => Just(Step::Reopen),
    ]
}

/// What is promised of every state: the bounds, and that who is told it need not wait need not.
fn holds(pair: &Pair) -> Result<(), TestCaseError> {
    let terminal = pair.slave.terminal();
    let (input, output, line, edits) = terminal.look(|state| {
        let own = &state.discipline;
        (own.input.len(), own.output.len(), own.input.line_len(), own.termios.edits())
    });
    prop_assert!(input <= BUFFER_BYTES && output <= BUFFER_BYTES);
    prop_assert!(terminal.look(|state| state.discipline.waiting()) <= ECHOES_MAX);
    prop_assert!(!edits || line < LINE_BYTES_MAX);
    prop_assert!(pair.slave.control(&caller(10)).attributes().is_ok());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_grows_past_its_bound(steps in proptest::collection::vec(step(), 0..60)) {
        let mut pair = Pair::new();
        for step in steps {
            let (readable, writable, typable) =
                (pair.slave.ready().read, pair.slave.ready().write, pair.master.ready().write);
            match step {
                Step::Type(typed) => {
                    let taken = pair.type_in(&typed);
                    prop_assert!(taken > 0 || typed.is_empty() || !typable);
                }
                Step::TypeMuch(byte, count) => _ = pair.type_in(&vec![byte; count]),
                Step::Write(written) => {
                    let count = pair.write(&written);
                    prop_assert!(count != Err(Errno::Again) || !writable);
                }
                Step::WriteMuch(byte, count) => _ = pair.write(&vec![byte; count]),
                Step::Read(count) => {
                    let read = pair.read(count);
                    prop_assert!(read != Err(Errno::Again) || !readable || pair.slave.read_timeout().is_some());
                }
                Step::Show(count) => {
                    let expected = pair.master.ready().bytes.min(count as u64);
                    let shown = pair.master.try_read(&caller(10), &mut vec![0; count]);
                    prop_assert_eq!(shown.unwrap_or(0) as u64, expected);
                }
                Step::Set(termios) => {
                    pair.slave.control(&caller(10)).set_attributes(When::Now, &termios).unwrap();
                }
                Step::Flush(queue) => pair.slave.control(&caller(10)).flush(queue).unwrap(),
                Step::Flow(flow) => pair.slave.control(&caller(10)).flow(flow).unwrap(),
                Step::Reopen => pair.slave = pair.slave.terminal().open_slave().unwrap(),
            }
            holds(&pair)?;
        }
    }

    #[test]
    fn unedited_bytes_come_out_as_they_went_in(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..9000), 1..20),
        reads in proptest::collection::vec(1_usize..9000, 1..20),
    ) {
        let pair = Pair::new();
        let raw = pair.slave.control(&caller(10)).attributes().unwrap().raw();
        pair.slave.control(&caller(10)).set_attributes(When::Now, &raw).unwrap();
        let data = chunks.concat();
        let (mut typed, mut written) = (&data[..], &data[..]);
        let (mut read, mut shown) = (Vec::new(), Vec::<u8>::new());
        let mut sizes = chunks.iter().map(Vec::len).cycle();
        let mut reads = reads.into_iter().cycle();
        while read.len() < data.len() || shown.len() < data.len() {
            let size = sizes.next().unwrap();
            typed = &typed[pair.type_in(&typed[..size.min(typed.len())])..];
            written = &written[pair.write(&written[..size.min(written.len())]).unwrap_or(0)..];
            let count = reads.next().unwrap();
            read.extend(pair.read(count).unwrap_or_default());
            let mut buf = vec![0; count];
            let count = pair.master.try_read(&caller(10), &mut buf).unwrap_or(0);
            shown.extend(&buf[..count]);
        }
        prop_assert!(read == data && shown == data);
    }

    #[test]
    fn a_read_of_lines_never_goes_past_one(
        text in "[a-c\n]{0,200}",
        reads in proptest::collection::vec(1_usize..20, 1..20),
    ) {
        let pair = Pair::new();
        prop_assert_eq!(pair.type_in(text.as_bytes()), text.len());
        let mut all = Vec::new();
        for count in reads.into_iter().cycle() {
            let Ok(part) = pair.read(count) else { break };
            let inner = part.len().saturating_sub(1);
            prop_assert!(!part.is_empty() && !part[..inner].contains(&b'\n'));
            prop_assert!(part.len() == count || part.ends_with(b"\n"));
            all.extend(part);
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        prop_assert_eq!(&all[..], &text.as_bytes()[..whole]);
    }
}
