hook!(on_batch_end, train, every = 2, name = "watch", move |iteration: usize, smooth_loss: f64| {
        losses.push(smooth_loss);
        into.add(format!("{iteration}: {}", losses.len()));
    })
