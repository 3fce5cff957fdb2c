import ArgumentParser
import Foundation
import Logging
import Operations

/// The configuration file, for the commands that work on a deployment.
struct ConfigurationOption: ParsableArguments {
  @Option(help: "The configuration file.")
  var config: String

  /// Reads it, with the environment's overrides.
  func load() throws(ConfigurationFailure) -> DaemonConfiguration {
    try ConfigurationFile.load(config, environment: ProcessInfo.processInfo.environment)
  }
}

extension DaemonConfiguration.LogSettings {
  /// A logger to standard error.
  func logger(_ label: String) -> Logger {
    Logger(label: label) { LineLogHandler(label: $0, format: format, level: level) }
  }
}

/// `outreachd run`: the daemon.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the daemon.",
    discussion: """
      Works until SIGTERM or SIGINT, then finishes the batch under way, leaves the group and \
      closes its state. Log lines go to standard error.

      EXIT CODES
        0 asked to end   69 no broker answers at the start   70 cannot go on
        78 configuration, policy or topics do not fit

      EXAMPLES
        outreachd run --config /etc/outreachd/outreachd.yaml
        OUTREACH_KAFKA_BROKERS=127.0.0.1:9092 outreachd run --config config/outreachd.yaml
      """)

  @OptionGroup var file: ConfigurationOption

  func run() throws {
    Signals.block()
    let configuration = try file.load()
    let logger = configuration.logging.logger("outreachd")
    logger.info(
      "starting",
      metadata: [
        "version": "\(outreachdVersion)", "group": "\(configuration.kafka.group)",
        "instance": "\(configuration.kafka.instance)",
      ])
    if configuration.identifierKey == .developmentKey {
      logger.warning("identifiers use the public development key: for invented people only")
    }
    let daemon = try Daemon(configuration, logger: logger)
    try daemon.start()
    ServiceNotifier.ready("working")
    watch(daemon, configuration, logger)
    ServiceNotifier.stopping()
    do throws(CommandFailure) {
      try daemon.shutDown()
    } catch {
      logger.critical("ended", metadata: ["reason": "\(error.message)"])
      throw error
    }
    logger.info("ended", metadata: ["in": "\(daemon.totals.recordsIn)"])
  }

  /// Waits for a signal or a failure; meanwhile tells of the first record and of progress.
  private func watch(_ daemon: Daemon, _ configuration: DaemonConfiguration, _ logger: Logger) {
    var line = StatisticsLine()
    var hasBegun = false
    let interval = Double(Units.milliseconds(configuration.logging.statistics)) / 1000
    var told = ProcessInfo.processInfo.systemUptime
    while !daemon.isStopping {
      if let signal = Signals.wait(milliseconds: hasBegun ? 250 : 10) {
        logger.info("ending", metadata: ["signal": "\(Signals.name(signal))"])
        return
      }
      if !hasBegun {
        let totals = daemon.totals
        if totals.recordsIn + totals.stageRecords > 0 {
          hasBegun = true
          logger.info(
            "first record processed",
            metadata: ["millisecondsSinceStart": "\(ProcessAge.milliseconds)"])
        }
      }
      let now = ProcessInfo.processInfo.systemUptime
      if interval > 0, now - told >= interval {
        line.write(daemon.totals, seconds: now - told, logger)
        told = now
      }
    }
  }
}
