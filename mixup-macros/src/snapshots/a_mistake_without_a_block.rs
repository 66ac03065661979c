// `#[on]` outside of a block with `#[callback]`.
#[on(batch_end)]
fn log(iteration: usize) {}

// becomes

fn log(iteration: usize) {}
::core::compile_error! {
    "`#[on]` is used outside of an `impl` block with `#[callback]`: put `#[callback]` on the block"
}
