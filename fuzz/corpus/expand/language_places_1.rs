#[callback(on_batch_begin, train, every = 2, order = 7, name = "each second")]
pub(crate) fn skip(num_batch: usize, last_input: &mut Input) -> Result<Option<SkipBatch>, mixup::input::InputError> {
    let _ = last_input.one()?;
    Ok((num_batch > 0).then_some(SkipBatch))
}
