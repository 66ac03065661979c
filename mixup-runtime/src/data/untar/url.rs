//! Addresses of data sets, with what the files there must be.

use std::borrow::Cow;

use ureq::http::Uri;

use super::UrlError;

/// A data set at a public address, or at one of your own, with the digests of its files: what [`untar_data`](super::untar_data) takes.
///
/// ```
/// use mixup::data::{Url, UrlError};
///
/// assert_eq!(Url::named("mnist_sample"), Some(Url::MNIST_SAMPLE));
///
/// let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// let pets = Url::new("https://example.org/data/pets.tgz", sha256)?.size(811_706_944);
/// assert_eq!(pets.name(), "pets-e3b0c44298fc");
///
/// let error = Url::new("example.org/pets.tgz", sha256).unwrap_err();
/// assert!(error.to_string().starts_with("`example.org/pets.tgz` is not an address: it must begin with `http://` or `https://`"));
/// # Ok::<(), UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The name of the data set's folder.
    name: Cow<'static, str>,
    pub(super) files: Cow<'static, [Remote]>,
}

/// A file at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) address: Cow<'static, str>,
    /// What the file may be, one of these.
    pub(super) contents: Cow<'static, [Content]>,
}

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// In bytes, if it is known.
    pub(super) size: Option<u64>,
    /// In hexadecimal digits, lower case.
    pub(super) sha256: Cow<'static, str>,
}

const fn content(size: u64, sha256: &'static str) -> Content {
    Content { size: Some(size), sha256: Cow::Borrowed(sha256) }
}

const fn remote(address: &'static str, contents: &'static [Content]) -> Remote {
    Remote { address: Cow::Borrowed(address), contents: Cow::Borrowed(contents) }
}

/// The first is fastai's: the size from its `checks.txt`, the digest from `FastAI.jl`. The second is a rebuild of it from MNIST's own files with the
/// same images, for mirrors.
static MNIST_SAMPLE: [Remote; 1] =
    [remote("https://s3.amazonaws.com/fast-ai-sample/mnist_sample.tgz", &MNIST_SAMPLE_IS)];
static MNIST_SAMPLE_IS: [Content; 2] = [
    content(3_214_948, "b373a14f282298aeba0f7dd56b7cdb6c2401063d4f118c39c54982907760bd38"),
    content(3_528_517, "ebaafecc3003c7c351675b6053f2692faa3f7abb9c9e25890bd969c5f451dbf6"),
];

/// The size from fastai's `checks.txt`, the digest from `FastAI.jl`.
static MNIST: [Remote; 1] = [remote("https://s3.amazonaws.com/fast-ai-imageclas/mnist_png.tgz", &MNIST_IS)];
static MNIST_IS: [Content; 1] =
    [content(15_683_414, "9e18edaa3a08b065d8f80a019ca04329e6d9b3e391363414a9bd1ada30563672")];

/// The digest from `FastAI.jl`. (The size in fastai's `checks.txt` is that of another archive, in `fast-ai-sample`.)
static CIFAR: [Remote; 1] = [remote("https://s3.amazonaws.com/fast-ai-imageclas/cifar10.tgz", &CIFAR_IS)];
static CIFAR_IS: [Content; 1] =
    [content(135_107_811, "637c5814e11aefcb6ee76d5f59c67ddc8de7f5b5077502a195b0833d1e3e4441")];

