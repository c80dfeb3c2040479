use super::*;

fn from_file(text: &str) -> Result<Settings, SettingError> {
    Settings::load(Layers { file: Some(text.to_owned()), ..Layers::default() })
}

fn from_environment(name: &str, value: &str) -> Result<Settings, SettingError> {
    let environment = HashMap::from([(name.to_owned(), value.to_owned())]);
    Settings::load(Layers { environment, ..Layers::default() })
}

/// The one policy for all sales.
fn policy(settings: &Settings) -> Policy {
    settings.policies.of(Timestamp::EPOCH).clone()
}

fn sentence(outcome: Result<Settings, SettingError>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "no problem".to_owned())
}

#[test]
fn without_any_setting_the_defaults_stand() -> Result<(), SettingError> {
    let settings = Settings::load(Layers::default())?;
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8020");
    assert_eq!(settings.public_base_url, "http://127.0.0.1:8020");
    assert_eq!(settings.database_url.to_string(), "sqlite:./colophon-data/colophon.db");
    assert_eq!(settings.secrets_dir, SecretsDir::Embedded("./colophon-data/secrets".into()));
    assert_eq!(policy(&settings).open_on, OpenOn::Shipment);
    assert_eq!(settings.claims.expire_after, None);
    assert_eq!(policy(&settings).returns.processing, Duration::from_secs(21 * DAY));
    assert_eq!(settings.minting.group_gas_ceiling, 16_000_000);
    Ok(())
}

#[test]
fn the_default_file_names_every_setting() {
    // What has no default stands there as a comment, so that a reader finds it.
    let raw = include_str!("../load.rs");
    let fields = raw.lines().skip_while(|line| !line.starts_with("struct Raw {"));
    let fields = fields.take_while(|line| !line.starts_with("/// The number, if"));
    for line in fields.filter(|line| line.starts_with("    ") && line.contains(':')) {
        let name = line.trim().split(':').next().unwrap_or_default();
        let stands = |name: &str| {
            let beginnings = [format!("{name} ="), format!("[{name}]"), format!("[{name}.")];
            let mut lines = DEFAULTS.lines().map(|line| line.trim_start_matches("# "));
            lines.any(|line| beginnings.iter().any(|beginning| line.starts_with(beginning)))
        };
        assert!(stands(name), "{name}");
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() -> Result<(), SettingError> {
    let layers = |flags| Layers {
        file: Some("listen = \"127.0.0.1:1\"\n[claims]\nopen_on = \"sale\"".to_owned()),
        environment: HashMap::from([("COLOPHON_LISTEN".to_owned(), "127.0.0.1:2".to_owned())]),
        flags,
        rpc_urls: Vec::new(),
    };
    let settings = Settings::load(layers(Vec::new()))?;
    assert_eq!((settings.listen.port(), policy(&settings).open_on), (2, OpenOn::Sale));
    let settings = Settings::load(layers(vec![("listen", "127.0.0.1:3".to_owned())]))?;
    assert_eq!(settings.listen.port(), 3);
    Ok(())
}

#[test]
fn the_environment_reaches_every_table() -> Result<(), SettingError> {
    let settings = from_environment("COLOPHON_CLAIMS__OPEN_ON", "delivery")?;
    assert_eq!(policy(&settings).open_on, OpenOn::Delivery);
    let settings = from_environment("COLOPHON_LIMITS__JSON_BYTES", "2048")?;
    assert_eq!(settings.limits.json_bytes, 2048);
    Ok(())
}

#[test]
fn trusted_proxies_are_networks_and_never_everybody() -> Result<(), SettingError> {
    assert!(Settings::load(Layers::default())?.throttle.proxies.networks.is_empty());
    let settings = from_environment("COLOPHON_THROTTLE__TRUSTED_PROXIES", "10.0.0.0/8,2001:db8::7")?;
    let networks: Vec<_> = settings.throttle.proxies.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "2001:db8::7/128"]);
    for odd in ["0.0.0.0/0", "::/0", "proxy.example", "10.0.0.0/33", ""] {
        let sentence = sentence(from_file(&format!("[throttle]\ntrusted_proxies = [\"{odd}\"]")));
        assert!(sentence.contains("throttle.trusted_proxies"), "{odd}: {sentence}");
    }
    let sentence = sentence(from_file("[throttle]\nclient_address_header = \"x-real-ip\""));
    assert!(sentence.contains("throttle.client_address_header"), "{sentence}");
    Ok(())
}

#[test]
fn a_list_of_addresses_is_read_from_the_environment_and_hidden() -> Result<(), SettingError> {
    let environment = HashMap::from([
        ("COLOPHON_RPC_URLS".to_owned(), "https://a.example/key,https://b.example".to_owned()),
        ("COLOPHON_CHAIN_ID".to_owned(), "137".to_owned()),
    ]);
    let settings = Settings::load(Layers { environment, ..Layers::default() })?;
    assert_eq!(settings.chain.rpc_urls.len(), 2);
    assert!(!format!("{settings:?}").contains("a.example"));
    Ok(())
}

#[test]
fn a_bad_setting_is_named_in_one_sentence() {
    let sentences: Vec<String> = [
        from_file("colour = 1"),
        from_file("[claims]\ncolour = 1"),
        from_file("[claims]\nopen_on = \"never\""),
        from_file("[limits]\njson_bytes = \"many\""),
        from_file("[limits]\njson_bytes = -1"),
        from_file("[minting]\nfinality_depth = 0"),
        from_file("[returns]\ntransit_days = 80"),
        from_file("listen = \"nowhere\""),
        from_file("public_base_url = \"https://prints.example.com/\""),
        from_file("rpc_urls = [\"https://rpc.example\"]"),
        from_file("contract = \"0x12\""),
        from_file("not toml"),
        from_environment("COLOPHON_DATABASE_URL", "mysql://root:hunter2@db"),
        from_environment("COLOPHON_COLOUR", "1"),
    ]
    .map(sentence)
    .into();
    let known = "is not known; known are one of `data_dir`, `listen`";
    let expected = [
        format!("`colour` {known}"),
        "`claims.colour` is not known; known are `open_on` or `expire_after_days`".to_owned(),
        "`claims.open_on` must be one of \"sale\", \"shipment\", \"delivery\"".to_owned(),
        "`limits.json_bytes` must be an integer".to_owned(),
        "`limits.json_bytes` must be an unsigned 64 bit or less integer".to_owned(),
        "`minting.finality_depth` must be a number from 1 to 100000".to_owned(),
        "`returns.window_days` and `processing_days` and `transit_days` together must not exceed 89".to_owned(),
        "`listen` must be an address with a port, such as 127.0.0.1:8020".to_owned(),
        "`public_base_url` must end without a slash and hold no user, `?` or `#`".to_owned(),
        "`chain_id` must be given together with `rpc_urls`".to_owned(),
        "`contract` must be 0x and 40 hex digits".to_owned(),
        "`--config` names a file that is not TOML".to_owned(),
        "`database_url` is not a database address: expected postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:PATH"
            .to_owned(),
        format!("`colour` {known}"),
    ];
    for (sentence, expected) in sentences.iter().zip(expected) {
        assert!(sentence.starts_with(&format!("the setting {expected}")), "{sentence}");
    }
}

#[test]
fn a_password_in_the_database_address_is_never_shown() -> Result<(), SettingError> {
    let settings = from_environment("COLOPHON_DATABASE_URL", "postgres://me:hunter2@db.example/prints")?;
    assert!(!format!("{settings:?}").contains("hunter2"));
    Ok(())
}
