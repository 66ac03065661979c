// What `#[on]` says is lost where no `#[callback]` is around it.
#[on(batch_end)]
fn log(iteration: usize) {}

// becomes

fn log(iteration: usize) {}
::core::compile_error! {
    "`#[on]` says when a method of a callback runs: put `#[callback]` on the `impl` block around it"
}
