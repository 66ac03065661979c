// `main` returns `Result<(), BoxError>`: `?` cannot turn a `BoxError` into `Box<dyn Error>`.

use mixup::prelude::*;

fn rate() -> Result<f64, BoxError> {
    Ok("0.001".parse()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", rate()?);
    Ok(())
}
