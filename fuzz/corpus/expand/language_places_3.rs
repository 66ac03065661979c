hook!(on_batch_begin, move |last_input: &mut Input, last_target: &Target| -> Result<(), String> {
        if last_input.items() == last_target.items() { Ok(()) } else { Err("odd".to_owned()) }
    })
