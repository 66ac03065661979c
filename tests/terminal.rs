//! What a training leaves on the terminal, however it ends. Each test runs in its own process on its own terminal.
#![cfg(unix)]
#![allow(clippy::unused_self, reason = "a hook takes its callback, whether it looks at it or not")]

mod support;

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZero,
    os::fd::AsFd as _,
    process::{Child, ExitStatus, exit},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use mixup::{callback::Callback, prelude::*};
use pty_process::{
    Size,
    blocking::{Command, Pty},
};
use signal_hook::{consts::SIGINT, flag, low_level::raise};
use support::process;

const COLUMNS: u16 = 80;

/// Starts a program in the foreground, and ends some time after it, with its status.
const SHELL: &str = r#"trap : INT; "$0" "$@"; status=$?; sleep 0.2; exit $status"#;

/// How long a test waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal on which one test of this file runs in its own process.
struct Terminal {
    keyboard: Pty,
    output: Receiver<Vec<u8>>,
    printed: Vec<u8>,
    screen: vt100::Parser,
    child: Child,
}

impl Terminal {
    /// Starts a test on a terminal with a number of rows.
    fn run(test: &str, rows: u16) -> Self {
        Self::of(test, rows, COLUMNS)
    }

    /// The test runs below a shell, as a user's program does. Without it, the program's end would be the end of the session, at which the kernel
    /// hangs up the terminal and drops what has not been read from it: it may be the `^C` that ended the program.
    fn of(test: &str, rows: u16, columns: u16) -> Self {
        let (terminal, theirs) = pty_process::blocking::open().expect("a terminal");
        terminal.resize(Size::new(rows, columns)).expect("a size");
        let own = process::own(test);
        let mut command =
            Command::new("sh").args(["-c", SHELL]).arg(own.get_program()).args(own.get_args()).env("TERM", "xterm");
        command = command.env("RUST_BACKTRACE", "0");
        for (name, value) in own.get_envs() {
            command = command.env(name, value.unwrap_or_default());
        }
        let child = command.spawn(theirs).expect("it starts");
        let mut reader = File::from(terminal.as_fd().try_clone_to_owned().expect("a second handle"));
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // On Linux, reading fails after the process has ended.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let _ = sender.send(bytes[..read].to_vec());
            }
        });
        let size = |count| NonZero::new(count).expect("no size here is 0");
        let printed = Vec::new();
        Self { keyboard: terminal, output, printed, screen: vt100::Parser::new(size(rows), size(columns), 0), child }
    }

    /// The rows of the screen, without the empty ones.
    fn lines(&self) -> Vec<String> {
        let rows = self.screen.screen().rows(0, 1000).map(|row| row.trim_end().to_owned());
        rows.filter(|row| !row.is_empty()).collect()
    }

    /// Waits until a text has been printed.
    fn wait_for(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.printed).contains(text) {
            let bytes = self.output.recv_timeout(PATIENCE);
            self.print(&bytes.unwrap_or_else(|e| panic!("{e} while waiting for `{text}`: {:#?}", self.lines())));
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.printed.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    fn press_ctrl_c(&mut self) {
        self.keyboard.write_all(b"\x03").expect("the terminal takes it");
    }

    /// Waits for the end of the process, and returns what is on the screen then.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.print(&bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.lines()),
            }
        }
        let status = self.child.wait().expect("it was started");
        (status, self.lines())
    }
}

/// The lines below the table's header.
fn below_the_header(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).skip_while(|line| !line.starts_with("epoch")).skip(1).collect()
}

/// The terminal's title once the third batch has begun: a sign that does not change the screen.
const WAITING: &str = "\x1b]0;waiting\x07";

/// What a callback does at the third training batch of four.
enum At3 {
    WaitForCtrlC(Arc<AtomicBool>),
    WaitForever,
    Raise,
    /// Prints what the terminal prints on a Ctrl-C only after the message about it, as a busy kernel may.
    RaiseAndEchoLate,
    Fail,
    Panic,
    Nothing,
}

#[callback]
impl At3 {
    fn on_loss_begin(&mut self, num_batch: usize, train: bool) -> Result<(), std::io::Error> {
        if num_batch != 2 || !train {
            return Ok(());
        }
        eprint!("{WAITING}");
        let wait = || thread::sleep(Duration::from_millis(10));
        match self {
            Self::WaitForCtrlC(heard) => {
                while !heard.load(Ordering::Relaxed) {
                    wait();
                }
            }
            Self::WaitForever => loop {
                wait();
            },
            Self::Raise => raise(SIGINT)?,
            Self::RaiseAndEchoLate => {
                raise(SIGINT)?;
                thread::sleep(Duration::from_millis(500));
                eprint!("^C");
            }
            Self::Fail => return Err(std::io::Error::other("the disk is full")),
            Self::Panic => panic!("the callback's own message"),
            Self::Nothing => {}
        }
        Ok(())
    }
}

