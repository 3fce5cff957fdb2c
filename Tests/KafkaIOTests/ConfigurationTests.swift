import KafkaIO
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ConfigurationTests {
  private func error(
    group: String = "g", _ change: (inout KafkaConfiguration) -> Void
  ) -> KafkaConfigurationError? {
    var configuration = KafkaConfiguration(bootstrapServers: ["127.0.0.1:1"])
    change(&configuration)
    do throws(KafkaConfigurationError) {
      _ = try KafkaConsumer(group: group, configuration: configuration, logger: silent)
      _ = try KafkaProducer(transactionalID: "t", configuration: configuration, logger: silent)
      return nil
    } catch {
      return error
    }
  }

  @Test func mistakesAreNamed() {
    #expect(error { _ in } == nil)
    #expect(error { $0.bootstrapServers = [] } == .missing(setting: "bootstrapServers"))
    #expect(error { $0.bootstrapServers = ["a:1", ""] } == .missing(setting: "bootstrapServers"))
    #expect(error { $0.clientID = "" } == .missing(setting: "clientID"))
    #expect(error(group: "") { _ in } == .missing(setting: "group"))
    #expect(
      error { $0.properties = ["no.such.thing": "1"] } == .unknownProperty("no.such.thing"))
    #expect(
      error { $0.properties = ["enable.auto.commit": "true"] }
        == .reservedProperty(
          "enable.auto.commit", hint: "offsets are committed in transactions only"))
    #expect(
      error { $0.properties = ["sasl.password": "hush"] }
        == .reservedProperty("sasl.password", hint: "security with a password file"))
    #expect(
      error { $0.security = .tls(.init(certificateFile: "/c")) }
        == .contradiction("certificateFile and keyFile belong together"))
    #expect(
      error { $0.security = .tls(.init(keyPasswordFile: "/c")) }
        == .contradiction("keyPasswordFile without keyFile"))
    #expect(
      error { $0.consumer.maxPollInterval = .seconds(1) }
        == .contradiction("maxPollInterval is shorter than sessionTimeout"))
    #expect(error { $0.properties = ["socket.keepalive.enable": "true"] } == nil)
  }

  @Test func valuesOfFurtherPropertiesAreNotRepeated() {
    let found = error { $0.properties = ["socket.keepalive.enable": "hush hush"] }
    guard case .invalidValue(let property, _) = found else {
      Issue.record("\(String(describing: found))")
      return
    }
    #expect(property == "socket.keepalive.enable")
    #expect(!"\(String(describing: found))".contains("hush"))
  }

  @Test func passwordsComeFromFiles() throws {
    let path = "/tmp/\(uniqueName("outreachd-secret"))"
    func sasl(_ file: String, user: String = "u") -> KafkaConfigurationError? {
      error {
        $0.security = .saslPlaintext(
          .init(mechanism: .scramSHA512, username: user, passwordFile: file))
      }
    }
    guard case .unreadableSecret(path, _)? = sasl(path) else {
      Issue.record("a missing file was accepted")
      return
    }
    let file = try #require(fopen(path, "w"))
    #expect(fclose(file) == 0)
    defer { unlink(path) }
    #expect(sasl(path) == .unreadableSecret(file: path, reason: "empty"))
    let again = try #require(fopen(path, "w"))
    fputs("pass word\n", again)
    #expect(fclose(again) == 0)
    #expect(sasl(path) == nil)
    #expect(sasl(path, user: "") == .missing(setting: "security.username"))
  }
}
