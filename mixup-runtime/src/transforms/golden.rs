//! Comparison with torchvision's own results.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use serde::Deserialize;

use super::{CenterCrop, Picture, RandomFlip, Resize, Transform, resample::resample, rotate::turned};
use crate::rng::Rng;

/// A picture, and what torchvision made of it. `golden/golden.py` has written both.
#[derive(Deserialize)]
pub(super) struct Golden {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    pub(super) cases: BTreeMap<String, Vec<u8>>,
}

impl Golden {
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("the file was written by a program")
    }

    pub(super) fn picture(&self) -> Picture {
        Picture::new(self.width, self.height, 3, self.pixels.clone()).expect("all pixels are there")
    }
}

/// Integers are rounded at other places, so a byte may differ by one.
pub(super) fn assert_alike(case: &str, own: &Picture, theirs: &[u8]) {
    assert_eq!(own.pixels().len(), theirs.len(), "{case}");
    let far = own.pixels().iter().zip(theirs).map(|(own, theirs)| own.abs_diff(*theirs)).max();
    assert!(far <= Some(1), "{case}: {far:?}");
}

#[test]
fn sizes_crops_flips_and_turns_are_those_of_torchvision() {
    let golden = Golden::read(include_str!("golden/sizes.json"));
    let mut rng = Rng::seed_from_u64(0);
    for (case, expected) in &golden.cases {
        let picture = golden.picture();
        let own = match case.as_str() {
            "squash 10×14" => Resize::to(10, 14).apply(picture, &mut rng),
            "crop 12" => Resize::new(12).crop().apply(picture, &mut rng),
            "crop 40" => Resize::new(40).crop().apply(picture, &mut rng),
            "pad 12" => Resize::new(12).pad().apply(picture, &mut rng),
            "center 15" => CenterCrop::new(15).apply(picture, &mut rng),
            "center 26" => CenterCrop::new(26).apply(picture, &mut rng),
            "rotate 17" => turned(&picture, 17.0),
            "rotate -90" => turned(&picture, -90.0),
            "hflip" => RandomFlip::horizontal().probability(1.0).apply(picture, &mut rng),
            "vflip" => RandomFlip::vertical().probability(1.0).apply(picture, &mut rng),
            "part" => resample(picture.cut(5, 3, 20, 17), 8, 8),
            other => panic!("no case {other}"),
        };
        assert_alike(case, &own.expect("it can be done"), expected);
    }
}
