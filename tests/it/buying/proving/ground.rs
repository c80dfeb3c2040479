//! Wallets of every kind on a chain of their own, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::chance::SystemChance;
use catalog::clock::SystemClock;
use minting::providers::Providers;
use minting::rpc::Finality;
use minting::signer::SigningKey;
use minting::wallet::{WalletJudge, checksummed, parse_account};
use serde_json::{Value, json};
use tests::anvil::{Anvil, Blocks};

use super::super::house::{Parts, address, wallet};

/// Compiled by `contracts/tools/artifact` out of `contracts/test/wallets/Wallets.sol`.
const WALLETS: &str = include_str!("../../../../contracts/artifacts/TestWallets.json");
const PRINT_EDITIONS: &str = include_str!("../../../../contracts/artifacts/PrintEditions.json");
/// The contract of [`super::House`].
const CONTRACT: &str = "0x00000000000000000000000000000000C0109408";
/// Wallets that are made without arguments.
const PLAIN: [&str; 15] = [
    "CountingWallet",
    "DirtyMagicWallet",
    "EchoWallet",
    "EvenBlockWallet",
    "Factory",
    "GasBurningWallet",
    "InvalidOpcodeWallet",
    "KeyDelegate",
    "OpenWallet",
    "RevertingMagicWallet",
    "RevertingWallet",
    "SelfDestructingWallet",
    "SilentWallet",
    "TrueWallet",
    "WrongMagicWallet",
];
/// Delegates that key accounts are lent (EIP-7702).
const DELEGATES: [&str; 5] =
    ["SilentWallet", "RevertingWallet", "GasBurningWallet", "KeyDelegate", "OwnedWallet"];

/// The chain, its wallets, and the keys of those who have one.
pub(super) struct Ground {
    chain: Anvil,
    keys: BTreeMap<String, SigningKey>,
    addresses: BTreeMap<String, String>,
}

/// An address as an argument of a call.
pub(super) fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x").to_lowercase())
}

impl Ground {
    pub(super) async fn raise() -> Self {
        let chain = Anvil::start(Blocks::OnDemand);
        let mut ground = Self { chain, keys: BTreeMap::new(), addresses: BTreeMap::new() };
        for name in ["buyer", "owner", "second", "stranger"] {
            ground.keys.insert(name.to_owned(), wallet());
        }
        let lower = ground.address("buyer").to_lowercase();
        ground.addresses.insert("buyer-in-lower-case".to_owned(), lower);
        ground.addresses.insert("Nobody".to_owned(), address(&SigningKey::generate(&SystemChance)));
        ground.addresses.insert("$minter".to_owned(), address(&wallet()));
        ground.addresses.insert("$contract".to_owned(), CONTRACT.to_owned());
        let editions: Value = serde_json::from_str(PRINT_EDITIONS).expect("the artifact");
        let code = &editions["deployedBytecode"]["object"];
        ground.chain.ask("anvil_setCode", json!([CONTRACT, code])).await;
        let (owner, second) = (ground.address("owner"), ground.address("second"));
        for name in PLAIN {
            ground.deploy(name, name, "").await;
        }
        ground.deploy("OwnedWallet", "OwnedWallet", &word(&owner)).await;
        ground.deploy("OwnedWallet two", "OwnedWallet", &word(&owner)).await;
        ground.deploy("SharedWallet", "SharedWallet", &format!("{}{}", word(&owner), word(&second))).await;
        for length in [4, 31, 32, 64, 100_000, 10_000_000] {
            let name = format!("LongAnswerWallet {length}");
            ground.deploy(&name, "LongAnswerWallet", &format!("{length:064x}")).await;
        }
        ground.deploy("Vanishing", "Vanishing", "").await;
        ground.learn("Vanished", "Vanishing", "GONE()", "").await;
        assert_eq!(ground.code("Vanished").await, "0x");
        ground.learn("Counterfactual", "Factory", "addressOf(address)", &word(&owner)).await;
        for delegate in DELEGATES {
            let name = format!("key lent to {delegate}");
            let key = wallet();
            let code = format!("0xef0100{}", ground.address(delegate).trim_start_matches("0x"));
            ground.chain.ask("anvil_setCode", json!([address(&key), code])).await;
            ground.keys.insert(name.clone(), key);
            assert_eq!(ground.code(&name).await, code.to_lowercase());
        }
        ground
    }