/// Sizes and digests from `TensorFlow Datasets`.
static FASHION_MNIST: [Remote; 4] = [
    remote("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz", &FASHION_IS[0]),
    remote("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz", &FASHION_IS[1]),
    remote("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz", &FASHION_IS[2]),
    remote("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz", &FASHION_IS[3]),
];
static FASHION_IS: [[Content; 1]; 4] = [
    [content(26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84")],
    [content(29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845")],
    [content(4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073")],
    [content(5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5")],
];

/// How many digits of a digest are part of a folder's name, so that data sets whose files have the same name do not share a folder.
const DIGITS_IN_NAME: usize = 12;

impl Url {
    /// The threes and sevens of MNIST, 12,396 and 2,038 for validation: `train/3`, `train/7`, `valid/3`, `valid/7`. 3 MB.
    pub const MNIST_SAMPLE: Self = Self::known("mnist_sample", &MNIST_SAMPLE);

    /// MNIST as images, 60,000 for training and 10,000 for tests: `training/0` to `testing/9`. 16 MB.
    pub const MNIST: Self = Self::known("mnist", &MNIST);

    /// Fashion-MNIST (Zalando Research, MIT license), 60,000 images for training and 10,000 for validation, as four IDX files: read it with
    /// [`ImageData::from_idx`](crate::data::ImageData::from_idx). 31 MB.
    pub const FASHION_MNIST: Self = Self::known("fashion_mnist", &FASHION_MNIST);

    /// CIFAR-10 as images of 32×32, 50,000 for training and 10,000 for tests: `train/airplane` to `test/truck`. 135 MB.
    pub const CIFAR: Self = Self::known("cifar10", &CIFAR);

    /// All data sets whose addresses are known.
    pub const KNOWN: [Self; 4] = [Self::MNIST_SAMPLE, Self::MNIST, Self::FASHION_MNIST, Self::CIFAR];

    const fn known(name: &'static str, files: &'static [Remote]) -> Self {
        Self { name: Cow::Borrowed(name), files: Cow::Borrowed(files) }
    }

    /// The data set of this [`name`](Self::name) among the [known](Self::KNOWN) ones: `mnist_sample`, `mnist`, `fashion_mnist` or `cifar10`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|url| url.name == name)
    }

    /// A file at an address of your own, whose SHA-256 (64 hexadecimal digits, as `sha256sum` prints them) is `sha256`. An archive (`.tgz`, `.tar.gz`,
    /// `.tar` or `.zip`) is unpacked, any other file is put into the folder as it is.
    ///
    /// # Errors
    /// [`UrlError::Address`] if the address is not one of a file, [`UrlError::Digest`] if `sha256` does not have 64 hexadecimal digits.
    pub fn new(address: impl Into<String>, sha256: &str) -> Result<Self, UrlError> {
        let address = address.into();
        check(&address)?;
        if sha256.len() != 64 || !sha256.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(UrlError::Digest { found: sha256.to_owned() });
        }
        let file = file_name(&address);
        if file.is_empty() {
            return Err(UrlError::Address {
                address,
                reason: "it must end with the name of a file, such as `/data.tgz`",
            });
        }
        let sha256 = sha256.to_ascii_lowercase();
        let name = format!("{}-{}", stem(&file).unwrap_or(&file), &sha256[..DIGITS_IN_NAME]);
        let contents = vec![Content { size: None, sha256: sha256.into() }];
        let file = Remote { address: address.into(), contents: contents.into() };
        Ok(Self { name: name.into(), files: vec![file].into() })
    }

    /// How many bytes the file of [`new`](Self::new) has: a server with another file is then refused before anything is downloaded. The sizes of the
    /// [known](Self::KNOWN) data sets stay as they are.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        for file in self.files.to_mut() {
            for content in file.contents.to_mut() {
                content.size.get_or_insert(bytes);
            }
        }
        self
    }

    /// The name of the data set's folder: for addresses of your own the file's, with the first digits of its digest.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Remote {
    /// The name that the file has on the disk: that at the end of its address.
    pub(super) fn name(&self) -> String {
        file_name(&self.address)
    }

    /// Whether the file is to be unpacked.
    pub(super) fn is_archive(&self) -> bool {
        stem(&self.name()).is_some()
    }

    /// Whether the file may have this many bytes.
    pub(super) fn may_have(&self, bytes: u64) -> bool {
        self.contents.iter().any(|content| content.size.is_none_or(|size| size == bytes))
    }

    /// The most bytes that the file may have.
    pub(super) fn most(&self) -> u64 {
        self.contents.iter().map(|content| content.size.unwrap_or(u64::MAX)).max().unwrap_or(u64::MAX)
    }

    /// The sizes that the file may have, in words: "3214948 or 3528517".
    pub(super) fn sizes(&self) -> String {
        let sizes = self.contents.iter().filter_map(|content| content.size);
        sizes.map(|size| size.to_string()).collect::<Vec<_>>().join(" or ")
    }
}

/// The name of an archive without its ending; `None` for another file.
fn stem(file: &str) -> Option<&str> {
    [".tar.gz", ".tgz", ".tar", ".zip"].into_iter().find_map(|ending| file.strip_suffix(ending))
}

/// Returns an error unless this is an address of the web.
pub(super) fn check(address: &str) -> Result<(), UrlError> {
    let wrong = |reason| UrlError::Address { address: address.to_owned(), reason };
    let scheme = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(wrong("it must begin with `http://` or `https://`"));
    }
    let uri = address.parse::<Uri>().ok();
    match uri.as_ref().and_then(Uri::host) {
        None | Some("") => Err(wrong("it has no host, or characters that addresses may not have")),
        Some(_) => Ok(()),
    }
}

/// The last part of an address's path, with an underscore for each character that a file's name can't have everywhere; empty if there is none.
fn file_name(address: &str) -> String {
    let uri = address.parse::<Uri>().unwrap_or_default();
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    if last.bytes().all(|byte| byte == b'.') {
        return String::new();
    }
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.+~=@%,".contains(letter);
    last.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_addresses_and_digests_are_well_formed_and_their_names_differ() {
        for url in Url::KNOWN {
            assert_eq!(Url::named(url.name()), Some(url.clone()));
            for file in &*url.files {
                assert!(file.contents.iter().all(|content| content.size.is_some()), "{file:?}");
                for Content { sha256, .. } in &*file.contents {
                    assert!(
                        Url::new(&*file.address, sha256).is_ok_and(|own| own.files[0].contents[0].sha256 == *sha256)
                    );
                }
            }
        }
        assert_eq!(Url::named("imagenet"), None);
    }

    #[test]
    fn the_file_has_the_name_at_the_end_of_the_path() {
        for (address, name) in [
            ("https://a.org/b/c.tgz", "c.tgz"),
            ("https://a.org/c.tgz?download=1", "c.tgz"),
            ("http://a.org:8080/b/my%20data:1.zip", "my%20data_1.zip"),
            ("http://a.org/b/", ""),
            ("http://a.org", ""),
            ("http://a.org/b/..", ""),
        ] {
            assert_eq!(file_name(address), name, "{address}");
        }
    }
}
