//! What a step costs on several ranks, as a line of JSON: `mpirun -n 2 target/release/examples/scaling --width 2048 --batch 32`.

use std::time::{Duration, Instant};

use clap::Parser;
use mixup::{model::Vars, prelude::*};
use mixup_mpi::{DataParallel, Mpi, Parallel as _, Spent};
use serde_json::json;
use tch::{Device, Kind, Tensor, nn};

/// Measure the steps of a training on all processes that `mpirun` has started
#[derive(Parser, Debug)]
struct Options {
    /// The width of the network's layers; a layer has width × width parameters
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(i64).range(1..))]
    width: i64,
    /// How many layers of this width it has
    #[arg(long, default_value_t = 3)]
    layers: usize,
    /// Items per batch of each rank (weak scaling), or of all ranks together with --strong
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Divide the batch by the number of ranks
    #[arg(long)]
    strong: bool,
    /// How many steps are measured, after a tenth as many that are not
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Threads of each rank
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    threads: i32,
}

/// Takes the time when the first steps are over, and what they have cost.
struct Watch {
    first: usize,
    began: Option<(Instant, Spent)>,
    took: Duration,
    spent: Spent,
}

#[callback(stateless)]
impl Watch {
    fn on_step_end(&mut self, steps: usize, parallel: &DataParallel) {
        match &self.began {
            None if steps >= self.first => self.began = Some((Instant::now(), parallel.spent())),
            Some((began, _)) => (self.took, self.spent) = (began.elapsed(), parallel.spent()),
            None => {}
        }
    }
}

fn main() -> Result<(), BoxError> {
    let options = Options::parse();
    tch::set_num_threads(options.threads);
    let mpi = Mpi::init()?;
    let ranks = mpi.size();
    let batch = if options.strong { (options.batch as usize / ranks).max(1) } else { options.batch as usize };
    let warm_up = (options.steps as usize / 10).max(1);
    let items = (ranks * batch * (options.steps as usize + warm_up)) as i64;
    let width = options.width;
    // One item again and again: it is not the loading that is measured.
    let inputs = Tensor::randn([1, width], (Kind::Float, Device::Cpu)).expand([items, width], false);
    let data = TensorDataset::new(inputs, Tensor::zeros([items], (Kind::Int64, Device::Cpu)))?;
    let layers = options.layers;
    let model = move |vs: &Vars<'_>| {
        let wide = (0..layers).fold(nn::seq(), |net, layer| {
            net.add(nn::linear(vs / layer, width, width, nn::LinearConfig::default())).add_fn(Tensor::relu)
        });
        wide.add(nn::linear(vs / "last", width, 10, nn::LinearConfig::default()))
    };
    let watch = Watch { first: warm_up, began: None, took: Duration::ZERO, spent: Spent::default() };
    let builder = Learner::builder(Data::builder(data).batch_size(batch).build()?, model);
    let mut learn = builder.optimizer(Sgd::default()).callback(watch).data_parallel(&mpi).quiet().build()?;
    learn.fit(1, 1e-3)?;
    let parameters = learn.params().numel();
    let watch = learn.get::<Watch>().ok_or("it was added")?;
    let (_, before) = watch.began.as_ref().ok_or("there were steps")?;
    let steps = watch.spent.steps - before.steps;
    let of_step = |time: Duration| (time.as_secs_f64() * 1e6 / steps as f64).round();
    let line = json!({
        "ranks": ranks,
        "threads": options.threads,
        "parameters": parameters,
        "batch": batch,
        "steps": steps,
        "step_us": of_step(watch.took),
        "copy_us": of_step(watch.spent.copying.saturating_sub(before.copying)),
        "exchange_us": of_step(watch.spent.exchanging.saturating_sub(before.exchanging)),
        "wait_us": of_step(watch.spent.waiting.saturating_sub(before.waiting)),
        "bytes": (watch.spent.bytes - before.bytes) / steps,
    });
    if mpi.world().is_first() {
        println!("{line}");
    }
    Ok(())
}
