//! A small GPT: how do I except biases, norms and embeddings from weight decay, clip the gradients, and look at what the model writes in the
//! middle of an epoch? A port of `tch`'s program `min-gpt`, with its numbers.
//!
//! `tch`'s program has a linear layer of its own that puts weights and biases into two groups. Here the rule `no_decay` chooses by name and shape,
//! and the layers are `tch`'s.
//!
//! `cargo run --release --example min_gpt -- FILE` learns from a text, such as
//! <https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt>, and saves the parameters every 10,000 batches.
//! `… -- FILE gpt10000.ot START` continues the text `START` with these. Without arguments a much smaller network learns from this program's own
//! source, in a few seconds.

#[path = "text/characters.rs"]
mod characters;

use std::path::Path;

use characters::Characters;
use mixup::prelude::*;
use tch::{IndexOp as _, Kind, TchError, Tensor, nn};

/// How large the network is, how it is trained, and how much it writes after how many batches.
#[derive(Clone, Copy)]
pub struct Settings {
    width: i64,
    heads: i64,
    layers: i64,
    length: i64,
    batch: usize,
    epochs: usize,
    lr: f64,
    every: usize,
    sample: usize,
}

impl Settings {
    /// Those of `tch`'s program.
    #[rustfmt::skip]
    const FULL: Self = Self {
        width: 512, heads: 8, layers: 8, length: 128, batch: 64, epochs: 100, lr: 3e-4, every: 10_000, sample: 4096,
    };
    /// For some seconds.
    #[rustfmt::skip]
    pub const SMALL: Self = Self {
        width: 32, heads: 2, layers: 2, length: 32, batch: 32, epochs: 1, lr: 3e-3, every: 100, sample: 200,
    };
}

const DROPOUT: f64 = 0.1;

fn linear(vs: nn::Path<'_>, from: i64, to: i64, bias: bool) -> nn::Linear {
    let ws_init = nn::Init::Randn { mean: 0.0, stdev: 0.02 };
    nn::linear(vs, from, to, nn::LinearConfig { ws_init, bs_init: Some(nn::Init::Const(0.0)), bias })
}

