use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::digest::Sha256Digest;
use futures_util::stream;

use super::*;
use crate::drawing;

struct House {
    folder: tempfile::TempDir,
    store: ImageStore,
    intake: ImageIntake,
    now: Timestamp,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemClock.now();
        let chance: Arc<dyn Chance> = Arc::new(SystemChance);
        let path = folder.path().join("images");
        let store = ImageStore::open_fs(&path, now, Arc::clone(&chance)).await.expect("opened");
        let uploads = folder.path().join("uploads");
        let intake = ImageIntake::open(store.clone(), uploads, NonZeroUsize::MIN, now, chance).await;
        Self { folder, store, intake: intake.expect("opened"), now }
    }

    async fn take_in(&self, bytes: &[u8]) -> Result<PrintImage, ImageIntakeError> {
        self.take_in_up_to(bytes, u64::MAX).await
    }

    async fn take_in_up_to(&self, bytes: &[u8], limit: u64) -> Result<PrintImage, ImageIntakeError> {
        let chunks: Vec<_> =
            bytes.chunks(1_000).map(|c| std::io::Result::Ok(Bytes::copy_from_slice(c))).collect();
        self.intake.take_in(stream::iter(chunks), limit, self.now).await
    }

    /// Every file but the store's id.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, all: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, all);
                } else {
                    all.push(path.file_name().expect("named").to_string_lossy().into_owned());
                }
            }
        }
        let mut all = Vec::new();
        walk(self.folder.path(), &mut all);
        all.retain(|name| name != "store-id");
        all.sort();
        all
    }
}

fn file(format: ImageFormat) -> Vec<u8> {
    drawing::encode(&drawing::draw(3, 150, 200), format).expect("encoded")
}

fn broken() -> std::io::Error {
    std::io::Error::other("the client went away")
}

#[tokio::test]
async fn a_print_image_becomes_facts_and_three_objects() {
    for format in ImageFormat::ALL {
        let house = House::open().await;
        let bytes = file(format);
        let image = house.take_in(&bytes).await.expect("taken in");
        assert_eq!(image.sha256, Sha256Digest::of(&bytes));
        assert!(image.cid.starts_with("bafkrei"), "{}", image.cid);
        assert_eq!((image.format, image.width_px, image.height_px), (format, 150, 200));
        assert_eq!((image.byte_count, image.taken_in_at), (bytes.len() as u64, house.now));
        assert_eq!(house.files(), ["display", "original", "thumb"]);
        let kept = house.store.read(image.sha256, ImageObject::Original).await.expect("read");
        assert_eq!(kept.as_deref(), Some(&*bytes));
    }
}

#[tokio::test]
async fn the_same_bytes_twice_are_one_image() {
    let house = House::open().await;
    let bytes = file(ImageFormat::Png);
    let first = house.take_in(&bytes).await.expect("taken in");
    assert_eq!(house.take_in(&bytes).await.expect("taken in"), first);
    assert_eq!(house.files(), ["display", "original", "thumb"]);
}

#[tokio::test]
async fn a_refused_file_leaves_nothing() {
    let house = House::open().await;
    let jpeg = file(ImageFormat::Jpeg);
    let cases: [(&[u8], ImageRefusal); 4] = [
        (b"", ImageRefusal::Empty),
        (b"%PDF-1.7", ImageRefusal::TypeUnsupported),
        (&jpeg[..jpeg.len() / 2], ImageRefusal::Truncated),
        (&[&jpeg[..2], &[0xff, 0xd9]].concat(), ImageRefusal::Undecodable),
    ];
    for (bytes, refusal) in cases {
        let taken = house.take_in(bytes).await;
        assert!(matches!(taken, Err(ImageIntakeError::Refused(why)) if why == refusal), "{taken:?}");
        assert_eq!(house.files(), [""; 0], "{refusal}");
    }
}

#[tokio::test]
async fn the_limit_is_the_last_size_that_is_taken() {
    let house = House::open().await;
    let bytes = file(ImageFormat::Png);
    let size = bytes.len() as u64;
    let over = house.take_in_up_to(&bytes, size - 1).await;
    assert!(matches!(over, Err(ImageIntakeError::Refused(ImageRefusal::TooLarge))), "{over:?}");
    assert_eq!(house.files(), [""; 0]);
    assert!(house.take_in_up_to(&bytes, size).await.is_ok());
}

#[tokio::test]
async fn an_endless_upload_is_stopped_at_the_limit_of_the_house() {
    let house = House::open().await;
    let piece = Bytes::from(vec![0xff; 1 << 20]);
    let endless = stream::repeat_with(|| std::io::Result::Ok(piece.clone()));
    let taken = house.intake.take_in(endless, u64::MAX, house.now).await;
    assert!(matches!(taken, Err(ImageIntakeError::Refused(ImageRefusal::TooLarge))), "{taken:?}");
    assert_eq!(house.files(), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let house = House::open().await;
    let chunks = [Ok(Bytes::from(file(ImageFormat::Png))), Err(broken())];
    let taken = house.intake.take_in(stream::iter(chunks), u64::MAX, house.now).await;
    assert!(matches!(taken, Err(ImageIntakeError::Upload(_))), "{taken:?}");
    assert_eq!(house.files(), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_nobody_waits_for_leaves_nothing() {
    let house = House::open().await;
    let started = stream::iter([std::io::Result::Ok(Bytes::from_static(b"\x89PNG"))]);
    let chunks = started.chain(stream::pending());
    let waited = tokio::time::timeout(
        std::time::Duration::from_millis(50),
        house.intake.take_in(chunks, u64::MAX, house.now),
    );
    assert!(waited.await.is_err());
    assert_eq!(house.files(), [""; 0]);
}

#[tokio::test]
async fn a_store_that_fails_is_our_fault_and_leaves_no_original() {
    let house = House::open().await;
    std::fs::write(house.folder.path().join("images/images"), "in the way").expect("written");
    let taken = house.take_in(&file(ImageFormat::Png)).await;
    assert!(matches!(taken, Err(ImageIntakeError::Store(_))), "{taken:?}");
    assert_eq!(house.files(), ["images"]);
}

#[tokio::test]
async fn decodes_wait_for_each_other() {
    let house = House::open().await;
    let held = Arc::clone(&house.intake.decodes).acquire_owned().await.expect("free");
    let bytes = file(ImageFormat::Png);
    let waited = tokio::time::timeout(std::time::Duration::from_secs(1), house.take_in(&bytes)).await;
    assert!(waited.is_err(), "a second decode began beside the first");
    drop(held);
    assert!(house.take_in(&bytes).await.is_ok());
}
