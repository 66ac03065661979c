//! Servers and files that are refused, with a sentence that says what to do.

use std::fs;

use mixup_runtime::data::{UntarError, Url, UrlError};

use crate::{
    archive, below,
    data_support::{Outcome, put},
    downloaded, downloads, impatient,
    server::{Reply, Server, nobody},
    sha256, url,
};

#[test]
fn without_a_network_the_error_says_what_to_put_where_and_what_is_put_there_is_used() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let address = nobody() + "/pets.tgz";
    let pets = url(address.clone(), &bytes);
    let error = downloads(folder.path()).untar(&pets).expect_err("nobody listens");
    let UntarError::Unreachable { by_hand, .. } = &error else { panic!("{error:?}") };
    assert_eq!(by_hand.files, ["pets.tgz"]);
    let message = error.to_string();
    assert!(message.starts_with(&format!("{address} can't be reached: Connection refused")), "{message}");
    let end = format!("; put pets.tgz into {} by hand, and it is used", by_hand.folder.display());
    assert!(message.ends_with(&end), "{message}");

    fs::write(by_hand.folder.join("pets.tgz"), &bytes)?;
    assert!(downloads(folder.path()).untar(&pets)?.join("train/3/a.png").is_file());
    Ok(())
}

#[test]
fn all_missing_files_of_a_data_set_are_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error = downloads(folder.path()).mirror(nobody()).untar(Url::FASHION_MNIST).expect_err("nobody listens");
    let UntarError::Unreachable { by_hand, .. } = &error else { panic!("{error:?}") };
    assert_eq!(by_hand.files.len(), 4);
    assert_eq!(by_hand.folder, folder.path().join("downloads/fashion_mnist"));
    Ok(())
}

#[test]
fn a_file_that_was_put_there_and_is_wrong_is_named_and_left_alone() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let pets = url(nobody() + "/pets.tgz", &bytes);
    let file = downloaded(folder.path(), &pets, "pets.tgz");
    put(folder.path(), file.strip_prefix(folder.path())?.to_str().expect("text"), b"another");
    let error = downloads(folder.path()).untar(&pets).expect_err("it is another file");
    assert!(matches!(error, UntarError::Placed { size: 7, .. }), "{error:?}");
    let text = format!(
        "{} has 7 bytes and the SHA-256 {}, but {} is expected: replace it, or remove it so that it is downloaded",
        file.display(),
        sha256(b"another"),
        sha256(&bytes)
    );
    assert_eq!(error.to_string(), text);
    assert!(file.is_file());
    Ok(())
}

#[test]
fn a_file_of_another_length_is_refused_before_it_is_downloaded() -> Outcome {
    for more in [-1, 1] {
        let (folder, bytes) = (tempfile::tempdir()?, archive());
        let copy = bytes.clone();
        let server = Server::new(move |_, _| Reply::Stalled(copy.clone(), 0));
        let size = bytes.len().saturating_add_signed(more);
        let pets = url(server.at("pets.tgz"), &bytes).size(size as u64);
        let error = downloads(folder.path()).untar(&pets).expect_err("another length");
        let text = format!("has {} bytes, but {size} are expected, so it is another file", bytes.len());
        assert_eq!(error.to_string(), format!("the file at {} {text}", server.at("pets.tgz")));
        assert_eq!(below(folder.path()), [""; 0]);
        assert_eq!(server.requests().len(), 1);
    }
    Ok(())
}

#[test]
fn a_file_of_unknown_length_is_not_read_beyond_the_expected_one() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let server = Server::new(|_, _| Reply::Unmeasured(vec![0; 1 << 20]));
    let pets = url(server.at("pets.tgz"), &bytes).size(bytes.len() as u64);
    let error = downloads(folder.path()).untar(&pets).expect_err("it is longer");
    assert!(matches!(error, UntarError::Length { found, .. } if found < 1 << 20), "{error:?}");
    assert_eq!(below(folder.path()), [""; 0]);
    Ok(())
}

#[test]
fn a_file_with_another_digest_is_removed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::new(|_, _| Reply::File(b"something else".to_vec()));
    let error = downloads(folder.path()).untar(url(server.at("pets.tgz"), b"pets")).expect_err("another file");
    let text = format!(
        "the file at {} has the SHA-256 {}, but {} is expected, so it was removed again",
        server.at("pets.tgz"),
        sha256(b"something else"),
        sha256(b"pets")
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(below(folder.path()), [""; 0]);
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[test]
fn a_file_that_is_not_there_is_not_asked_for_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::new(|_, _| Reply::Status(404));
    let pets = url(server.at("pets.tgz"), b"pets");
    let error = downloads(folder.path()).untar(&pets).expect_err("there is none");
    let here = folder.path().join("downloads").join(pets.name());
    let text = "has the status 404: there is no such file; put pets.tgz into";
    assert_eq!(
        error.to_string(),
        format!("{} {text} {} by hand, and it is used", server.at("pets.tgz"), here.display())
    );
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[test]
fn a_circle_of_redirects_ends() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::new(|request, _| Reply::Redirect(request.path.clone()));
    let error = downloads(folder.path()).untar(url(server.at("pets.tgz"), b"pets")).expect_err("a circle");
    let begin = format!("{} redirects more than 10 times; put pets.tgz into ", server.at("pets.tgz"));
    assert!(error.to_string().starts_with(&begin), "{error}");
    Ok(())
}

#[test]
fn a_server_that_never_answers_is_left_after_a_few_attempts() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::new(|_, _| Reply::Silence);
    let error = impatient(folder.path()).untar(url(server.at("pets.tgz"), b"pets")).expect_err("it is silent");
    let text = "broke after 0 bytes: nothing came for 0.5 s; call again to go on from there";
    assert_eq!(error.to_string(), format!("the connection to {} {text}", server.at("pets.tgz")));
    Ok(())
}

#[test]
fn an_address_that_is_none_and_a_digest_that_is_none_are_errors() {
    let digest = sha256(b"");
    for (address, reason) in [
        ("pets.tgz", "it must begin with `http://` or `https://`"),
        ("ftp://example.org/pets.tgz", "it must begin with `http://` or `https://`"),
        ("https:///pets.tgz", "it has no host, or characters that addresses may not have"),
        ("", "it must begin with `http://` or `https://`"),
        ("https://example.org/my pets.tgz", "it has no host, or characters that addresses may not have"),
        ("https://example.org/pets/", "it must end with the name of a file, such as `/data.tgz`"),
        ("https://example.org", "it must end with the name of a file, such as `/data.tgz`"),
    ] {
        let error = Url::new(address, &digest).expect_err(address);
        assert_eq!(error.to_string(), format!("`{address}` is not an address: {reason}"));
    }
    for wrong in ["", "abc", &digest[1..], &"g".repeat(64), &"ä".repeat(32)] {
        let error = Url::new("https://example.org/pets.tgz", wrong).expect_err(wrong);
        assert!(matches!(&error, UrlError::Digest { found } if found == wrong), "{error:?}");
    }
    assert_eq!(Url::new("https://a.org/b.tgz", &digest.to_uppercase()), Url::new("https://a.org/b.tgz", &digest));
}
