//! Compares CutMix with its formula: boxes, pixels and labels, in place and in a buffer; and what is rejected.

use mixup::{
    batch::with_fresh,
    callbacks::mixing::{CutBox, Cuts, MixUpError, Mode, Pairing},
    prelude::*,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert_eq, proptest};
use rand::SeedableRng as _;
use tch::{Device, Kind, Tensor};

use crate::numbers::{assert_close, classes, f64s, random};

/// The authors' `rand_bbox`: the cut ratio is √(1−λ), sides are rounded down, their halves too, and the corners are clipped to
/// the image.
fn rand_bbox(lambda: f64, size: [usize; 2], center: [usize; 2]) -> ([usize; 2], [usize; 2]) {
    let ratio = (1.0 - lambda).sqrt();
    let axis = |at: usize| {
        let length = (size[at] as f64 * ratio) as i64;
        let clip = |corner: i64| corner.clamp(0, size[at] as i64) as usize;
        (clip(center[at] as i64 - length / 2), clip(center[at] as i64 + length / 2))
    };
    let ((top, bottom), (left, right)) = (axis(0), axis(1));
    ([top, left], [bottom, right])
}

/// A batch of images, and boxes and partners for it.
#[derive(Clone, Debug)]
struct Spec {
    shape: [i64; 4],
    kind: Kind,
    channels_last: bool,
    boxes: Vec<CutBox>,
    partners: Vec<usize>,
    seed: u64,
}

impl Spec {
    fn images(&self) -> Tensor {
        let images = random(&self.shape, self.kind, self.seed);
        if self.channels_last { images.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]) } else { images }
    }

    fn cuts(&self) -> Cuts {
        Cuts::new(self.boxes.clone(), self.partners.clone()).expect("boxes and a permutation")
    }

    /// `x = M ⊙ x_A + (1−M) ⊙ x_B`, where M is 0 in the box.
    fn pasted(&self, x: &[f64]) -> Vec<f64> {
        let [items, channels, height, width] = self.shape.map(|length| length as usize);
        let at = |item, channel, row, column| ((item * channels + channel) * height + row) * width + column;
        let mut pasted = x.to_vec();
        for item in 0..items {
            let cut = self.boxes[item % self.boxes.len()];
            for channel in 0..channels {
                for row in cut.top..cut.top + cut.height {
                    for column in cut.left..cut.left + cut.width {
                        let of = at(self.partners[item], channel, row, column);
                        pasted[at(item, channel, row, column)] = x[of];
                    }
                }
            }
        }
        pasted
    }

    /// λ = 1 − the area of the box divided by that of the image.
    fn weights(&self) -> Vec<f64> {
        let whole = (self.shape[2] * self.shape[3]) as f64;
        let weight = |item: usize| {
            1.0 - (self.boxes[item % self.boxes.len()].height * self.boxes[item % self.boxes.len()].width) as f64
                / whole
        };
        (0..self.partners.len()).map(weight).collect()
    }
}