/// What the process on the terminal does: it trains for an epoch of four batches, with the table and the bar, and ends as a
/// program would.
fn train(callback: impl Callback) -> ! {
    let data = support::data(16, 4);
    let builder = Learner::builder(data, |vars| support::linear(vars, 3, 2)).optimizer(Sgd::default());
    let mut learn = builder.callback(callback).build().expect("nothing is wrong with it");
    if let Err(error) = learn.fit(1, 0.1) {
        eprintln!("error: {error}");
    }
    exit(0)
}

#[test]
fn ctrl_c_leaves_only_the_table_and_the_error() {
    const NAME: &str = "ctrl_c_leaves_only_the_table_and_the_error";
    if process::is_own() {
        let heard = Arc::default();
        flag::register(SIGINT, Arc::clone(&heard)).expect("a signal that may be caught");
        train(At3::WaitForCtrlC(heard));
    }
    // On the small terminal, `^C` scrolls the bar up.
    for rows in [24, 4] {
        let mut terminal = Terminal::run(NAME, rows);
        terminal.wait_for(WAITING);
        terminal.press_ctrl_c();
        let (status, lines) = terminal.end();
        assert!(status.success(), "{status}");
        assert_eq!(below_the_header(&lines), ["error: interrupted, epoch 0, training batch 2"], "{lines:#?}");
    }
}

#[test]
fn ctrl_c_says_what_happens_next_while_the_batch_continues() {
    const NAME: &str = "ctrl_c_says_what_happens_next_while_the_batch_continues";
    if process::is_own() {
        train(At3::WaitForever);
    }
    let message = "Stopping after this batch. A second Ctrl-C or signal ends the program at once.";
    for rows in [24, 4] {
        let mut terminal = Terminal::run(NAME, rows);
        terminal.wait_for(WAITING);
        terminal.press_ctrl_c();
        // The whole line: on a Ctrl-C the kernel drops what the program has printed and nobody has read, as the line's end may be.
        terminal.wait_for(&format!("{message:<80}"));
        // The kernel may print the `^C` after it, too.
        let shown = terminal.lines();
        assert!(matches!(*below_the_header(&shown), [line] | [line, "^C"] if line == message), "{shown:#?}");
        terminal.press_ctrl_c();
        let (status, lines) = terminal.end();
        assert_eq!(status.code(), Some(128 + SIGINT), "the second one ends the process");
        assert!(matches!(*below_the_header(&lines), [line, "^C" | "^C^C"] if line == message), "{lines:#?}");
    }
}

#[test]
fn an_interrupt_without_an_echo_clears_the_bar_and_nothing_else() {
    const NAME: &str = "an_interrupt_without_an_echo_clears_the_bar_and_nothing_else";
    if process::is_own() {
        train(At3::Raise);
    }
    let (status, lines) = Terminal::run(NAME, 24).end();
    assert!(status.success(), "{status}");
    assert!(lines.iter().any(|line| line.starts_with("epoch")), "{lines:#?}");
    assert_eq!(below_the_header(&lines), ["error: interrupted, epoch 0, training batch 2"], "{lines:#?}");
}

#[test]
fn an_echo_after_the_message_about_the_interrupt_is_cleared_with_it() {
    const NAME: &str = "an_echo_after_the_message_about_the_interrupt_is_cleared_with_it";
    if process::is_own() {
        train(At3::RaiseAndEchoLate);
    }
    for rows in [24, 4] {
        let mut terminal = Terminal::run(NAME, rows);
        terminal.wait_for("^C");
        let (status, lines) = terminal.end();
        assert!(status.success(), "{status}");
        assert_eq!(below_the_header(&lines), ["error: interrupted, epoch 0, training batch 2"], "{lines:#?}");
    }
}

#[test]
fn an_error_is_printed_below_the_table() {
    const NAME: &str = "an_error_is_printed_below_the_table";
    if process::is_own() {
        train(At3::Fail);
    }
    let (status, lines) = Terminal::run(NAME, 24).end();
    assert!(status.success(), "{status}");
    let text = below_the_header(&lines).concat();
    assert!(text.starts_with("error: callback `At3`, hook `on_loss_begin`") && text.ends_with("the disk is full"));
}

