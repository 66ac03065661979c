//! Downloads that succeed, sooner or later.

use std::{fs, sync::Barrier, thread};

use mixup_runtime::data::{ImageData, UntarError};

use crate::{
    archive,
    data_support::{Outcome, is_the_sample, put},
    downloaded, downloads, impatient,
    server::{Reply, Server},
    url,
};

#[test]
fn downloads_once_and_returns_at_once_from_then_on() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, _| Reply::File(copy.clone()));
    let pets = url(server.at("data/pets.tgz"), &bytes).size(bytes.len() as u64);
    for _ in 0..3 {
        let path = downloads(folder.path()).untar(&pets)?;
        assert_eq!(path, folder.path().join(pets.name()));
        is_the_sample(&ImageData::from_folder(path)?.build()?);
    }
    let requests = server.requests();
    assert!(matches!(&requests[..], [only] if only.path == "/data/pets.tgz" && only.from.is_none()), "{requests:?}");
    Ok(())
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_was_cut_with_the_same_version() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, number| match number {
        0 | 1 => Reply::Cut(copy.clone(), 100),
        _ => Reply::File(copy.clone()),
    });
    downloads(folder.path()).untar(url(server.at("pets.tgz"), &bytes))?;
    assert_eq!(server.ranges(), [None, Some(100), Some(200)]);
    assert_eq!(server.requests()[1].if_range.as_deref(), Some("\"v1\""));
    Ok(())
}

#[test]
fn what_is_there_when_all_attempts_fail_is_used_by_the_next_call() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, number| match number {
        0..6 => Reply::Cut(copy.clone(), 50),
        _ => Reply::File(copy.clone()),
    });
    let pets = url(server.at("pets.tgz"), &bytes);
    let error = impatient(folder.path()).untar(&pets).expect_err("it is cut each time");
    assert!(matches!(error, UntarError::Interrupted { found: 300, .. }), "{error:?}");
    let begin = format!("the connection to {} broke after 300 of {} bytes: ", server.at("pets.tgz"), bytes.len());
    let message = error.to_string();
    assert!(message.starts_with(&begin) && message.ends_with("; call again to go on from there"), "{message}");
    is_the_sample(&ImageData::from_folder(downloads(folder.path()).untar(&pets)?)?.build()?);
    assert_eq!(server.ranges()[6..], [Some(300)]);
    Ok(())
}

#[test]
fn a_server_that_knows_no_ranges_sends_everything_again() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, number| match number {
        0 => Reply::Cut(copy.clone(), 100),
        _ => Reply::Whole(copy.clone()),
    });
    downloads(folder.path()).untar(url(server.at("pets.tgz"), &bytes))?;
    assert_eq!(server.ranges(), [None, Some(100)]);
    Ok(())
}

#[test]
fn a_file_whose_length_the_server_does_not_say_is_read_to_its_end() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, _| Reply::Unmeasured(copy.clone()));
    downloads(folder.path()).untar(url(server.at("pets.tgz"), &bytes).size(bytes.len() as u64))?;
    Ok(())
}

#[test]
fn a_part_of_another_file_is_replaced() -> Outcome {
    for (length, ranges) in [(100, vec![Some(100), None]), (100_000, vec![Some(100_000), None])] {
        let (folder, bytes) = (tempfile::tempdir()?, archive());
        let copy = bytes.clone();
        let server = Server::new(move |_, _| Reply::File(copy.clone()));
        let pets = url(server.at("pets.tgz"), &bytes);
        let part = downloaded(folder.path(), &pets, "pets.tgz.part");
        put(folder.path(), part.strip_prefix(folder.path())?.to_str().expect("text"), &vec![7; length]);
        is_the_sample(&ImageData::from_folder(downloads(folder.path()).untar(&pets)?)?.build()?);
        assert_eq!(server.ranges(), ranges);
        assert!(!part.exists());
    }
    Ok(())
}

#[test]
fn a_part_that_is_complete_needs_no_server() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let pets = url(crate::server::nobody() + "/pets.tgz", &bytes).size(bytes.len() as u64);
    let part = downloaded(folder.path(), &pets, "pets.tgz.part");
    put(folder.path(), part.strip_prefix(folder.path())?.to_str().expect("text"), &bytes);
    downloads(folder.path()).untar(&pets)?;
    Ok(())
}

#[test]
fn redirects_are_followed_also_in_the_middle_of_a_file() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |request, number| match (request.path.as_str(), number) {
        ("/old/pets.tgz", _) => Reply::Redirect("/new/pets.tgz".to_owned()),
        (_, 1) => Reply::Cut(copy.clone(), 100),
        _ => Reply::File(copy.clone()),
    });
    downloads(folder.path()).untar(url(server.at("old/pets.tgz"), &bytes))?;
    assert_eq!(server.ranges(), [None, None, Some(100), Some(100)]);
    Ok(())
}

#[test]
fn a_server_that_is_overloaded_is_asked_again() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, number| match number {
        0 => Reply::Status(503),
        1 => Reply::Status(429),
        _ => Reply::File(copy.clone()),
    });
    downloads(folder.path()).untar(url(server.at("pets.tgz"), &bytes))?;
    Ok(())
}

#[test]
fn a_server_that_falls_silent_is_asked_again_for_the_rest() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, number| match number {
        0 => Reply::Stalled(copy.clone(), 100),
        _ => Reply::File(copy.clone()),
    });
    let slow = downloads(folder.path()).timeout(std::time::Duration::from_secs(2));
    slow.untar(url(server.at("pets.tgz"), &bytes))?;
    assert_eq!(server.ranges().last(), Some(&Some(100)));
    Ok(())
}

#[test]
fn of_several_callers_at_once_one_downloads() -> Outcome {
    let (folder, bytes) = (tempfile::tempdir()?, archive());
    let copy = bytes.clone();
    let server = Server::new(move |_, _| {
        thread::sleep(std::time::Duration::from_millis(200)); // so that the others come while it downloads
        Reply::File(copy.clone())
    });
    let (pets, barrier) = (url(server.at("pets.tgz"), &bytes), Barrier::new(4));
    let paths = thread::scope(|scope| {
        let call = || {
            barrier.wait();
            downloads(folder.path()).untar(&pets)
        };
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().expect("nobody panics")).collect::<Result<Vec<_>, _>>()
    })?;
    assert!(paths.iter().all(|path| *path == paths[0]));
    assert_eq!(server.requests().len(), 1);
    Ok(())
}

#[test]
fn data_sets_whose_files_have_one_name_do_not_share_a_folder() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::new(|request, _| Reply::File(request.path.as_bytes().to_vec()));
    let texts = ["/a/labels.csv", "/b/labels.csv"];
    for text in texts.into_iter().chain(texts) {
        let path = downloads(folder.path()).untar(url(server.at(&text[1..]), text.as_bytes()))?;
        assert_eq!(fs::read_to_string(path.join("labels.csv"))?, text);
    }
    Ok(())
}
