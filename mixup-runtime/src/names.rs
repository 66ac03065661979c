//! Names in messages: of a type, and of several things.

/// The last part of a type's path: `CrossEntropy` for `mixup::loss::cross_entropy::CrossEntropy`, `(Tensor, Tensor)` for a tuple, and a
/// function's name. A closure and a function pointer have no name and are called `closure` and `function`.
pub(crate) fn short_type_name<T: ?Sized>() -> String {
    let name = std::any::type_name::<T>();
    if name.ends_with("{{closure}}") {
        return "closure".to_owned();
    }
    // Everything in angle brackets is left out: `Top<f32>`, `<Top as Metric>::of`. The `>` of an arrow closes no bracket.
    let (mut depth, mut path, mut before) = (0_usize, String::new(), ' ');
    for letter in name.chars() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => path.push(letter),
            _ => {}
        }
        before = letter;
    }
    if path.contains("fn(") {
        return "function".to_owned();
    }
    if let Some(parts) = path.strip_prefix('(').and_then(|path| path.strip_suffix(')')) {
        let parts: Vec<_> = parts.split(", ").map(|part| part.rsplit("::").next().unwrap_or(part)).collect();
        return format!("({})", parts.join(", "));
    }
    path.rsplit("::").find(|part| !part.is_empty()).unwrap_or(name).to_owned()
}

/// A list of names in words: "`a`, `b` and `c`".
pub(crate) fn listed(names: &[String]) -> String {
    let mut quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.pop() {
        Some(last) if !quoted.is_empty() => format!("{} and {last}", quoted.join(", ")),
        last => last.unwrap_or_else(|| "none".to_owned()),
    }
}
