//! The model against formulas that can be worked out by hand, and what the page says.

use super::{link::Link, measure::Measured, model::Model, page::Page};

fn measured(ranks: usize, bytes: u64, exchange_us: f64) -> Measured {
    Measured {
        place: "here".to_owned(),
        width: 512,
        layers: 3,
        strong: false,
        ranks,
        batch: 64,
        bytes,
        step_us: exchange_us + 1000.0,
        copy_us: bytes as f64 / 2000.0,
        exchange_us,
        wait_us: 0.0,
    }
}

#[test]
fn a_model_that_is_fitted_to_its_own_numbers_is_found_again() {
    let model = Model { alpha_us: 40.0, beta: 125.0, gamma: 2000.0 };
    let of = |ranks, bytes| measured(ranks, bytes, model.exchange_us(ranks, bytes));
    let fitted = Model::fitted(&[of(2, 3_000_000), of(3, 9), of(2, 50_000_000)]).expect("two sizes");
    let near = |one: f64, other: f64| (one - other).abs() < 1e-6 * other;
    assert!(near(fitted.alpha_us, 40.0) && near(fitted.beta, 125.0) && near(fitted.gamma, 2000.0), "{fitted:?}");
    let fast = Model::fitted(&[measured(2, 1_000_000, 1.0), measured(2, 10_000_000, 100_000.0)]).expect("two sizes");
    assert_eq!((fast.alpha_us, fast.beta), (0.0, 100.0), "the large one counts if no time is left for messages");
    assert_eq!(Model::fitted(&[of(2, 3_000_000)]), None);
}

#[test]
fn a_ring_sends_almost_all_gradients_twice() {
    let model = Model { alpha_us: 0.0, beta: 100.0, gamma: f64::INFINITY };
    assert!((model.exchange_us(2, 1_000_000) - 10_000.0).abs() < 1e-6);
    assert!((model.exchange_us(1024, 1_000_000) - 20_000.0 * 1023.0 / 1024.0).abs() < 1e-6);
    let with_messages = Model { alpha_us: 5.0, ..model };
    assert!(
        (with_messages.exchange_us(4, 50_000_000) - model.exchange_us(4, 50_000_000) - 2.0 * 3.0 * 2.0 * 5.0).abs()
            < 1e-6
    );
    assert!((model.efficiency(2, 1_000_000, 10_000.0) - 0.5).abs() < 1e-12);
}

#[test]
fn a_link_is_named_and_made_by_what_the_kernel_has() {
    let plain = Link { mbit: 1000, delay_us: 0, loss_percent: 0.0 };
    assert_eq!(
        (plain.to_string(), plain.discipline()),
        ("1 Gbit/s".to_owned(), "tbf rate 1000mbit burst 256kb latency 50ms".to_owned())
    );
    let bad = Link { delay_us: 500, loss_percent: 0.1, ..plain };
    assert_eq!(bad.to_string(), "1 Gbit/s, 0.5 ms later, 0.1 % lost");
    assert_eq!(bad.discipline(), "netem rate 1000mbit delay 500us loss 0.1% limit 10000");
}

#[test]
fn the_tables_go_between_the_marker_lines_and_nothing_else_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("scale.md");
    let page = |between: &str| {
        let marks = "<!-- Written by `cargo xtask scale` from here on. -->\n{}\n<!-- Written by `cargo xtask scale` up to here. -->\n";
        format!("# Before\n\n{}\nAfter\n", marks.replace("{}", between))
    };
    std::fs::write(&place, page("old")).expect("it can be written");
    let mut measurements = Page::new(2);
    measurements.here(measured(1, 3_000_000, 0.0));
    measurements.here(measured(2, 3_000_000, 1000.0));
    measurements.write(&place).expect("it has the lines");
    let text = std::fs::read_to_string(&place).expect("it is there");
    assert!(
        text.starts_with("# Before\n") && text.ends_with("here. -->\n\nAfter\n") && !text.contains("old"),
        "{text}"
    );
    assert!(text.contains("| 3 layers of 512 | 2 | 64 | 2.0 ms | 1.5 ms | 1.0 ms | 0.0 ms | 1.00 × |"), "{text}");
    assert_eq!(measurements.lines().lines().count(), 3);
    std::fs::write(&place, "no lines").expect("it can be written");
    assert!(measurements.write(&place).expect_err("no lines").to_string().contains("scale.md"));
}
