import Records
import Situation
import Vocabulary

/// What rules say of events by the facts of their days, which are over.
extension Desk {
  /// What a rule says by the facts of an event's day.
  enum DayAnswer {
    /// Not asked yet, or it hangs on what is missing.
    case open
    case fails, holds
  }

  /// Remembers what a rule said by the facts of a collected event's day.
  mutating func note(_ answer: DayAnswer, _ bit: UInt64, _ at: Int) {
    switch answer {
    case .open: break
    case .fails: collected[at].said.quiet |= bit
    case .holds: collected[at].said.held |= bit
    }
  }

  /// What a rule has said of an earlier stage of an event's transaction that is the same to it.
  func answerOfTwin(_ at: Int, _ eventful: Rulebook.Eventful) -> DayAnswer {
    let position = collected[at].position
    guard takesShortCuts, let stages = eventful.stages, let log = file.log(of: position.owner)
    else { return .open }
    let date = collected[at].effective.date
    for other in collected.indices[..<at].reversed() {
      guard collected[other].effective.date == date else { break }
      let said = collected[other].said
      guard (said.quiet | said.held) & eventful.mask != 0,
        collected[other].position.owner == position.owner,
        stages.areTwins(collected[other].position.index, position.index, in: log)
      else { continue }
      return said.quiet & eventful.mask != 0 ? .fails : .holds
    }
    return .open
  }
}
