//! The networks of the bench `step`, each with a batch, and the training step by hand.

use mixup::prelude::*;
use tch::{
    Device, Kind, TchError, Tensor,
    nn::{self, ModuleT as _, OptimizerConfig as _},
    vision::resnet::{resnet18, resnet50},
};

/// Learning rate of every side. It is small, so that the numbers stay ordinary however long a bench runs.
pub const LR: f64 = 1e-4;

/// A network, the shape of its batch and its number of classes.
#[derive(Clone, Copy)]
pub struct Net {
    pub name: &'static str,
    /// How many steps one round has.
    pub steps: usize,
    pub input: &'static [i64],
    pub classes: i64,
    pub build: fn(&nn::Path<'_>) -> nn::FuncT<'static>,
}

pub const NETS: [Net; 5] = [
    Net { name: "linear 1-2", steps: 2000, input: &[1, 1], classes: 2, build: |path| linears(path, &[1, 2], true) },
    Net {
        name: "60 linear of 64",
        steps: 40,
        input: &[32, 64],
        classes: 64,
        build: |path| linears(path, &[64; 61], false),
    },
    Net {
        name: "3 linear of 2048",
        steps: 6,
        input: &[8, 2048],
        classes: 2048,
        build: |path| linears(path, &[2048; 4], false),
    },
    Net { name: "resnet18 32x32", steps: 3, input: &[16, 3, 32, 32], classes: 10, build: |path| resnet18(path, 10) },
    Net { name: "simple_cnn 28x28", steps: 40, input: &[64, 3, 28, 28], classes: 2, build: convs },
];

/// A network whose gradients take 200 MB, more than C's allocator keeps when they are dropped.
#[allow(dead_code, reason = "one of the benches uses it")]
pub const LARGE: Net = Net {
    name: "12 linear of 2048",
    steps: 4,
    input: &[8, 2048],
    classes: 2048,
    build: |path| linears(path, &[2048; 13], false),
};

/// The networks for a GPU, with few and small pictures for a try on the CPU.
#[allow(dead_code, reason = "one of the benches uses it")]
pub fn for_device(device: Device) -> [Net; 2] {
    let (steps, input): (_, &[i64]) = if device.is_cuda() { (20, &[64, 3, 224, 224]) } else { (1, &[2, 3, 64, 64]) };
    [
        Net { name: "resnet18", steps, input, classes: 1000, build: |path| resnet18(path, 1000) },
        Net { name: "resnet50", steps, input, classes: 1000, build: bottlenecks },
    ]
}

#[allow(dead_code, reason = "one of the benches uses it")]
fn bottlenecks(path: &nn::Path<'_>) -> nn::FuncT<'static> {
    let model = resnet50(path, 1000);
    nn::func_t(move |x, train| model.forward_t(x, train))
}

/// Linear layers with ReLU between them. A single one has no path of its own.
fn linears(path: &nn::Path<'_>, sizes: &[i64], single: bool) -> nn::FuncT<'static> {
    let layers = sizes.windows(2).enumerate().map(|(layer, pair)| {
        let path = if single { path.clone() } else { path / layer };
        nn::linear(path, pair[0], pair[1], nn::LinearConfig::default())
    });
    let layers: Vec<_> = layers.collect();
    nn::func_t(move |x, _| {
        let (first, others) = layers.split_first().expect("one layer");
        others.iter().fold(x.apply(first), |x, layer| x.relu().apply(layer))
    })
}

/// The layers of `simple_cnn`.
fn convs(path: &nn::Path<'_>) -> nn::FuncT<'static> {
    let config = nn::ConvConfig { stride: 2, padding: 1, ..Default::default() };
    let layers = [3_i64, 16, 16, 2];
    let layers =
        layers.windows(2).enumerate().map(|(layer, pair)| nn::conv2d(path / layer, pair[0], pair[1], 3, config));
    let layers: Vec<_> = layers.collect();
    nn::func_t(move |x, _| {
        let x = layers.iter().fold(x.shallow_clone(), |x, layer| x.apply(layer).relu());
        x.adaptive_avg_pool2d([1, 1]).flatten(1, -1)
    })
}

/// Which optimizer steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opt {
    AdamW,
    Sgd,
}

impl Opt {
    /// The name of the bench.
    pub fn bench(self) -> &'static str {
        if self == Self::AdamW { "step" } else { "step-sgd" }
    }
}

impl Net {
    /// A batch, the same for every call after the same seed.
    pub fn batch(&self, device: Device) -> (Tensor, Tensor) {
        tch::manual_seed(0);
        let x = Tensor::randn(self.input, (Kind::Float, Device::Cpu));
        let y = Tensor::randint(self.classes, [self.input[0]], (Kind::Int64, Device::Cpu));
        (x.to(device), y.to(device))
    }

    /// A learner whose epoch is one round.
    pub fn learner(&self, opt: Opt, device: Device) -> Result<Learner, Box<dyn std::error::Error>> {
        let (x, y) = self.batch(device);
        let batch = || Batch { input: x.shallow_clone().into(), target: y.shallow_clone().into() };
        let data = Data::from_batches((0..self.steps).map(|_| batch()).collect(), vec![])?;
        let build = self.build;
        let builder = Learner::builder(data, move |vars| build(vars.path())).device(device).quiet();
        let builder = match opt {
            Opt::AdamW => builder.optimizer(AdamW::default()),
            Opt::Sgd => builder.optimizer(Sgd::default().momentum(0.9)),
        };
        Ok(builder.build()?)
    }
}

/// The training step by hand.
pub struct ByHand {
    model: nn::FuncT<'static>,
    opt: nn::Optimizer,
    batch: (Tensor, Tensor),
    steps: usize,
}

impl ByHand {
    /// The same network with the learner's first weights, in memory of its own.
    pub fn new(net: &Net, opt: Opt, learn: &Learner) -> Result<Self, TchError> {
        let device = learn.params().var_store().device();
        let vars = nn::VarStore::new(device);
        let model = (net.build)(&vars.root());
        let first = learn.params().var_store().variables();
        tch::no_grad(|| {
            for (name, mut tensor) in vars.variables() {
                tensor.copy_(&first[&name]);
            }
        });
        let opt = match opt {
            Opt::AdamW => nn::adamw(0.9, 0.99, 0.01).build(&vars, LR)?,
            Opt::Sgd => nn::sgd(0.9, 0.0, 0.0, false).build(&vars, LR)?,
        };
        Ok(Self { model, opt, batch: net.batch(device), steps: net.steps })
    }

    /// One round.
    pub fn run(&mut self) {
        let (x, y) = &self.batch;
        for _ in 0..self.steps {
            let loss = self.model.forward_t(x, true).cross_entropy_for_logits(y);
            self.opt.zero_grad();
            loss.backward();
            self.opt.step();
        }
    }
}
