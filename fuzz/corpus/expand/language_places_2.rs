#[callback(on_epoch_begin, on_epoch_end, if = epoch == 1)]
fn names<'a>(metric_names: &'a [String], epoch: usize) {
    assert_eq!((metric_names.len(), epoch), (1, 1));
    SEEN.fetch_add(1, Ordering::Relaxed);
}
