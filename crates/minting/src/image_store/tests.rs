use std::time::{Duration, SystemTime};

use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use futures_util::{StreamExt, TryStreamExt};

use super::*;

const THUMB: ImageObject = ImageObject::Rendition(Rendition::Thumb);

async fn open(folder: &Path) -> ImageStore {
    ImageStore::open_fs(folder, SystemClock.now(), Arc::new(SystemChance)).await.expect("opened")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    all.sort();
    all
}

#[tokio::test]
async fn an_object_reads_back_whole_and_in_pieces() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 17).collect();
    let sha256 = Sha256Digest::of(&bytes);
    let source = folder.path().join("source");
    std::fs::write(&source, &bytes).expect("written");
    store.put_from_file(sha256, ImageObject::Original, &source).await.expect("kept");

    assert_eq!(store.read(sha256, ImageObject::Original).await.expect("read").as_deref(), Some(&*bytes));
    let stream = store.stream(sha256, ImageObject::Original).await.expect("read").expect("there");
    assert_eq!(stream.byte_count, bytes.len() as u64);
    let pieces: Vec<Bytes> = stream.pieces.try_collect().await.expect("read");
    assert!(pieces.len() > 1);
    assert_eq!(pieces.concat(), bytes);
    assert!(folder.path().join(format!("images/{sha256}/original")).is_file());
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let sha256 = Sha256Digest::of(b"nothing");
    assert_eq!(store.read(sha256, THUMB).await.expect("read"), None);
    assert!(store.stream(sha256, THUMB).await.expect("read").is_none());
    assert!(!store.exists(sha256, THUMB).await.expect("asked"));
}

#[tokio::test]
async fn an_object_shows_for_ever_what_it_showed_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let sha256 = Sha256Digest::of(b"image");
    store.put(sha256, THUMB, "first").await.expect("kept");
    store.put(sha256, THUMB, "second").await.expect("kept");
    assert_eq!(store.read(sha256, THUMB).await.expect("read").as_deref(), Some(&b"first"[..]));
}

#[tokio::test]
async fn an_unfinished_object_is_not_there_and_is_swept_when_it_is_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let sha256 = Sha256Digest::of(b"image");
    let key = ImageObject::Original.key(sha256);
    let mut writer = store.operator.writer(&key).await.expect("begun");
    writer.write("half of it").await.expect("written");
    writer.write("more").await.expect("written");
    assert!(!store.exists(sha256, ImageObject::Original).await.expect("asked"));
    drop(writer);

    let left = files(&folder::temporary(folder.path()));
    assert_eq!(left.len(), 1, "a crash leaves one temporary file");
    open(folder.path()).await;
    assert_eq!(files(&folder::temporary(folder.path())), left, "it may be another process's");
    let file = std::fs::File::options().write(true).open(&left[0]).expect("opened");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).expect("dated");
    open(folder.path()).await;
    assert!(files(&folder::temporary(folder.path())).is_empty());
    assert!(!store.exists(sha256, ImageObject::Original).await.expect("asked"));
}

#[tokio::test]
async fn a_source_that_cannot_be_read_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let before = files(folder.path());
    let sha256 = Sha256Digest::of(b"image");
    let failed = store.put_from_file(sha256, ImageObject::Original, &folder.path().join("absent")).await;
    assert!(matches!(failed, Err(ImageStoreError::File { act: "read", .. })), "{failed:?}");
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn a_store_keeps_its_id_and_another_has_another() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let id = open(one.path()).await.id().clone();
    assert!(id.as_str().starts_with("istore_"));
    assert_eq!(open(one.path()).await.id(), &id);
    assert_ne!(open(two.path()).await.id(), &id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_open_a_new_store_in_the_same_moment_agree_on_its_id() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new");
        let openings = (0..8).map(|_| {
            let path = path.clone();
            tokio::spawn(async move { open(&path).await.id().clone() })
        });
        let ids: Vec<_> = futures_util::stream::iter(openings.collect::<Vec<_>>())
            .then(|opening| async { opening.await.expect("opened") })
            .collect()
            .await;
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(files(&path), [path.join("store-id")]);
    }
}

#[tokio::test]
async fn a_damaged_id_is_an_error_and_not_a_new_store() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("store-id"), "istore_").expect("written");
    let opened = ImageStore::open_fs(folder.path(), SystemClock.now(), Arc::new(SystemChance)).await;
    assert!(matches!(opened, Err(ImageStoreError::OddId { .. })), "{opened:?}");
}

#[tokio::test]
async fn the_probe_leaves_nothing_and_fails_where_nothing_can_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).await;
    let before = files(folder.path());
    store.probe().await.expect("the store works");
    assert_eq!(files(folder.path()), before);

    std::fs::remove_dir(folder.path().join(folder::PROBES)).expect("removed");
    std::fs::write(folder.path().join(folder::PROBES), "in the way").expect("written");
    assert!(store.probe().await.is_err());
}
