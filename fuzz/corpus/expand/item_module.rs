#[callback]
mod callbacks {}
