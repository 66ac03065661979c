hook!(on_epoch_end, name = "x", |epoch: &mut usize, epochs: i64, accuracy: f64, x: _| -> Result<(), String> { Ok(()) })
