// A batch is changed in place through `make_mut`, which needs `&mut`.

use mixup::prelude::*;

struct Brighten;

#[callback]
impl Brighten {
    fn on_batch_begin(&self, last_input: &mut Input) -> Result<(), BoxError> {
        let _ = last_input.one()?.f_mul_scalar_(2.0)?;
        Ok(())
    }

    fn on_loss_begin(&self, last_target: &Target) -> Result<(), BoxError> {
        let _ = last_target.make_mut()?.f_mul_scalar_(2.0)?;
        Ok(())
    }
}

fn main() {}