#[test]
fn the_message_of_a_panic_replaces_the_bar() {
    const NAME: &str = "the_message_of_a_panic_replaces_the_bar";
    if process::is_own() {
        train(At3::Panic);
    }
    let (status, lines) = Terminal::run(NAME, 60).end();
    assert!(!status.success(), "{status}");
    let text = below_the_header(&lines);
    assert!(text[0].starts_with(&format!("thread '{NAME}'")), "{lines:#?}");
    assert!(text.contains(&"the callback's own message"), "{lines:#?}");
    assert!(!text.concat().contains(['█', '░']), "{lines:#?}");
}

/// Makes the first two batches so slow that each is drawn.
#[callback(on_batch_end)]
fn slowly(num_batch: usize) {
    if num_batch < 2 {
        thread::sleep(Duration::from_millis(80));
    }
}

#[test]
fn below_the_table_is_a_line_with_a_bar_for_the_training_and_one_for_the_epoch() {
    const NAME: &str = "below_the_table_is_a_line_with_a_bar_for_the_training_and_one_for_the_epoch";
    if process::is_own() {
        let builder = Learner::builder(support::data(16, 4), |vars| support::linear(vars, 3, 2));
        let builder = builder.callback(slowly).callback(At3::WaitForever).optimizer(Sgd::default());
        let _ = builder.build().expect("nothing is wrong with it").fit(2, 0.1);
        exit(0)
    }
    // Half of the first of two epochs.
    for (columns, pattern) in [
        (80, r"^epochs 0/2 █+░+ train 2/4 █+░+ loss 0\.\d{4} \d+(\.\d)? items/s 00:00<00:00$"),
        (
            200,
            r"^epochs 0/2 █{10}░{30} 00:00<00:0\d train 2/4 █{20}░{20} loss 0\.\d{4} \d+(\.\d)? items/s 00:00<00:00$",
        ),
        (40, r"^epochs 0/2 train 2/4 █+░+ loss 0\.\d{4} 00:00<00:00$|^train 2/4 █+░+ 00:00<00:00$"),
    ] {
        let mut terminal = Terminal::of(NAME, 24, columns);
        terminal.wait_for(WAITING);
        let lines = terminal.lines();
        let below = below_the_header(&lines);
        let fits = regex::Regex::new(pattern).expect("a pattern");
        assert!(below.len() == 1 && fits.is_match(below[0]), "{columns} columns: {lines:#?}");
        terminal.press_ctrl_c();
        terminal.wait_for("Stopping");
        terminal.press_ctrl_c();
        terminal.end();
    }
}

#[test]
fn without_a_terminal_there_are_only_plain_lines() {
    const NAME: &str = "without_a_terminal_there_are_only_plain_lines";
    if process::is_own() {
        train(slowly);
    }
    let output = process::run(NAME);
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    let rows = printed.lines().skip_while(|line| !line.starts_with("epoch")).collect::<Vec<_>>();
    assert!(rows.len() == 2 && rows[1].starts_with("0  "), "{printed}");
    assert!(!printed.contains(['\x1b', '\r', '█', '░']), "{printed:?}");
}

#[test]
fn a_training_that_finishes_leaves_only_the_table() {
    const NAME: &str = "a_training_that_finishes_leaves_only_the_table";
    if process::is_own() {
        train(At3::Nothing);
    }
    let (status, lines) = Terminal::run(NAME, 24).end();
    assert!(status.success(), "{status}");
    let rows = below_the_header(&lines);
    assert!(matches!(*rows, [row] if row.starts_with("0  ") && row.ends_with("00:00")), "{lines:#?}");
}

#[test]
fn what_a_callback_prints_during_an_epoch_stays_on_the_screen() {
    const NAME: &str = "what_a_callback_prints_during_an_epoch_stays_on_the_screen";

    struct Prints;

    #[callback]
    impl Prints {
        fn on_batch_begin(&self, num_batch: usize, train: bool) {
            println!("begin {num_batch} {train}");
        }

        fn on_batch_end(&self, num_batch: usize, train: bool) {
            println!("end {num_batch} {train}");
        }
    }

    if process::is_own() {
        train(Prints);
    }
    let (status, lines) = Terminal::run(NAME, 60).end();
    assert!(status.success(), "{status}");
    let passes = [(0, true), (1, true), (2, true), (3, true), (0, false)];
    for (num_batch, train) in passes {
        for moment in ["begin", "end"] {
            let text = format!("{moment} {num_batch} {train}");
            assert!(lines.contains(&text), "`{text}` is not on a line of its own: {lines:#?}");
        }
    }
}
