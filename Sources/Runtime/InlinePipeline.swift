public import Streaming
public import Vocabulary

/// The stages on one virtual clock, in memory and without a log: `replay` and policy tests.
///
/// A record is decoded; if it moves the clock, all timers due by the new clock fire first, each at
/// its own instant and with everything that follows from it; then the record is processed with
/// everything that follows, first in, first out (semantics 1). The same input gives the same
/// outputs in the same order.
public final class InlinePipeline {
  /// The greatest clock of an event or timer so far.
  public private(set) var now: Instant

  private struct Part {
    let run: StagePartition
    let state: MemoryState
  }
  private var intake: any IntakeStage
  /// By channel.
  private let parts: [Part]
  private var queue: [(record: InternalRecord, clock: Instant)] = []
  private var outbox = Outbox()
  private var outputs: [OutputRecord] = []

  /// `stages` has one stage of each channel; the clock starts at `start`.
  public init(stages: StageSet, start: Instant = .distantPast) {
    intake = stages.intake
    now = start
    parts = stages.stages.sorted { $0.channel.rawValue < $1.channel.rawValue }.map { stage in
      let state = MemoryState()
      let run = StagePartition(stage: stage, partition: 0, base: state, clock: start)
      return Part(run: run, state: state)
    }
  }

  /// Goes on with another policy or directory, and answers what that changes, in order.
  public func replace(_ stages: StageSet) throws(DecodingFailure) -> [OutputRecord] {
    // What the state was made under is noted with the first sweep.
    try sweep()
    intake = stages.intake
    for part in parts {
      if let stage = stages.stage(part.run.channel) { part.run.stage = stage }
    }
    try sweep()
    return takeOutputs()
  }

  private func sweep() throws(DecodingFailure) {
    for part in parts {
      while part.run.needsSweep {
        _ = try part.run.sweep(InlinePipeline.sweepSlice, outbox: &outbox)
        collect(&outbox, clock: now)
        try drain()
      }
    }
  }

  private static let sweepSlice = 256

  /// Feeds a record of an in-topic and answers what is published, in order.
  public func feed(_ record: InboundRecord) throws(DecodingFailure) -> [OutputRecord] {
    var arrived = Outbox()
    let clock = intake.process(record, now: now, wall: nil, outbox: &arrived)
    if clock > now { try fireTimers(until: clock) }
    collect(&arrived, clock: now)
    try drain()
    return takeOutputs()
  }

  /// Moves the clock, firing the timers due on the way, and answers what is published, in order.
  public func advance(until instant: Instant) throws(DecodingFailure) -> [OutputRecord] {
    try fireTimers(until: instant)
    return takeOutputs()
  }

  /// Every key and value of a stage's state, in key order.
  public func entries(_ channel: Channel) -> [(key: [UInt8], value: [UInt8])] {
    parts.first { $0.run.channel == channel }?.state.entries ?? []
  }

  private func fireTimers(until instant: Instant) throws(DecodingFailure) {
    while let (timer, run) = nextTimer(through: instant) {
      if timer.due > now { now = timer.due }
      try run.fire(timer, outbox: &outbox)
      collect(&outbox, clock: timer.due)
      try drain()
    }
    if instant > now { now = instant }
  }

  /// The earliest timer of all stages by (due, owner), of equal ones the first channel's.
  private func nextTimer(through instant: Instant) -> (Timer, StagePartition)? {
    var first: (Timer, StagePartition)?
    for part in parts {
      guard let timer = part.run.nextTimer(through: instant) else { continue }
      if let best = first?.0, best <= timer { continue }
      first = (timer, part.run)
    }
    return first
  }

  /// Processes internal records until none is left, then writes the overlays.
  private func drain() throws(DecodingFailure) {
    var head = 0
    while head < queue.count {
      let (record, clock) = queue[head]
      head += 1
      guard let part = parts.first(where: { $0.run.channel == record.channel }) else { continue }
      let run = part.run
      let at = run.advance(to: clock)
      try record.payload.span.withUnsafeBytes { (payload) throws(DecodingFailure) in
        try run.process(payload, outbox: &outbox)
      }
      collect(&outbox, clock: at)
    }
    queue.removeAll(keepingCapacity: true)
    for part in parts where part.run.isTouched {
      part.state.apply(part.run.overlay)
      part.run.finish()
    }
  }

  private func collect(_ box: inout Outbox, clock: Instant) {
    for record in box.internalRecords { queue.append((record, clock)) }
    outputs += box.outputs
    box.removeAll()
  }

  private func takeOutputs() -> [OutputRecord] {
    defer { outputs.removeAll() }
    return outputs
  }
}
