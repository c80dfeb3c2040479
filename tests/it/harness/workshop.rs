//! Lanes at work in this process, beside a chain that makes blocks when the test says so: for what only the pipeline and the
//! contract decide, without shop and routes.

use std::sync::Arc;
use std::time::Duration;

use catalog::account::Account;
use catalog::chance::SystemChance;
use catalog::clock::{Clock, SystemClock};
use catalog::db::Db;
use catalog::digest::Sha256Digest;
use catalog::edition::EditionNumber;
use catalog::journal::Occasion;
use minting::call::{Call, CallId, EditionTerms};
use minting::chain::Role;
use minting::contract;
use minting::deployment::{DeploymentPlan, deploy};
use minting::fees::FeePolicy;
use minting::pipeline::{Lane, Pipeline, PipelineSettings};
use minting::rpc::{Finality, RpcChain};
use minting::signer::SigningKey;
use minting::store;
use serde_json::{Value, json};
use tests::anvil::{Anvil, Blocks, hex, number};
use tests::oracle::tokens::{NOBODY, TRANSFER};

const CHAIN_ID: u64 = 31_337;
/// A thousand ether.
const ALLOWANCE: &str = "0x3635c9adc5dea00000";
const FEES: FeePolicy = FeePolicy { max_fee_cap: 1_000_000_000_000, min_tip: 1, max_tip: 10_000_000_000 };

/// What opens an edition of so many sheets.
pub(crate) fn opening(edition: u32, serials: u16) -> Call {
    let digest = Sha256Digest::of(b"great wave");
    let terms = EditionTerms {
        serials,
        image_digest: digest,
        colophon_digest: digest,
        royalty_receiver: Account::from_bytes([9; 20]),
        royalty_basis_points: 500,
    };
    Call::OpenEdition { edition: EditionNumber::new(edition).expect("a number"), terms }
}

/// A chain, a contract, and the keys of its roles.
pub(crate) struct Workshop {
    pub(crate) chain: Anvil,
    pub(crate) contract: Account,
    pub(crate) curator: SigningKey,
    pub(crate) registrar: SigningKey,
    /// Two of them.
    pub(crate) minters: [SigningKey; 2],
    db: Db,
}