    /// What a house on this chain is opened with.
    pub(super) async fn parts(&self) -> Parts {
        let contract = parse_account(CONTRACT).expect("an account");
        let urls = vec![self.chain.url().parse().expect("an address")];
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(SystemChance));
        let chain = Providers::connect(urls, contract, Finality::Tag, 31_337, clock, chance).await;
        let wallets = WalletJudge::new(Arc::<Providers>::clone(&chain.expect("the chain")));
        let minter = parse_account(&self.address("$minter")).expect("an account");
        Parts { wallets, signers: vec![minter], ..Parts::default() }
    }

    /// The address of a wallet of that name; a name that is none is an address itself.
    pub(super) fn address(&self, name: &str) -> String {
        let key = self.keys.get(name).map(address);
        key.or_else(|| self.addresses.get(name).cloned()).unwrap_or_else(|| name.to_owned())
    }

    /// A key's `personal_sign` over `text`: `r`, `s` and `v` of 27 or 28.
    pub(super) fn sign(&self, name: &str, text: &str) -> String {
        let key = self.keys.get(name).unwrap_or_else(|| panic!("{name} has no key"));
        key.sign_text(text).expect("a signature")
    }

    /// The first four bytes of the hash of a function's name and types.
    pub(super) async fn selector(&self, function: &str) -> String {
        let hash =
            self.chain.ask("web3_sha3", json!([format!("0x{}", tests::anvil::hex(function.as_bytes()))]));
        hash.await.as_str().expect("a hash")[2..10].to_owned()
    }

    /// Makes blocks until the newest has an `even` or `odd` number.
    pub(super) async fn mine_to(&self, parity: &str) {
        let wanted = u64::from(parity == "odd");
        while self.chain.height().await % 2 != wanted {
            self.chain.mine(1).await;
        }
    }

    /// What nobody but the test itself may change: how many transactions there were, and what stands where none made
    /// anything.
    pub(super) async fn standing(&self) -> Value {
        let account = self.chain.ask("eth_accounts", json!([])).await[0].clone();
        let count = self.chain.ask("eth_getTransactionCount", json!([account, "pending"])).await;
        let asked = json!([self.address("CountingWallet"), "0x0", "latest"]);
        json!({
            "transactions": count,
            "pool": self.chain.ask("txpool_status", json!([])).await,
            "counterfactual": self.code("Counterfactual").await,
            "asked": self.chain.ask("eth_getStorageAt", asked).await,
        })
    }

    async fn code(&self, name: &str) -> String {
        let code = self.chain.ask("eth_getCode", json!([self.address(name), "latest"])).await;
        code.as_str().expect("code").to_owned()
    }

    async fn deploy(&mut self, name: &str, contract: &str, arguments: &str) {
        let codes: Value = serde_json::from_str(WALLETS).expect("the artifact");
        let code = codes[contract].as_str().unwrap_or_else(|| panic!("no wallet {contract}"));
        let from = self.chain.ask("eth_accounts", json!([])).await[0].clone();
        let transaction = json!([{ "from": from, "data": format!("{code}{arguments}"), "gas": "0x4c4b40" }]);
        let hash = self.chain.ask("eth_sendTransaction", transaction).await;
        self.chain.mine(1).await;
        let receipt = self.chain.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{name}");
        self.keep(name, receipt["contractAddress"].as_str().expect("an address"));
    }

    /// Keeps the address that a contract answers with.
    async fn learn(&mut self, name: &str, contract: &str, function: &str, arguments: &str) {
        let data = format!("0x{}{arguments}", self.selector(function).await);
        let question = json!([{ "to": self.address(contract), "data": data }, "latest"]);
        let answer = self.chain.ask("eth_call", question).await;
        let answer = answer.as_str().expect("an address").to_owned();
        self.keep(name, &format!("0x{}", &answer[26..]));
    }

    fn keep(&mut self, name: &str, address: &str) {
        let account = parse_account(address).expect("an account");
        self.addresses.insert(name.to_owned(), checksummed(account));
    }
}
