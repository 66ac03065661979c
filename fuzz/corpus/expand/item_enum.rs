#[callback]
enum Hello {
    World,
}