impl Workshop {
    /// With our contract, which mints so many tokens in a clock hour.
    pub(crate) async fn open(db: &Db, hourly_mint_cap: u32) -> Self {
        let mut shop = Self::without_contract(db).await;
        let admin = SigningKey::generate(&SystemChance);
        shop.pay(admin.account()).await;
        let plan = DeploymentPlan {
            name: "Prints".to_owned(),
            symbol: "PRINT".to_owned(),
            public_base_url: "http://127.0.0.1:9".to_owned(),
            admin: admin.account(),
            curator: shop.curator.account(),
            minters: shop.minters.iter().map(SigningKey::account).collect(),
            registrar: shop.registrar.account(),
            vault: SigningKey::generate(&SystemChance).account(),
            hourly_mint_cap,
        };
        let url = shop.chain.url().parse().expect("an address");
        let mining = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                shop.chain.mine(1).await;
            }
        };
        shop.contract = tokio::select! {
            deployed = deploy(url, &admin, &plan, FEES) => deployed.expect("a contract"),
            () = mining => unreachable!("it goes on for ever"),
        };
        shop
    }

    /// With the contract that `creation_code` (hex digits) makes.
    pub(crate) async fn open_with(db: &Db, creation_code: &str) -> Self {
        let mut shop = Self::without_contract(db).await;
        let deployer = shop.minters[0].account().to_string();
        shop.chain.ask("anvil_impersonateAccount", json!([deployer])).await;
        let creation = json!([{ "from": deployer, "data": creation_code, "gas": "0xe4e1c0" }]);
        let hash = shop.chain.ask("eth_sendTransaction", creation).await;
        shop.chain.ask("anvil_stopImpersonatingAccount", json!([deployer])).await;
        shop.chain.mine(1).await;
        let receipt = shop.chain.ask("eth_getTransactionReceipt", json!([hash])).await;
        shop.contract = receipt["contractAddress"].as_str().expect("an address").parse().expect("an account");
        // The lanes find keys that nobody has used.
        shop.minters = [SigningKey::generate(&SystemChance), SigningKey::generate(&SystemChance)];
        for minter in &shop.minters {
            shop.pay(minter.account()).await;
        }
        shop
    }

    async fn without_contract(db: &Db) -> Self {
        let key = || SigningKey::generate(&SystemChance);
        let (curator, registrar, minters) = (key(), key(), [key(), key()]);
        let (chain, contract) = (Anvil::start(Blocks::OnDemand), Account::from_bytes([0; 20]));
        let shop = Self { chain, contract, curator, registrar, minters, db: db.clone() };
        for key in [&shop.curator, &shop.registrar, &shop.minters[0], &shop.minters[1]] {
            shop.pay(key.account()).await;
        }
        shop
    }

    async fn pay(&self, account: Account) {
        self.chain.ask("anvil_setBalance", json!([account.to_string(), ALLOWANCE])).await;
    }

    /// A lane of a process of its own.
    pub(crate) async fn lane(&self, key: &SigningKey, role: Role) -> Lane {
        // Sent again in every pass.
        self.lane_by(key, role, Arc::new(SystemClock), Duration::ZERO).await
    }

    /// The same through a provider of the test's own.
    pub(crate) async fn lane_through(
        &self,
        url: &str,
        key: &SigningKey,
        role: Role,
        resend_after: Duration,
    ) -> Lane {
        self.lane_of(url, key, role, Arc::new(SystemClock), resend_after).await
    }

    /// The same by a clock of the test's own, sending again after so long.
    pub(crate) async fn lane_by(
        &self,
        key: &SigningKey,
        role: Role,
        clock: Arc<dyn Clock>,
        resend_after: Duration,
    ) -> Lane {
        self.lane_of(self.chain.url(), key, role, clock, resend_after).await
    }

    async fn lane_of(
        &self,
        url: &str,
        key: &SigningKey,
        role: Role,
        clock: Arc<dyn Clock>,
        resend_after: Duration,
    ) -> Lane {
        let url = url.parse().expect("an address");
        let pipeline = Pipeline {
            db: self.db.clone(),
            chain: Arc::new(RpcChain::new(url, self.contract, Finality::Tag).expect("a node")),
            chain_id: CHAIN_ID,
            contract: self.contract,
            clock,
            chance: Arc::new(SystemChance),
            settings: PipelineSettings {
                fees: FEES,
                daily_budget: None,
                gas_ceiling: 16_000_000,
                most_waiting: 16,
                lease: Duration::from_mins(1),
                resend_after,
                resend_missing_after: resend_after,
                // Never for more, while the clock goes on.
                bump_after: Duration::from_hours(1),
                park: Duration::from_hours(1),
                count_every: Duration::from_hours(1),
            },
            holder: key.account().to_string(),
        };
        Lane::open(Arc::new(pipeline), key.clone(), role).await.expect("a lane")
    }

    /// Writes calls into the queue, all in one database transaction.
    pub(crate) async fn queue(&self, calls: &[Call]) -> Vec<CallId> {
        let attempt = || async {
            let occasion = Occasion::by_service(SystemClock.now(), "a test", &SystemChance);
            let mut tx = self.db.begin_write().await?;
            let mut ids = Vec::new();
            for call in calls {
                ids.push(store::queue_call(&mut tx, &occasion, call, None).await?);
            }
            tx.commit().await.map(|()| ids)
        };
        catalog::db::retrying(attempt).await.expect("the calls to be queued")
    }

    /// Sends calls as `key` past the books, and makes the block that holds them.
    pub(crate) async fn interfere(&self, key: &SigningKey, calls: &[Call]) {
        let data = contract::calldata(calls).expect("calldata");
        let from = key.account().to_string();
        self.chain.ask("anvil_impersonateAccount", json!([from])).await;
        let transaction = json!({
            "from": from,
            "to": self.contract.to_string(),
            "data": format!("0x{}", hex(&data)),
            "gas": "0x989680",
        });
        let hash = self.chain.ask("eth_sendTransaction", json!([transaction])).await;
        self.chain.ask("anvil_stopImpersonatingAccount", json!([from])).await;
        self.chain.mine(1).await;
        let receipt = self.chain.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{receipt:#}");
    }

    /// The time of the newest block, in Unix seconds.
    pub(crate) async fn time(&self) -> u64 {
        number(&self.chain.ask("eth_getBlockByNumber", json!(["latest", false])).await["timestamp"])
            .expect("a time")
    }

    /// The token ids that were ever minted, in the order of the log: one that was minted twice is there twice.
    pub(crate) async fn minted(&self) -> Vec<u64> {
        self.minted_from("earliest").await
    }

    /// Those of the newest block.
    pub(crate) async fn minted_in_newest_block(&self) -> Vec<u64> {
        self.minted_from("latest").await
    }

    async fn minted_from(&self, block: &str) -> Vec<u64> {
        let filter = json!([{
            "address": self.contract.to_string(),
            "fromBlock": block,
            "topics": [TRANSFER, NOBODY],
        }]);
        let logs = self.chain.ask("eth_getLogs", filter).await;
        let id = |log: &Value| {
            let topic = log["topics"][3].as_str().and_then(|topic| topic.get(50..)).expect("a topic");
            u64::from_str_radix(topic, 16).expect("an id")
        };
        logs.as_array().expect("logs").iter().map(id).collect()
    }
}
