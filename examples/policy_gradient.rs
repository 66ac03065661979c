//! Reinforcement learning: how do I train a network on what it does itself? A port of `tch`'s program of the same name, the policy gradient with
//! rewards to go (as in `OpenAI`'s Spinning Up, part 3).
//!
//! There is no data set: a training step of its own plays games of balancing a pole on a cart and then optimizes the probability of what went well.
//! The reward per game is a value that the step publishes, and a callback stops when it is high enough.
//!
//! `cargo run --release --example policy_gradient`

#[path = "policy_gradient/cart_pole.rs"]
mod cart_pole;

use cart_pole::CartPole;
use mixup::{model::Vars, prelude::*};
use tch::{Kind, Tensor, nn};

/// The logits of a push to the left and to the right, from the four numbers of the state.
fn policy(vs: &Vars<'_>) -> nn::Sequential {
    nn::seq().add(nn::linear(vs / "lin1", 4, 32, nn::LinearConfig::default())).add_fn(Tensor::tanh).add(nn::linear(
        vs / "lin2",
        32,
        2,
        nn::LinearConfig::default(),
    ))
}

/// Plays games of at least this many moves in all, and learns from them.
struct Play {
    moves: usize,
}

impl TrainStep for Play {
    fn step(&mut self, now: &mut Step<'_>) -> Result<(), BoxError> {
        let (mut states, mut actions, mut to_go) = (Vec::new(), Vec::new(), Vec::new());
        let mut games = 0;
        while actions.len() < self.moves {
            let (begin, mut game) = (actions.len(), CartPole::new(now.rng()));
            loop {
                let state = Tensor::from_slice(&game.state());
                let draw: f64 = now.rng().random();
                let policy: &nn::Sequential = now.model()?;
                let left = tch::no_grad(|| state.apply(policy).softmax(-1, Kind::Float).double_value(&[0]));
                states.push(state);
                actions.push(i64::from(draw >= left));
                if !game.push(draw >= left) {
                    break;
                }
            }
            // Each move earned 1, so what is still to come is the number of moves that are left.
            to_go.extend((0..actions.len() - begin).rev().map(|later| later as f32 + 1.0));
            games += 1;
        }
        now.publish("reward", actions.len() as f64 / f64::from(games))?;
        let logits = Tensor::stack(&states, 0).apply(now.model::<nn::Sequential>()?);
        let chosen = logits.log_softmax(1, Kind::Float).gather(1, &Tensor::from_slice(&actions).unsqueeze(1), false);
        now.optimize_all(-(Tensor::from_slice(&to_go) * chosen.squeeze_dim(1)).mean(Kind::Float))
    }

    fn uses(&self) -> &'static [Uses] {
        &[]
    }

    fn values(&self) -> Vec<String> {
        vec!["reward".to_owned()]
    }
}

/// The games of a policy that balances the pole to the end have 200 moves.
#[callback(on_epoch_end)]
fn stop_at_195(reward: &Value) -> Result<Option<StopTraining>, ReadError> {
    Ok((reward.mean()? > Some(195.0)).then(|| StopTraining::because("the pole is balanced")))
}

/// Returns the mean reward of the games of the first and of the last epoch.
///
/// # Errors
/// If the training fails.
pub fn train(epochs: usize, moves: usize) -> Result<(f64, f64), BoxError> {
    let mut learn = Learner::builder(Data::of_steps(1)?, policy)
        .step(Play { moves })
        .optimizer(Adam::default().betas(0.9, 0.999))
        .callback(stop_at_195)
        .build()?;
    let rewards: Vec<f64> = learn.fit(epochs, 1e-2)?.epochs.iter().map(|epoch| epoch.values[0]).collect();
    Ok(rewards.first().copied().zip(rewards.last().copied()).ok_or("no epoch was played")?)
}

fn main() -> Result<(), BoxError> {
    let (first, last) = train(50, 5_000)?;
    println!("\nreward per game: {first:.1} at first, {last:.1} at last");
    Ok(())
}
