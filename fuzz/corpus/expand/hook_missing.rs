#[callback]
impl Hello {
    fn helper(&self) {}
}
