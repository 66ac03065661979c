//! A network that writes: how do I train an LSTM to predict the next character, and see after each epoch what it writes? A port of `tch`'s
//! program `char-rnn`, with its numbers.
//!
//! An item is a piece of the text, and its target the piece that begins one character later, so the loss has a class for each position. The hook
//! that shows a text asks for the model as its own type (`model: &CharRnn`) and calls a method of it.
//!
//! `cargo run --release --example char_rnn -- FILE` learns from a text, such as
//! <https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt>. Without it a smaller network learns from this
//! program's own source, in a few seconds.

#[path = "text/characters.rs"]
mod characters;

use characters::Characters;
use mixup::prelude::*;
use tch::{
    Kind, Tensor,
    nn::{self, Module, RNN as _},
};

/// How large the network is, and how it is trained.
pub struct Settings {
    hidden: i64,
    length: i64,
    batch: usize,
    epochs: usize,
}

impl Settings {
    /// Those of `tch`'s program.
    const FULL: Self = Self { hidden: 256, length: 180, batch: 256, epochs: 100 };
    /// For some seconds.
    pub const SMALL: Self = Self { hidden: 64, length: 32, batch: 64, epochs: 3 };
}

/// An LSTM over the characters, and a linear layer that predicts the next one.
#[derive(Debug)]
pub struct CharRnn {
    characters: Characters,
    lstm: nn::LSTM,
    head: nn::Linear,
}

impl CharRnn {
    fn new(vs: &nn::Path<'_>, characters: Characters, hidden: i64) -> Self {
        let lstm = nn::lstm(vs / "lstm", characters.count(), hidden, nn::RNNConfig::default());
        let head = nn::linear(vs / "head", hidden, characters.count(), nn::LinearConfig::default());
        Self { characters, lstm, head }
    }

    fn one_hot(&self, numbers: &Tensor) -> Tensor {
        numbers.one_hot(self.characters.count()).to_kind(Kind::Float)
    }
}

/// From numbers `[n, t]` to scores `[n, characters, t]`: cross-entropy takes the classes in the second place.
impl Module for CharRnn {
    fn forward(&self, text: &Tensor) -> Tensor {
        let (states, _) = self.lstm.seq(&self.one_hot(text));
        states.apply(&self.head).transpose(1, 2)
    }
}

impl CharRnn {
    /// Writes a text. Each character is drawn with the probabilities that the network gives it after those before.
    ///
    /// # Errors
    /// Any error from libtorch.
    pub fn write(&self, length: i64) -> Result<String, BoxError> {
        let _no_grad = tch::no_grad_guard();
        let mut state = self.lstm.zero_state(1);
        let mut text = vec![Tensor::zeros([1], (Kind::Int64, self.head.ws.device()))];
        for last in 0..length as usize {
            state = self.lstm.step(&self.one_hot(&text[last]), &state);
            text.push(state.h().flatten(0, -1).apply(&self.head).softmax(-1, Kind::Float).multinomial(1, true));
        }
        self.characters.text(&Tensor::cat(&text, 0))
    }
}

#[callback(on_backward_end)]
fn clip(gradients: &Gradients) -> Result<(), GradientError> {
    gradients.clip_value(0.5)
}

/// Trains on a text.
///
/// # Errors
/// If the text is too short, or the training fails.
pub fn train(text: &str, Settings { hidden, length, batch, epochs }: Settings) -> Result<Learner, BoxError> {
    let characters = Characters::of(text);
    let data = Data::builder(characters.pieces(text, length)?).batch_size(batch).drop_last(true).build()?;
    let mut learn = Learner::builder(data, move |vs| CharRnn::new(vs, characters, hidden))
        .optimizer(Adam::default().betas(0.9, 0.999))
        .callback(clip)
        .callback(hook!(on_epoch_end, |model: &CharRnn| model.write(1024).map(|text| println!("{text}\n"))))
        .device(mixup::default_device())
        .build()?;
    learn.fit(epochs, 0.01)?;
    Ok(learn)
}

fn main() -> Result<(), BoxError> {
    match std::env::args().nth(1) {
        Some(file) => train(&std::fs::read_to_string(file)?, Settings::FULL)?,
        None => train(include_str!("char_rnn.rs"), Settings::SMALL)?,
    };
    Ok(())
}
