//! Steps and mixing on a GPU, compared with PyTorch's eager loop and with a copy on the device.
//!
//! Nobody waits for the device but at the end of a round. On the CPU this runs with few and small pictures, which only shows that it runs.

use mixup::callbacks::mixing::Mode;
use serde_json::{Value, json};
use tch::{Cuda, Device, Kind, Tensor};

use super::{
    Failure, OURS, Ours, PREPARED, Peers, ROUNDS, SHAPES,
    nets::{self, Opt},
    step,
    support::{median, rounded},
    timed,
};

/// Prints a JSON line for each network and each shape.
pub fn compare_all(named: &str, peers: &mut Peers) -> Result<(), Failure> {
    let device = parse(named)?;
    if device.is_cuda() && !mixup::default_device().is_cuda() {
        return Err("libtorch sees no GPU".into());
    }
    let scratch = tempfile::tempdir()?;
    let nets = nets::for_device(device);
    let card =
        if device.is_cuda() { peers.ask(&json!({ "card": name(device) }))?["card"].take() } else { "CPU".into() };
    for net in &nets {
        let steps = step::compare(Opt::AdamW, net, device, peers, scratch.path())?;
        steps.lines().into_iter().for_each(|line| print(line, &card));
    }
    for (shape, units) in SHAPES {
        for (made, ours) in [(true, OURS), (false, PREPARED)] {
            print(mix(shape, units, made, ours, device)?, &card);
        }
    }
    Ok(())
}

/// Waits until the device has done all that it was asked for.
pub fn finished(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// PyTorch's name of a device.
pub fn name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".to_owned(),
    }
}

fn parse(named: &str) -> Result<Device, Failure> {
    match named.split_once(':') {
        None if named == "cpu" => Ok(Device::Cpu),
        None if named == "cuda" => Ok(Device::Cuda(0)),
        Some(("cuda", index)) => Ok(Device::Cuda(index.parse()?)),
        _ => Err(format!("{named} is no device: `cpu`, `cuda` or `cuda:1`").into()),
    }
}

fn print(mut line: Value, card: &Value) {
    line["device"] = card.clone();
    println!("{line}");
}

/// The mixing of a batch, compared with a copy of it.
fn mix(shape: [i64; 4], units: usize, made: bool, name: &str, device: Device) -> Result<Value, Failure> {
    let mut ours = Ours::new(shape, Mode::Elem, device);
    let [from, mut to] = [(), ()].map(|()| Tensor::rand(shape, (Kind::Float, device)));
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for turn in 0..2 {
            let side = (turn + round) % 2;
            let us = timed(1, || {
                for _ in 0..units {
                    if side == 0 {
                        ours.mix(made)?;
                    } else {
                        to.f_copy_(&from)?;
                    }
                }
                finished(device);
                Ok(())
            })?;
            if round > 0 {
                times[side].push(us / units as f64);
            }
        }
    }
    let ratios = times[0].iter().zip(&times[1]).map(|(ours, theirs)| ours / theirs).collect();
    let [ours_us, theirs_us] = times.map(|times| rounded(median(times)));
    Ok(json!({
        "bench": "device-mix",
        "case": shape.map(|size| size.to_string()).join("x"),
        "ours": name,
        "ours_us": ours_us,
        "reference": "a copy on the device",
        "reference_us": theirs_us,
        "ratio": rounded(median(ratios)),
    }))
}
