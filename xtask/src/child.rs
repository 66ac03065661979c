//! Runs a program to its end and passes on its output line by line. Ctrl-C ends it.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use crate::{error::Error, machine::Machine};

/// How often a running program is checked.
const CHECK: Duration = Duration::from_millis(50);
/// How long to wait for the last lines of a program that has ended.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Which output of the program is read. The other one stays as the command sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Neither.
    None,
    /// stdout.
    Stdout,
    /// stderr.
    Stderr,
}

/// Runs a command to its end. `hear` gets each line of the output that is read, and `None` at least every 50 ms without one.
///
/// # Errors
///
/// The program does not start, or Ctrl-C was pressed.
pub fn run(
    machine: &Machine,
    command: &mut Command,
    output: Output,
    mut hear: impl FnMut(Option<String>),
) -> Result<ExitStatus, Error> {
    match output {
        Output::None => {}
        Output::Stdout => drop(command.stdout(Stdio::piped())),
        Output::Stderr => drop(command.stderr(Stdio::piped())),
    }
    let program = PathBuf::from(command.get_program());
    let failed = |error| Error::Start { program: program.clone(), error };
    let mut child = command.spawn().map_err(failed)?;
    let lines = listen(&mut child);
    let status = loop {
        match lines.recv_timeout(CHECK) {
            Ok(line) => hear(Some(line)),
            Err(RecvTimeoutError::Timeout) => hear(None),
            // Nothing is read, or the program has closed its output and ends soon.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(CHECK),
        }
        if let Err(interrupted) = machine.go_on() {
            end(&mut child);
            return Err(interrupted);
        }
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
    };
    // The wait has a limit because a child of the program's may live on and keep the pipe open.
    while let Ok(line) = lines.recv_timeout(LAST_LINES) {
        hear(Some(line));
    }
    // A terminal's Ctrl-C also ends the program itself, perhaps before the check above.
    machine.go_on()?;
    Ok(status)
}

/// The lines of a child's piped output, as they come.
fn listen(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || send_lines(stdout, &sender));
    } else if let Some(stderr) = child.stderr.take() {
        thread::spawn(move || send_lines(stderr, &sender));
    }
    receiver
}

fn send_lines(output: impl Read, sender: &Sender<String>) {
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        // Sending fails once nobody listens any more.
        if sender.send(line).is_err() {
            return;
        }
    }
}

fn end(child: &mut Child) {
    // Both fail only if the child has just ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
