import City
import Foundation
import KafkaIO
import Operations
import Policy
import Runtime
import Stages
import Streaming

/// What an event costs in the stages alone: a simulated city through the pipeline of `replay`, in
/// memory, without Kafka and without LMDB. The initial load is told apart from the days.
struct StageBenchmark {
  let pack: PolicyPack
  let options: CityOptions

  /// CPU of one part of the stream.
  struct Part {
    var records = 0
    var outputs = 0
    var cpuSeconds = 0.0
    var microseconds: Double { cpuSeconds * 1e6 / Double(max(records, 1)) }
  }

  func run() throws -> (load: Part, days: Part) {
    var directory = Directory()
    for entry in cityDirectory(options) { try directory.add(line: Array(entry.value.utf8)) }
    let inputs = StageInputs(pack: pack, directory: directory, identifiers: .development)
    let pipeline = InlinePipeline(stages: try inputs.makeStages())
    let city = CityStream(options, mode: .structured, lines: true)
    let topics = CityTopic.allCases.map { (name: "assist." + $0.suffix, suffix: $0.suffix) }
    let header = (name: Array("content-type".utf8), value: Array("application/cloudevents+json".utf8))
    var load = Part()
    var days = Part()
    var buffer = EventBuffer()
    var isMore = true
    while isMore {
      // Made outside the time taken.
      var batch: [(topic: Int, value: [UInt8])] = []
      let isLoad = city.counts.records < city.loadRecords
      while batch.count < 256, isMore, isLoad == (city.counts.records < city.loadRecords) {
        isMore = city.next(into: &buffer)
        if isMore {
          batch.append((Int(buffer.topic.rawValue), buffer.value.withBytes { Array($0) }))
        }
      }
      let began = processCPUSeconds()
      var outputs = 0
      for (topic, value) in batch {
        let result: Result<Int, DecodingFailure> = value.withUnsafeBytes { value in
          header.name.withUnsafeBytes { name in
            header.value.withUnsafeBytes { type in
              let headers = [BorrowedHeader(name: name, value: type)]
              return headers.withUnsafeBufferPointer { headers in
                let record = InboundRecord(
                  topic: topics[topic].name, topicSuffix: topics[topic].suffix, partition: 0,
                  offset: 0, timestamp: 0, key: nil, value: value, headers: headers)
                do throws(DecodingFailure) {
                  return .success(try pipeline.feed(record).count)
                } catch {
                  return .failure(error)
                }
              }
            }
          }
        }
        outputs += try result.get()
      }
      let spent = processCPUSeconds() - began
      if isLoad {
        load.records += batch.count
        load.outputs += outputs
        load.cpuSeconds += spent
      } else {
        days.records += batch.count
        days.outputs += outputs
        days.cpuSeconds += spent
      }
    }
    return (load, days)
  }
}
