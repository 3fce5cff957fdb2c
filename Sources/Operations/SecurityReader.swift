internal import KafkaIO
internal import Policy

/// Reads how connections to Kafka are protected. Secrets are named by files only.
struct SecurityReader {
  let paths: PathResolver

  private enum Kind: String, CaseIterable {
    case plaintext, tls
    case saslPlaintext = "sasl-plaintext"
    case saslTLS = "sasl-tls"
  }

  func read(_ map: YAMLMapping) -> KafkaConfiguration.Security? {
    let kind = map.required("protocol")?.word(Kind.self, what: "a protocol")
    let tls = map.optional("tls").flatMap(tls)
    let sasl = map.optional("sasl").flatMap(sasl)
    map.finish()
    guard let kind else { return nil }
    let usesTLS = kind == .tls || kind == .saslTLS
    let usesSASL = kind == .saslPlaintext || kind == .saslTLS
    if !usesTLS, let key = map.key("tls"), map.optional("tls") != nil {
      key.report("contradiction", "'tls' has no meaning with protocol \(kind.rawValue)")
    }
    if !usesSASL, let key = map.key("sasl"), map.optional("sasl") != nil {
      key.report("contradiction", "'sasl' has no meaning with protocol \(kind.rawValue)")
    }
    switch kind {
    case .plaintext: return .plaintext
    case .tls: return .tls(tls ?? KafkaConfiguration.TLS())
    case .saslPlaintext, .saslTLS:
      guard let sasl else {
        if map.optional("sasl") == nil { _ = map.required("sasl") }
        return nil
      }
      return kind == .saslPlaintext
        ? .saslPlaintext(sasl) : .saslTLS(sasl, tls ?? KafkaConfiguration.TLS())
    }
  }

  private func tls(_ yaml: PositionedYAML) -> KafkaConfiguration.TLS? {
    guard let map = yaml.mapping else { return nil }
    var tls = KafkaConfiguration.TLS()
    tls.authorityFile = file(map.optional("authority_file"))
    tls.certificateFile = file(map.optional("certificate_file"))
    tls.keyFile = file(map.optional("key_file"))
    tls.keyPasswordFile = file(map.optional("key_password_file"))
    if (tls.certificateFile == nil) != (tls.keyFile == nil) {
      yaml.report("contradiction", "certificate_file and key_file belong together")
    }
    map.finish()
    return tls
  }

  private func sasl(_ yaml: PositionedYAML) -> KafkaConfiguration.SASL? {
    guard let map = yaml.mapping else { return nil }
    let mechanism = map.required("mechanism")?
      .word(KafkaConfiguration.SASL.Mechanism.self, what: "a mechanism")
    let username = map.string("username")
    if let key = map.key("password"), map.optional("password") != nil {
      key.report(
        "secret-in-file", "a password does not belong into the configuration",
        hint: "password_file names a file that holds it")
    }
    let password = file(map.required("password_file"))
    map.finish()
    guard let mechanism, let username, let password else { return nil }
    return KafkaConfiguration.SASL(
      mechanism: mechanism, username: username, passwordFile: password)
  }

  private func file(_ yaml: PositionedYAML?) -> String? {
    guard let yaml, let text = yaml.string else { return nil }
    guard let path = paths.resolve(text) else {
      yaml.report(
        "no-credentials", "CREDENTIALS_DIRECTORY is not set",
        hint: "'credential:' paths need systemd's LoadCredential")
      return nil
    }
    return path
  }
}
