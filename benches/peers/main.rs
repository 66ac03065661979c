//! Compares MixUp with other libraries (its peers): fastai, timm and torchvision. It times the whole transform of a batch, including the
//! draws, and `torch.add(out=)` to a reused buffer. It also compares whole training steps with PyTorch's, and the
//! loading of photos with its `DataLoader`. All sides take turns in one run and use the same number of threads.
//!
//! The peers run in a separate Python process, which waits until it is asked for a round. `cargo xtask bench --peers` installs that
//! Python and passes its path in `MIXUP_PEERS_PYTHON`. The figures are printed to stdout as JSON lines; if `MIXUP_PEERS_PAGE` names a
//! page, they are also written to that page as a table. `cargo xtask bench --peers -- loader` measures only a part (`mix`, `step`, `epoch`, `loader`).
//! `cargo xtask bench --peers --device cuda` measures on a GPU instead ([`on_device`]).

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use mixup::{
    batch::with_fresh,
    callbacks::mixing::{Mode, Pairing},
    prelude::*,
};
use rand::SeedableRng as _;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

mod epoch;
mod loading;
#[path = "../support/nets.rs"]
mod nets;
#[path = "../support/notebook.rs"]
mod notebook;
mod on_device;
mod page;
#[path = "../support/photos.rs"]
mod photos;
mod step;
#[path = "../support/mod.rs"]
mod support;
use page::{Figures, Page, Row};
use support::{median, rounded};

const SHAPES: [([i64; 4], usize); 3] = [([64, 3, 28, 28], 200), ([256, 3, 32, 32], 40), ([64, 3, 224, 224], 2)];
const ROUNDS: usize = 15;
const OURS: &str = "mixup, in place";
const OURS_PER_BATCH: &str = "mixup, in place, mode batch";
const PREPARED: &str = "mixup, a prepared batch";
const ADD: &str = "torch.add(out=)";

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let Some(python) = env::var_os("MIXUP_PEERS_PYTHON") else {
        eprintln!(
            "MIXUP_PEERS_PYTHON is not set: run `cargo xtask bench --peers`, which installs a Python with the peers"
        );
        return Ok(());
    };
    let threads = tch::get_num_threads();
    let mut peers = Peers::start(&python, threads)?;
    if let Some(device) = env::var_os("MIXUP_PEERS_DEVICE") {
        return on_device::compare_all(&device.to_string_lossy(), &mut peers);
    }
    let mut page = Page::new(&peers.versions, threads);
    let scratch = tempfile::tempdir()?;
    // cargo itself passes `--bench`.
    let named: Vec<String> = env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let asked = |name: &str| named.is_empty() || named.iter().any(|other| other == name);
    if asked("mix") {
        for (shape, units) in SHAPES {
            let figures = compare(shape, units, &mut peers)?;
            for line in figures.lines("peers") {
                println!("{line}");
            }
            page.add(&figures);
        }
    }
    if asked("step") {
        let steps = step::compare_all(&mut peers, scratch.path())?;
        steps.iter().flat_map(step::Steps::lines).for_each(|line| println!("{line}"));
        page.add_text(&step::tables(&steps));
    }
    if asked("epoch") {
        let epochs = epoch::compare(&mut peers)?;
        epochs.lines().iter().for_each(|line| println!("{line}"));
        page.add_text(&epochs.table());
    }
    if asked("loader") {
        let photos = loading::compare(&mut peers, scratch.path())?;
        println!("{}", photos.line());
        page.add_text(&photos.table());
    }
    if !named.is_empty() {
        return Ok(()); // the page needs all of it
    }
    if let Some(place) = env::var_os("MIXUP_PEERS_PAGE") {
        page.write(place.as_ref())?;
        eprintln!("wrote the table to {}", place.display());
    }
    Ok(())
}

/// Times all sides in turn, round after round. A first round warms up and does not count.
fn compare(shape: [i64; 4], units: usize, peers: &mut Peers) -> Result<Figures, Failure> {
    let kind = (Kind::Float, Device::Cpu);
    let ours = [(OURS, Mode::Elem), (OURS_PER_BATCH, Mode::Batch), (PREPARED, Mode::Elem), (ADD, Mode::Elem)];
    let mut rows: Vec<_> = ours.map(|(name, per)| Row { name: name.to_owned(), per, times: Vec::new() }).into();
    rows.extend(peers.names.iter().map(|(name, per)| Row { name: name.clone(), per: *per, times: Vec::new() }));
    let [mut made, mut per_batch, mut prepared] =
        [Mode::Elem, Mode::Batch, Mode::Elem].map(|mode| Ours::new(shape, mode, Device::Cpu));
    let [batch, other, sum] = [(), (), ()].map(|()| Tensor::rand(shape, kind));
    for round in 0..=ROUNDS {
        for turn in 0..rows.len() {
            // The sides take turns at being first, so that none always finds the warmer machine.
            let side = (turn + round) % rows.len();
            let us = match side {
                0 => timed(units, || made.mix(true))?,
                1 => timed(units, || per_batch.mix(true))?,
                2 => timed(units, || prepared.mix(false))?,
                3 => timed(units, || add(&batch, &other, &sum))?,
                _ => peers.round(&rows[side].name, shape, units)?,
            };
            if round > 0 {
                rows[side].times.push(us);
            }
        }
    }
    Ok(Figures { case: shape.map(|size| size.to_string()).join("×"), rows })
}

