//! The real program and the key under which it encrypts what names buyers: what was erased is missed by nobody, and another key
//! is told from the right one.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::app::{TestApp, Wallet, fresh, id_of};
use crate::harness::database::on_postgres;

const NAME: &str = "Chiyo Yoshida";
const EMAIL: &str = "chiyo@example.com";

both_databases! {
    async fn an_erased_contact_is_missed_by_no_claim_no_proof_and_no_report(db: TestDb) {
        let app = TestApp::start_with(&db, &[("COLOPHON_LOG__LEVEL", "debug")]).await;
        let edition = app.publish_edition(2).await;
        let line = json!({
            "channel": "boutique",
            "order": fresh("order"),
            "line": "1",
            "edition_id": edition,
            "price": { "amount_minor": 1_940_000, "currency": "CNY" },
            "sold_at": "2026-11-20T09:30:00Z",
            "contact": { "name": NAME, "email": EMAIL },
        });
        let sale = app.post("/v1/sales", &line).by_shop().once().await.expect(201).body["sales"][0].clone();
        let path = format!("/v1/sales/{}/contact", id_of(&sale));
        assert_eq!(app.get(&path).by_shop().await.expect(200).text("name"), NAME);
        app.get(&path).by_curator().await.refused(403, "scope_insufficient");
        let code = app.claim_code(&sale).await;
        app.ship(&sale).await.expect(200);
        assert_eq!(audited(&app), "intact");

        app.delete(&path).by_shop().await.expect(204);
        app.get(&path).by_shop().await.refused(404, "contact_not_found");
        let token_id = app.redeem(&code, &Wallet::fresh()).await.expect(202).at("/token/token_id");
        app.recorded(&token_id).await;
        assert_eq!(audited(&app), "intact");
        let (code, report) = app.ends(&["reconcile"]);
        assert_eq!(code, 0, "{report}");
        for secret in [NAME, EMAIL] {
            assert!(!app.log_tail().contains(secret) && !report.contains(secret));
        }
    }
}

fn audited(app: &TestApp) -> String {
    let (code, said) = app.ends(&["audit", "verify"]);
    let finding: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(code, 0, "{finding:#}");
    finding["verdict"].as_str().expect("a verdict").to_owned()
}

#[test]
fn another_contact_key_is_refused_at_the_start_and_by_commands() {
    on_postgres(|db| async move {
        let app = TestApp::start(&db).await;
        let (ours, others) = (app.folder("secrets"), app.folder("secrets-with-another-contact-key"));
        std::fs::create_dir(&others).expect("a folder");
        for file in std::fs::read_dir(&ours).expect("the secrets") {
            let file = file.expect("a file");
            std::fs::copy(file.path(), others.join(file.file_name())).expect("a copy");
        }
        let key = others.join("contact_key");
        std::fs::write(&key, "0".repeat(64)).expect("another key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let others = others.display().to_string();
        let told = "the secret `contact_key` is not the one that this database was made with";
        let said = app.refuses_to_start_with("COLOPHON_SECRETS_DIR", &others);
        assert!(said.contains(told), "{said}");
        let mut list = app.program();
        let output =
            list.args(["inbox", "list"]).env("COLOPHON_SECRETS_DIR", &others).output().expect("an end");
        assert!(
            !output.status.success() && String::from_utf8_lossy(&output.stderr).contains(told),
            "{output:?}"
        );

        std::fs::write(&key, "too short").expect("a short key");
        let said = app.refuses_to_start_with("COLOPHON_SECRETS_DIR", &others);
        assert!(said.contains("contact_key: the contact key must have at least 32 bytes"), "{said}");
    });
}
