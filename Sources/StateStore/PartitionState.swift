public import Streaming

/// The durable state of one partition of one stage, as the worker uses it.
public protocol PartitionState: StateBase {
  /// Where the copy stands; nil where nothing was ever written.
  var meta: StateMeta? { get }

  /// The first failed read since the state was opened. Reads answer nil from then on, so the batch
  /// has to be aborted.
  var failure: StateFailure? { get }

  /// Writes an overlay and `meta` in one local transaction. The overlay is not reset.
  func apply(_ overlay: StateOverlay, meta: StateMeta) throws(StateFailure)

  /// Forgets everything, `meta` too.
  func wipe() throws(StateFailure)

  /// Closes the state. With `flush` the copy can be trusted after a reboot, at the cost of writing
  /// it through to the disk; without, only as long as the machine runs.
  func close(flush: Bool)
}

/// Opens partition states: a directory of LMDB environments, or memory in tests.
public protocol StateOpener<State>: AnyObject {
  associatedtype State: PartitionState

  /// Opens or creates the state of a stage's partition. A copy that cannot be trusted is wiped
  /// first; the second value says why.
  func open(
    _ channel: Channel, partition: Int32
  ) throws(StateFailure) -> (state: State, wiped: WipeReason?)
}

/// Why a local copy was not trusted.
public enum WipeReason: String, Sendable {
  /// The machine went down while the copy was in use, and nothing was synced on the way.
  case uncleanBoot = "unclean-boot"
  /// The files are damaged or of another release.
  case corrupt
  /// The copy is ahead of the changelog: the topic was created anew.
  case aheadOfChangelog = "ahead-of-changelog"
  /// The changelog no longer reaches back to the copy's position.
  case behindChangelog = "behind-changelog"
  /// The copy is older than the changelog keeps tombstones.
  case tooOld = "too-old"
  /// A record did not decode.
  case undecodable
}
