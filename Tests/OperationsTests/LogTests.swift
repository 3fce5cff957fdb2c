import Foundation
import Logging
import Operations
import Synchronization
import Testing

private final class Lines: Sendable {
  let text = Mutex("")
  func write(_ bytes: [UInt8]) { text.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }
  var all: String { text.withLock { $0 } }
}

private func logger(_ format: LogFormat, _ lines: Lines) -> Logger {
  Logger(label: "worker") { label in
    LineLogHandler(label: label, format: format, level: .info) { lines.write($0) }
  }
}

@Suite struct LogTests {
  @Test func jsonLineIsOneObject() throws {
    let lines = Lines()
    logger(.json, lines).info("took \"over\"\n", metadata: ["partitions": "3", "a": .array(["x"])])
    #expect(lines.all.filter { $0 == "\n" }.count == 1)
    let object = try JSONSerialization.jsonObject(with: Data(lines.all.utf8)) as? [String: String]
    #expect(object?["message"] == "took \"over\"\n")
    #expect(object?["partitions"] == "3")
    #expect(object?["level"] == "info")
    #expect(object?["a"] == "x")
  }

  @Test func textLineIsOneLine() {
    let lines = Lines()
    logger(.text, lines).warning("two\nlines", metadata: ["code": "a b", "n": "1"])
    #expect(lines.all.hasSuffix("warning worker: two lines code=\"a b\" n=1\n"))
  }

  @Test func levelIsKept() {
    let lines = Lines()
    logger(.text, lines).debug("nothing")
    #expect(lines.all.isEmpty)
  }
}