/// What the memory traffic alone costs.
fn add(batch: &Tensor, other: &Tensor, sum: &Tensor) -> Result<(), Failure> {
    let _ = batch.f_add_out(sum, other)?;
    Ok(())
}

fn timed(units: usize, mut run: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let began = Instant::now();
    for _ in 0..units {
        run()?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / units as f64)
}

/// Our side: the lines of the callback's hook, and those of the learner that lead to it.
struct Ours {
    batch: Tensor,
    classes: Tensor,
    pairing: Pairing,
    mixup: MixUp,
    rng: Rng,
}

impl Ours {
    fn new(shape: [i64; 4], mode: Mode, device: Device) -> Self {
        let batch = Tensor::rand(shape, (Kind::Float, device));
        let classes = Tensor::randint(10, [shape[0]], (Kind::Int64, device));
        let pairing = Pairing::new(0.4).expect("alpha is positive").heavier(true).mode(mode);
        Self { batch, classes, pairing, mixup: MixUp::default(), rng: Rng::seed_from_u64(0) }
    }

    /// Mixes the batch. `made`: as if a data set had made the batch for this step.
    fn mix(&mut self, made: bool) -> Result<(), Failure> {
        let mut input = Input::from(self.batch.shallow_clone());
        let mut target = Target::from(self.classes.shallow_clone());
        let fresh = if made { &[&self.batch, &self.classes][..] } else { &[] };
        let draws = self.pairing.draw(input.items(), 0, &mut self.rng).ok_or("every batch is mixed")?;
        Ok(with_fresh(fresh, || self.mixup.mix(&mut input, &mut target, &draws))?)
    }
}

/// The Python process with the peers.
struct Peers {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// Each peer's name, and whether it draws a weight per item or per batch.
    names: Vec<(String, Mode)>,
    /// Each library's name and version.
    versions: Vec<(String, String)>,
}

impl Peers {
    fn start(python: &std::ffi::OsStr, threads: i32) -> Result<Self, Failure> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/peers.py");
        eprintln!("loading the peers …");
        // With our libtorch on the library path, Python would load it in addition to its own.
        let mut child = Command::new(python)
            .arg(script)
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} failed to start: {error}", python.display()))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take().map(BufReader::new)) else {
            return Err("Python has no stdin or stdout".into());
        };
        let mut peers = Self { child, to, from, names: Vec::new(), versions: Vec::new() };
        let answer = peers.ask(&json!({ "threads": threads }))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let per = |value: &Value| if value == "batch" { Mode::Batch } else { Mode::Elem };
        let names = answer["peers"].as_array().into_iter().flatten();
        peers.names = names.map(|peer| (text(&peer[0]), per(&peer[1]))).collect();
        let versions = answer["versions"].as_object().into_iter().flatten();
        peers.versions = versions.map(|(name, version)| (name.clone(), text(version))).collect();
        Ok(peers)
    }

    /// Runs one round of a peer; returns microseconds per batch.
    fn round(&mut self, peer: &str, shape: [i64; 4], units: usize) -> Result<f64, Failure> {
        let answer = self.ask(&json!({ "peer": peer, "shape": shape, "units": units }))?;
        answer["us"].as_f64().ok_or_else(|| format!("{peer} answered {answer}").into())
    }

    fn ask(&mut self, question: &Value) -> Result<Value, Failure> {
        let mut answer = String::new();
        let asked = writeln!(self.to, "{question}").and_then(|()| self.to.flush());
        asked.and_then(|()| self.from.read_line(&mut answer))?;
        if answer.is_empty() {
            let status = self.child.wait()?;
            return Err(format!("the peers' Python process ended ({status}); its output is above").into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It would end by itself when its stdin closes; this is faster.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Figures {
    /// A JSON line for each side that ours is compared with.
    fn lines(&self, bench: &str) -> Vec<Value> {
        let line = |row: &Row| {
            json!({
                "bench": bench,
                "case": self.case,
                "ours": self.ours(row).name,
                "ours_us": rounded(median(self.ours(row).times.clone())),
                "reference": row.name,
                "reference_us": rounded(median(row.times.clone())),
                "ratio": rounded(self.ratio(row)),
            })
        };
        self.rows.iter().filter(|row| !std::ptr::eq(*row, self.ours(row))).map(line).collect()
    }

    /// Our side in place, in the mode that draws as `other` does.
    fn ours(&self, other: &Row) -> &Row {
        &self.rows[usize::from(other.per == Mode::Batch)]
    }

    /// Our time divided by the other's: the median over the rounds.
    fn ratio(&self, other: &Row) -> f64 {
        median(self.ours(other).times.iter().zip(&other.times).map(|(ours, theirs)| ours / theirs).collect())
    }
}
