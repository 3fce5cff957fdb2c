import Foundation
import Operations
import Streaming

/// Writes an output as one line: `{"topic","key","headers","event"}`.
///
/// `event` is the structured form of the event: the attributes that travel as `ce_` headers, then
/// `data`. A dead letter's is `{"bytes":base64}`, since its value can be anything; a tombstone's is
/// null.
struct OutputLine {
  let prefix: String
  private static let leading = ["specversion", "id", "source", "type", "time"]

  func append(_ record: OutputRecord, to out: inout [UInt8]) {
    out.append(contentsOf: #"{"topic":"#.utf8)
    JSONText.append("\(prefix).\(record.topic)".utf8, to: &out)
    out.append(contentsOf: #","key":"#.utf8)
    if let key = record.key {
      appendText(key, to: &out)
    } else {
      out.append(contentsOf: "null".utf8)
    }
    out.append(contentsOf: #","headers":{"#.utf8)
    for (at, header) in record.headers.enumerated() {
      if at > 0 { out.append(0x2C) }
      JSONText.append(header.name.utf8, to: &out)
      out.append(0x3A)
      appendText(header.value, to: &out)
    }
    out.append(contentsOf: #"},"event":"#.utf8)
    appendEvent(record, to: &out)
    out.append(contentsOf: "}\n".utf8)
  }

  private func appendEvent(_ record: OutputRecord, to out: inout [UInt8]) {
    guard record.topic != "deadletters" else {
      out.append(contentsOf: #"{"bytes":"#.utf8)
      if let value = record.value {
        out.append(0x22)
        out.append(contentsOf: Data(value).base64EncodedData())
        out.append(0x22)
      } else {
        out.append(contentsOf: "null".utf8)
      }
      out.append(0x7D)
      return
    }
    guard let value = record.value else {
      out.append(contentsOf: "null".utf8)
      return
    }
    out.append(0x7B)
    for (name, text) in attributes(record) {
      JSONText.append(name.utf8, to: &out)
      out.append(0x3A)
      appendText(text, to: &out)
      out.append(0x2C)
    }
    out.append(contentsOf: #""data":"#.utf8)
    out.append(contentsOf: value)
    out.append(0x7D)
  }

  /// The five that every event has first, then the others in the order of the headers.
  private func attributes(_ record: OutputRecord) -> [(name: String, value: [UInt8])] {
    var first: [(String, [UInt8])] = []
    var rest: [(String, [UInt8])] = []
    for header in record.headers {
      if header.name == "content-type" {
        rest.append(("datacontenttype", header.value))
      } else if header.name.hasPrefix("ce_") {
        let name = String(header.name.dropFirst(3))
        if OutputLine.leading.contains(name) {
          first.append((name, header.value))
        } else {
          rest.append((name, header.value))
        }
      }
    }
    let order = { (name: String) in OutputLine.leading.firstIndex(of: name) ?? 0 }
    return first.sorted { order($0.0) < order($1.0) } + rest
  }

  /// Bytes that are not UTF-8 (a dead letter's key or headers can be anything) become U+FFFD.
  private func appendText(_ bytes: [UInt8], to out: inout [UInt8]) {
    if bytes.allSatisfy({ $0 < 0x80 }) {
      JSONText.append(bytes, to: &out)
    } else {
      JSONText.append(String(decoding: bytes, as: UTF8.self).utf8, to: &out)
    }
  }
}