/// Attention to the characters so far, `[n, t, width]`.
fn attention(vs: &nn::Path<'_>, Settings { width, heads, .. }: Settings) -> nn::FuncT<'static> {
    let (qkv, out) = (linear(vs / "qkv", width, 3 * width, true), linear(vs / "out", width, width, true));
    nn::func_t(move |x, train| {
        let qkv = x.apply(&qkv).unflatten(-1, [3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
        let (q, k, v) = (qkv.get(0), qkv.get(1), qkv.get(2));
        let dropout = if train { DROPOUT } else { 0.0 };
        let seen = Tensor::scaled_dot_product_attention::<Tensor>(&q, &k, &v, None, dropout, true, None, false);
        seen.transpose(1, 2).flatten(2, 3).apply(&out).dropout(DROPOUT, train)
    })
}

fn block(vs: &nn::Path<'_>, settings: Settings) -> nn::FuncT<'static> {
    let norm = |name| nn::layer_norm(vs / name, vec![settings.width], nn::LayerNormConfig::default());
    let attend = nn::seq_t().add(norm("norm1")).add(attention(&(vs / "attention"), settings));
    let think = nn::seq_t()
        .add(norm("norm2"))
        .add(linear(vs / "in", settings.width, 4 * settings.width, true))
        .add_fn(|x| x.gelu("none"))
        .add(linear(vs / "out", 4 * settings.width, settings.width, true))
        .add_fn_t(|x, train| x.dropout(DROPOUT, train));
    nn::func_t(move |x, train| {
        let x = x + x.apply_t(&attend, train);
        &x + x.apply_t(&think, train)
    })
}

/// A GPT over characters.
#[derive(Debug)]
pub struct Gpt {
    characters: Characters,
    places: Tensor,
    embedding: nn::Embedding,
    blocks: nn::SequentialT,
}

impl Gpt {
    fn new(vs: &nn::Path<'_>, characters: Characters, settings: Settings) -> Self {
        let Settings { width, length, layers, .. } = settings;
        let blocks = (0..layers).fold(nn::seq_t(), |blocks, layer| blocks.add(block(&(vs / layer), settings)));
        let blocks = blocks.add(nn::layer_norm(vs / "norm", vec![width], nn::LayerNormConfig::default()));
        Self {
            places: vs.zeros("place_embedding", &[length, width]),
            embedding: nn::embedding(vs / "embedding", characters.count(), width, nn::EmbeddingConfig::default()),
            blocks: blocks.add(linear(vs / "head", width, characters.count(), false)),
            characters,
        }
    }
}

/// From numbers `[n, t]` to scores `[n, characters, t]`: cross-entropy takes the classes in the second place.
impl nn::ModuleT for Gpt {
    fn forward_t(&self, text: &Tensor, train: bool) -> Tensor {
        let x = text.apply(&self.embedding) + self.places.i(..text.size()[1]);
        x.dropout(DROPOUT, train).apply_t(&self.blocks, train).transpose(1, 2)
    }
}

impl Gpt {
    /// Continues a text by `length` characters. Each is drawn with the probabilities that the network gives it after those before.
    ///
    /// # Errors
    /// If `start` has a character that is not in the text that was learnt.
    pub fn write(&self, start: &str, length: usize) -> Result<String, BoxError> {
        let _no_grad = tch::no_grad_guard();
        let mut text = self.characters.numbers(start)?.to_device(self.places.device()).unsqueeze(0);
        for _ in 0..length {
            let seen = text.i((.., (text.size()[1] - self.places.size()[0]).max(0)..));
            let next = seen.apply_t(self, false).i((.., .., -1)).softmax(-1, Kind::Float).multinomial(1, true);
            text = Tensor::cat(&[text, next], 1);
        }
        self.characters.text(&text.get(0))
    }
}

#[callback(on_backward_end)]
fn clip(gradients: &Gradients) -> Result<(), GradientError> {
    gradients.clip_value(0.5)
}

/// Shows what the network writes.
struct Show(Settings);

#[callback]
impl Show {
    #[on(batch_end, train, every = self.0.every)]
    fn show(&self, iteration: usize, smooth_loss: f64, model: &Gpt) -> Result<(), BoxError> {
        println!("batch {}, loss {smooth_loss:.3}:\n{}\n", iteration + 1, model.write("\n", self.0.sample)?);
        Ok(())
    }
}

#[callback(on_batch_end, train, every = 10_000)]
fn save(iteration: usize, params: &Params) -> Result<(), TchError> {
    params.var_store().save(format!("gpt{}.ot", iteration + 1))
}

/// Trains on a text.
///
/// # Errors
/// If the text is too short, or the training fails.
pub fn train(text: &str, settings: Settings) -> Result<Learner, BoxError> {
    let characters = Characters::of(text);
    let pieces = characters.pieces(text, settings.length)?;
    let data = Data::builder(pieces).batch_size(settings.batch).drop_last(true).build()?;
    let mut learn = Learner::builder(data, move |vs| Gpt::new(vs, characters, settings))
        .optimizer(AdamW::default().betas(0.9, 0.999).wd(0.1))
        .no_decay(|name, tensor| tensor.dim() < 2 || name.contains("embedding"))
        .callback(clip)
        .callback(Show(settings))
        .callback(save)
        .device(mixup::default_device())
        .build()?;
    learn.fit(settings.epochs, settings.lr)?;
    Ok(learn)
}

/// Continues the text `start` with a network that has learnt `text` and was saved.
///
/// # Errors
/// If the file does not have the parameters of such a network, or `start` has a character that is not in `text`.
pub fn predict(text: &str, file: impl AsRef<Path>, start: &str, settings: Settings) -> Result<String, BoxError> {
    let mut vs = nn::VarStore::new(mixup::default_device());
    let gpt = Gpt::new(&vs.root(), Characters::of(text), settings);
    vs.load(file)?;
    gpt.write(start, settings.sample)
}

fn main() -> Result<(), BoxError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let text = args.first().map(std::fs::read_to_string).transpose()?;
    match (&text, &args[..]) {
        (Some(text), [_, file, start]) => println!("{}", predict(text, file, start, Settings::FULL)?),
        (Some(text), _) => drop(train(text, Settings::FULL)?),
        (None, _) => drop(train(include_str!("min_gpt.rs"), Settings::SMALL)?),
    }
    Ok(())
}