fn spec() -> impl Strategy<Value = Spec> {
    let kind = prop::sample::select(vec![Kind::Float, Kind::Double, Kind::Half, Kind::BFloat16, Kind::Uint8]);
    let shape = (1_i64..=6, 1_i64..=3, 1_i64..=9, 1_i64..=9);
    (shape, kind, any::<(bool, bool, u64)>()).prop_flat_map(|((n, c, h, w), kind, (channels_last, one, seed))| {
        let count = if one { 1 } else { n as usize };
        let (height, width) = (h as usize, w as usize);
        let cut = (0.0..=1.0, 0..height, 0..width)
            .prop_map(move |(lambda, row, column)| CutBox::new(lambda, [height, width], [row, column]));
        let partners = Just((0..n as usize).collect::<Vec<_>>()).prop_shuffle();
        (prop::collection::vec(cut, count), partners).prop_map(move |(boxes, partners)| Spec {
            shape: [n, c, h, w],
            kind,
            channels_last,
            boxes,
            partners,
            seed,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_box_is_that_of_the_paper_and_its_weight_is_the_share_of_the_rest(
        lambda in 0.0..=1.0,
        (size, center) in (1_usize..300, 1_usize..300).prop_flat_map(|(h, w)| (Just([h, w]), (0..h, 0..w))),
    ) {
        let center = [center.0, center.1];
        let cut = CutBox::new(lambda, size, center);
        let ([top, left], [bottom, right]) = rand_bbox(lambda, size, center);
        prop_assert_eq!(cut, CutBox { top, left, height: bottom - top, width: right - left });
        let area = ((bottom - top) * (right - left)) as f64;
        assert_close("left over", &[cut.left_over(size)], &[1.0 - area / (size[0] * size[1]) as f64], 1e-15, 1.0);
    }

    /// One `CutMix` gets several batches in turn, some of which it may change in place.
    #[test]
    fn every_pixel_is_of_the_image_or_its_partner_and_the_weight_is_the_share_of_its_own_pixels(
        specs in prop::collection::vec((spec(), any::<bool>()), 1..4),
    ) {
        let mut cutmix = CutMix::default();
        for (spec, change) in &specs {
            let images = spec.images();
            let (before, n) = (f64s(&images), spec.shape[0]);
            let labels = classes(&[n], 10, spec.seed);
            let fresh = if *change { &[&images][..] } else { &[] };
            let mut input = Input::from(images.shallow_clone());
            let mut target = Target::from(labels.shallow_clone());
            with_fresh(fresh, || cutmix.mix(&mut input, &mut target, &spec.cuts())).expect("the batch is whole");

            let got = input.one().expect("one tensor");
            prop_assert_eq!(f64s(got), spec.pasted(&before));
            prop_assert_eq!((got.size(), got.kind()), (spec.shape.to_vec(), spec.kind));
            if *change {
                prop_assert_eq!(got.data_ptr(), images.data_ptr(), "it was not changed in place");
            } else {
                prop_assert_eq!(f64s(&images), before, "the batch itself was changed");
            }
            let Target::Mixed { first, second, weight } = target else { panic!("the target is stacked") };
            prop_assert_eq!(f64s(first.tensor()), f64s(&labels));
            let labels = f64s(&labels);
            prop_assert_eq!(f64s(second.tensor()), spec.partners.iter().map(|&p| labels[p]).collect::<Vec<_>>());
            assert_close("weight", &f64s(&weight), &spec.weights(), 1e-7, 1.0);
        }
    }

    #[test]
    fn gradients_flow_to_the_image_whose_pixels_are_visible(spec in spec()) {
        let spec = Spec { kind: Kind::Double, ..spec };
        let x = spec.images().set_requires_grad(true);
        let mut input = Input::from(x.shallow_clone());
        let mut target = Target::from(classes(&spec.shape[..1], 10, 1));
        CutMix::default().mix(&mut input, &mut target, &spec.cuts()).expect("the batch is whole");
        let behind = random(&spec.shape, Kind::Double, 7);
        (input.one().expect("one tensor") * &behind).sum(Kind::Double).backward();
        // The gradient of the sum Σ behind·pasted(x), by its value for unit vectors: pasted is linear in x.
        let (weighed, pasted) = (f64s(&(&x * x.grad())), spec.pasted(&f64s(&x)));
        let sum: f64 = pasted.iter().zip(f64s(&behind)).map(|(x, behind)| x * behind).sum();
        assert_close("Σ x·∂", &[weighed.iter().sum()], &[sum], 1e-12, 10.0);
    }
}

#[test]
fn dense_targets_that_are_not_stacked_are_mixed_by_the_share_of_the_pixels() {
    let y = random(&[2, 3], Kind::Double, 3);
    let (mut input, mut target) =
        (Input::from(random(&[2, 1, 4, 4], Kind::Float, 1)), Target::Dense(y.shallow_clone()));
    let cut = CutBox { top: 0, left: 1, height: 2, width: 2 };
    let cuts = Cuts::new(vec![cut], vec![1, 0]).expect("a box");
    CutMix::default().stack_y(false).mix(&mut input, &mut target, &cuts).expect("the batch is whole");
    let y = f64s(&y);
    let want: Vec<_> = (0..6).map(|at| 0.75 * y[at] + 0.25 * y[(at + 3) % 6]).collect();
    assert_close("target", &f64s(target.tensor()), &want, 1e-15, 2.0);
}

#[test]
fn the_centres_of_drawn_boxes_are_uniformly_distributed() {
    const COUNT: usize = 40_000;
    let draws = Draws::with_weights(vec![1.0 - 1.0 / 16.0; COUNT], (0..COUNT).collect()).expect("a permutation");
    // The sides are a quarter of 8×8, one pixel to each side of the centre, so that the box shows where the centre was.
    let cuts = Cuts::random(&draws, Mode::Elem, [8, 8], &mut Rng::seed_from_u64(2)).expect("there are pixels");
    let mut counts = vec![0_u32; 64];
    for cut in cuts.boxes() {
        let center = |begin: usize, length: usize| if begin == 0 { length - 1 } else { begin + 1 };
        counts[center(cut.top, cut.height) * 8 + center(cut.left, cut.width)] += 1;
    }
    let expected = COUNT as f64 / 64.0;
    let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi_square < 103.4, "χ² is {chi_square}, which has a probability below 0.001: {counts:?}"); // 63 degrees of freedom
}

#[test]
fn a_batch_has_one_box_or_in_mode_elem_one_for_each_image() {
    let draws = Pairing::new(1.0).expect("1 is above 0").draw(16, 0, &mut Rng::seed_from_u64(1)).expect("it is mixed");
    let boxes =
        |mode| Cuts::random(&draws, mode, [32, 32], &mut Rng::seed_from_u64(3)).expect("pixels").boxes().to_vec();
    assert_eq!(boxes(Mode::Batch).len(), 1);
    assert_eq!(boxes(Mode::Elem).len(), 16);
    // For each box, its row and then its column are drawn, and nothing else.
    let mut rng = Rng::seed_from_u64(3);
    for (cut, &lambda) in boxes(Mode::Elem).into_iter().zip(draws.weights()) {
        let center = [rng.random_range(0..32), rng.random_range(0..32)];
        assert_eq!(cut, CutBox::new(lambda, [32, 32], center));
    }
}

/// The message for a batch that can't be mixed; the batch must be unchanged.
fn refused(mut input: Input, mut target: Target, cuts: &Cuts) -> MixUpError {
    let before: Vec<_> = input.tensors().into_iter().map(f64s).collect();
    let error = CutMix::default().mix(&mut input, &mut target, cuts).expect_err("this can't be mixed");
    assert_eq!(input.tensors().into_iter().map(f64s).collect::<Vec<_>>(), before);
    assert!(!target.is_mixed());
    error
}

#[test]
fn the_error_for_an_input_that_is_not_a_batch_of_images_names_its_shape() {
    let labels = || Target::from(Tensor::from_slice(&[1_i64, 2]));
    let cuts = Cuts::new(vec![CutBox::new(0.5, [2, 2], [1, 1])], vec![1, 0]).expect("a box");
    for shape in [&[2, 3][..], &[2, 4, 4], &[2, 1, 2, 2, 2], &[2, 0, 4, 4], &[2, 1, 0, 4]] {
        let input = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        assert_eq!(
            refused(input.into(), labels(), &cuts).to_string(),
            format!("CutMix takes images `[n, c, h, w]`, none of these 0, but the input is {shape:?}")
        );
    }
    let two = vec![random(&[2, 1, 4, 4], Kind::Float, 1), random(&[2, 1, 4, 4], Kind::Float, 2)];
    assert_eq!(
        refused(two.into(), labels(), &cuts).to_string(),
        "CutMix takes one tensor of images but the batch has 2 tensors: a box fits only one of them"
    );
    let image = || random(&[2, 1, 4, 4], Kind::Float, 1);
    let stacked = Input::Stacked { first: image(), second: image(), weight: Tensor::from_slice(&[0.5, 0.5]) };
    let error = refused(stacked, labels(), &cuts);
    assert!(matches!(error, MixUpError::Again), "{error}");
    let several = Cuts::new(vec![CutBox::new(0.5, [2, 2], [1, 1])], vec![1, 0, 2]).expect("a box");
    let images = || Input::from(random(&[2, 1, 4, 4], Kind::Float, 1));
    let error = refused(images(), labels(), &several);
    assert!(matches!(error, MixUpError::Draws { draws: 3, items: 2 }), "{error}");

    let outside = CutBox { top: 3, left: 0, height: 2, width: 1 };
    let error = refused(images(), labels(), &Cuts::new(vec![outside], vec![1, 0]).expect("a box"));
    assert_eq!(error.to_string(), "the box of image 0, 2×1 at row 3, column 0, does not lie within the image of 4×4");
    let endless = CutBox { top: usize::MAX, left: 0, height: 2, width: 1 };
    let error = refused(images(), labels(), &Cuts::new(vec![endless], vec![1, 0]).expect("a box"));
    assert!(matches!(error, MixUpError::Outside { item: 0, .. }), "{error}");
}

#[test]
fn boxes_and_partners_that_do_not_fit_are_rejected() {
    let cut = CutBox::new(0.5, [4, 4], [1, 1]);
    let error = Cuts::new(vec![cut; 2], vec![0, 1, 2]).expect_err("two boxes for three images");
    assert_eq!(
        error.to_string(),
        "there are 2 boxes for a batch of 3: there must be one for each image, or one for all"
    );
    assert!(matches!(Cuts::new(vec![cut], vec![0, 0]), Err(MixUpError::Partner { item: 1, partner: 0, last: 1 })));
    let draws = Draws::new(vec![0.5], vec![0]).expect("a permutation");
    assert!(Cuts::random(&draws, Mode::Elem, [0, 4], &mut Rng::seed_from_u64(0)).is_err());
}
