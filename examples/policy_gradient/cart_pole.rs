//! A pole on a cart, which is pushed to the left or to the right.
//!
//! Source: Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control problems" (1983), with the
//! constants of Gym's `CartPole-v0`.

use mixup::{Rng, rand::RngExt as _};

const GRAVITY: f32 = 9.8;
const CART: f32 = 1.0; // kg
const POLE: f32 = 0.1; // kg
const HALF_LENGTH: f32 = 0.5; // m
const FORCE: f32 = 10.0; // N
const SECONDS: f32 = 0.02; // a move
const MOST_MOVES: usize = 200;

/// A game in progress.
pub struct CartPole {
    /// Position and velocity of the cart, angle and angular velocity of the pole.
    state: [f32; 4],
    moves: usize,
}

impl CartPole {
    /// A game that begins almost upright.
    pub fn new(rng: &mut Rng) -> Self {
        Self { state: std::array::from_fn(|_| rng.random_range(-0.05..0.05)), moves: 0 }
    }

    /// Position and velocity of the cart, angle and angular velocity of the pole.
    pub fn state(&self) -> [f32; 4] {
        self.state
    }

    /// Pushes the cart; false if the game is over: the pole falls, the cart leaves the track, or 200 moves were made.
    pub fn push(&mut self, right: bool) -> bool {
        let [position, velocity, angle, spin] = self.state;
        let force = if right { FORCE } else { -FORCE };
        let (sine, cosine) = angle.sin_cos();
        let pushed = (force + POLE * HALF_LENGTH * spin * spin * sine) / (CART + POLE);
        let turn =
            (GRAVITY * sine - cosine * pushed) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine * cosine / (CART + POLE)));
        let acceleration = pushed - POLE * HALF_LENGTH * turn * cosine / (CART + POLE);
        let after = |value: f32, change: f32| value + SECONDS * change;
        self.state = [after(position, velocity), after(velocity, acceleration), after(angle, spin), after(spin, turn)];
        self.moves += 1;
        let [position, _, angle, _] = self.state;
        position.abs() < 2.4 && angle.to_degrees().abs() < 12.0 && self.moves < MOST_MOVES
    }
}
