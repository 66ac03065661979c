#[callback(on_batch_end, train, last)]
fn look(model: &mut Gpt<2>, opt: &AdamW, sampler: &mut Sampling, rng: &mut Rng, #[name = "loss/a"] a: &Value) -> Validate { Validate }
