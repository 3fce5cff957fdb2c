import Runtime
import Simulation
import Streaming
import Testing
import Vocabulary

@Suite struct InlinePipelineTests {
  private func feed(_ pipeline: InlinePipeline, _ value: [UInt8]) throws -> [String] {
    let outputs = try value.withUnsafeBytes { bytes in
      let headers = UnsafeBufferPointer<BorrowedHeader>(start: nil, count: 0)
      return try pipeline.feed(
        InboundRecord(
          topic: "assist.window.transactions", topicSuffix: "window.transactions", partition: 0,
          offset: 0, timestamp: 0, key: nil, value: bytes, headers: headers))
    }
    return outputs.map(text)
  }

  private func text(_ output: OutputRecord) -> String {
    String(decoding: output.value ?? [], as: UTF8.self)
  }

  @Test func timersFireFirstEachAtItsOwnInstant() throws {
    let pipeline = InlinePipeline(stages: Toy.stages())
    // h1 is due at 275 s, h0 at 244 s after the start; see `ToyHouseholds`.
    let first = try feed(pipeline, Toy.event(1, person: 1, household: 1, seconds: 10))
    #expect(first == ["h1 revision 1"])
    let second = try feed(pipeline, Toy.event(2, person: 2, household: 0, seconds: 20))
    #expect(second == ["h0 revision 1"])
    let dues = [0, 1].map { household in
      Toy.start.seconds + Int64("h\(household)".utf8.reduce(0) { $0 * 31 + Int($1) } % 1000)
    }
    let third = try feed(pipeline, Toy.event(3, person: 1, household: 1, seconds: 999))
    let h0 = "h0 woke 1 at \(Instant(seconds: dues[0]))"
    let h1 = "h1 woke 1 at \(Instant(seconds: dues[1]))"
    let wakes = dues.map { $0 <= Toy.start.seconds + 999 }
    #expect(third.last == "h1 revision 2")
    #expect(third.contains(h0) == wakes[0] && third.contains(h1) == wakes[1])
    #expect(third.dropLast().allSatisfy { $0.contains("woke") })
    #expect(pipeline.now == Toy.start.adding(seconds: 999))
  }

  @Test func deadLettersLeaveTheClockAloneAndDuplicatesMoveIt() throws {
    let pipeline = InlinePipeline(stages: Toy.stages())
    #expect(try feed(pipeline, Array("nonsense".utf8)) == ["nonsense"])
    #expect(pipeline.now == .distantPast)
    _ = try feed(pipeline, Toy.event(1, person: 1, household: 1, seconds: 10))
    let again = try feed(pipeline, Toy.event(1, person: 1, household: 1, seconds: 60))
    #expect(again.isEmpty)
    #expect(pipeline.now == Toy.start.adding(seconds: 60))
  }

  @Test func advanceLetsTimersRunOn() throws {
    let pipeline = InlinePipeline(stages: Toy.stages())
    _ = try feed(pipeline, Toy.event(1, person: 1, household: 1, seconds: 0))
    let wakes = try pipeline.advance(until: Toy.start.adding(seconds: 100_000)).map(text)
    #expect(wakes.count == 3)
    #expect(try pipeline.advance(until: .distantFuture).isEmpty)
  }

  /// The pipeline and the worker do the same work.
  @Test func agreesWithTheWorker() throws {
    let expected = try reference(events: 60)
    let harness = Harness()
    harness.feed(60)
    harness.feedEnd()
    let pipeline = InlinePipeline(stages: Toy.stages())
    var outputs: [String] = []
    for topic in Harness.inTopics {
      for record in harness.cluster.committedRecords(harness.layout.full(topic)).joined() {
        outputs += try feed(pipeline, record.value ?? [])
      }
    }
    outputs += try pipeline.advance(until: Toy.start.adding(seconds: 1_000_000)).map(text)
    let texts = expected.outputs.values.joined().map { $0.split(separator: ": ")[1] }
    #expect(outputs.sorted() == texts.map(String.init).sorted())
  }

  /// A stage that sets its timer for the instant it fired at is stopped, not followed forever.
  @Test func aTimerThatNeverRestsIsAFailure() throws {
    let stages = StageSet(
      intake: ToyIntake(), stages: [ToyRegister(), ToyPersons(), RestlessHouseholds()])
    let pipeline = InlinePipeline(stages: stages)
    _ = try feed(pipeline, Toy.event(1, person: 1, household: 1, seconds: 0))
    #expect(throws: DecodingFailure.self) { try pipeline.advance(until: .distantFuture) }
  }
}

private final class RestlessHouseholds: Stage {
  var channel: Channel { .households }
  func process(
    _ payload: UnsafeRawBufferPointer, now: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    state.setTimer([1], now.adding(seconds: 1))
  }
  func fire(
    owner: [UInt8], due: Instant, state: StateOverlay, outbox: inout Outbox
  ) throws(DecodingFailure) {
    state.setTimer(owner, due)
  }
}
