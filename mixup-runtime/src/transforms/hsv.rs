//! Hue, saturation and value of a pixel, as bytes, and back: as Pillow converts between `RGB` and `HSV`.

pub(super) fn from_rgb([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    let saturation = range / f32::from(most);
    let [red, green, blue] = [r, g, b].map(|of| f32::from(most - of) / range);
    let sixths = match most {
        _ if r == most => blue - green,
        _ if g == most => 2.0 + red - blue,
        _ => 4.0 + green - red,
    };
    let hue = (f64::from(sixths) / 6.0 + 1.0) % 1.0;
    [(hue * 255.0) as u8, (f64::from(saturation) * 255.0) as u8, most]
}

pub(super) fn to_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let part = sixths.floor();
    let (rest, saturation, v) = (sixths - part, f64::from(saturation) / 255.0, f64::from(value));
    let [p, q, t] =
        [saturation, saturation * rest, saturation * (1.0 - rest)].map(|less| (v * (1.0 - less)).round() as u8);
    match part as u8 % 6 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    }
}
