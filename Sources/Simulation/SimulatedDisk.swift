public import StateStore
public import Streaming

/// What survives a process: the local states of a daemon, in memory.
public final class SimulatedStorage {
  struct Place: Hashable {
    let channel: Channel
    let partition: Int32
  }
  final class Stored {
    let values = MemoryState()
    var meta: StateMeta?
    /// Why the next opening will not trust it.
    var distrust: WipeReason?
  }
  private var stored: [Place: Stored] = [:]

  public init() {}

  /// The disk is gone.
  public func removeAll() { stored.removeAll() }

  /// The machine went down: nothing on the disk can be trusted.
  public func losePower() {
    for state in stored.values { state.distrust = .uncleanBoot }
  }

  /// Every key and value of a partition, in key order.
  public func entries(
    _ channel: Channel, _ partition: Int32
  ) -> [(key: [UInt8], value: [UInt8])] {
    stored[Place(channel: channel, partition: partition)]?.values.entries ?? []
  }

  /// Every timer of a partition, in order.
  public func timers(_ channel: Channel, _ partition: Int32) -> [Timer] {
    stored[Place(channel: channel, partition: partition)]?.values.timers(after: nil, max: .max)
      ?? []
  }

  public func meta(_ channel: Channel, _ partition: Int32) -> StateMeta? {
    stored[Place(channel: channel, partition: partition)]?.meta
  }

  /// Changes where a copy says it stands, as a damaged or foreign copy would.
  public func setMeta(_ channel: Channel, _ partition: Int32, _ meta: StateMeta?) {
    stored[Place(channel: channel, partition: partition)]?.meta = meta
  }

  /// Overwrites a value, as damage would.
  public func overwrite(_ channel: Channel, _ partition: Int32, key: [UInt8], value: [UInt8]) {
    guard let state = stored[Place(channel: channel, partition: partition)] else { return }
    let overlay = StateOverlay(base: state.values)
    overlay.put(key, value)
    state.values.apply(overlay)
  }

  func place(_ channel: Channel, _ partition: Int32) -> Stored {
    let place = Place(channel: channel, partition: partition)
    if let found = stored[place] { return found }
    let fresh = Stored()
    stored[place] = fresh
    return fresh
  }
}

/// One process's access to a `SimulatedStorage`, with faults at every call.
public final class SimulatedDisk: StateOpener {
  private let storage: SimulatedStorage
  private let faults: Faults

  public init(_ storage: SimulatedStorage, faults: Faults = Faults()) {
    self.storage = storage
    self.faults = faults
  }

  public func open(
    _ channel: Channel, partition: Int32
  ) throws(StateFailure) -> (state: SimulatedState, wiped: WipeReason?) {
    try act(on: faults.fault(.openState, .before))
    let stored = storage.place(channel, partition)
    let reason = stored.distrust
    if reason != nil {
      stored.values.removeAll()
      stored.meta = nil
      stored.distrust = nil
    }
    return (SimulatedState(stored, faults), reason)
  }
}

/// The state of one partition on a simulated disk.
public final class SimulatedState: PartitionState {
  private let stored: SimulatedStorage.Stored
  private let faults: Faults
  public var meta: StateMeta? { stored.meta }
  public private(set) var failure: StateFailure?

  init(_ stored: SimulatedStorage.Stored, _ faults: Faults) {
    self.stored = stored
    self.faults = faults
  }

  public func withValue<R, Failure: Error>(
    _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) throws(Failure) -> R
  ) throws(Failure) -> R {
    try stored.values.withValue(key, body)
  }

  public func keys(prefix: UInt8, after cursor: [UInt8]?, max: Int) -> [[UInt8]] {
    stored.values.keys(prefix: prefix, after: cursor, max: max)
  }

  public func timers(after cursor: Timer?, max: Int) -> [Timer] {
    stored.values.timers(after: cursor, max: max)
  }

  public func apply(_ overlay: StateOverlay, meta: StateMeta) throws(StateFailure) {
    try act(on: faults.fault(.applyState, .before))
    stored.values.apply(overlay)
    stored.meta = meta
    try act(on: faults.fault(.applyState, .after))
  }

  public func wipe() throws(StateFailure) {
    try act(on: faults.fault(.wipeState, .before))
    stored.values.removeAll()
    stored.meta = nil
    failure = nil
  }

  public func close(flush: Bool) {}
}

private func act(on fault: Fault?) throws(StateFailure) {
  switch fault {
  case .crash: throw StateFailure(.io, SimulatedLog.crashCode)
  case .fail(.restore): throw StateFailure(.corrupt, "injected")
  case .fail(.fatal): throw StateFailure(.io, "injected")
  default: return
  }
}
