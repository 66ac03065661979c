#[callback]
struct Hello;
