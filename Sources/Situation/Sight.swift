import Expression
import Records
import Vocabulary

extension Situation {
  /// What every read needs, apart from the object: no exclusivity checks, no counting.
  struct Sight {
    /// The facts of the present viewpoint, where they belong to one of these generations.
    var cells: UnsafeMutablePointer<Cell>
    var generation: UInt32 = 0
    /// Of the facts that are others for another deciding event.
    var eventGeneration: UInt32 = 0
    var personCount = 0
    /// The same as the object's, which keeps it.
    var file: Unmanaged<HouseholdFile>?
    /// The log of the household, then those of the people.
    var logs: UnsafeMutablePointer<EventLogView>
    var lists: UnsafeMutablePointer<ObjectList>
    var listCount = 0
    var items: UnsafeMutablePointer<UInt32>
    /// Of the parameters in force; none before they are first asked for.
    var parameters: UnsafeMutablePointer<Value>?
    var parameterCount = 0
    /// Where the last field of an event was found: the same field of the next one mostly follows.
    var hint = 0
    /// The same for the fields that name a service.
    var serviceHints = (line: 0, item: 0, code: 0)
    let serviceTable: Unmanaged<ServiceTable>
    let statementBits: Unmanaged<Statements>
    /// What events are about; the household's come first.
    var services = EventServices()
    /// What was stated of each person, once it was found out.
    var statements: UnsafeMutablePointer<UInt64>
    /// From when on the series asked for last shows events.
    var oldest = (keep: Term(0, .days), today: CivilDate.earliest, instant: Instant.distantPast)
    /// Who lives here, by bit.
    var here: UInt64 = 0
    /// Since when nobody can move, if nobody ever did, and who lives here then.
    var settled = (since: Instant.distantFuture, here: UInt64(0))
    /// The view moves with the clock.
    var isMoving = true
    /// Since `begin`, something else was read than what events state themselves.
    var looksBeyondEvents = false
    /// The rules' variables for a person and an event stand for some.
    var hasMember = false
    var hasEvent = false
    /// The contexts, which are kept by the object.
    var contexts: Contexts?
    /// When the fact being worked out stands.
    var standing = Standing()
    /// The memories in use, and which of them is the present one.
    let places: UnsafeMutablePointer<MemoryPlace>
    var place = 0
  }

  /// Where a viewpoint keeps what it has shown.
  struct MemoryPlace {
    let memory: Unmanaged<ViewMemory>
    /// Its facts, where they belong to this generation.
    var cells: UnsafeMutablePointer<Cell>
    var generation: UInt32 = 0
    /// The memories whose facts may stand here too, by bit: those of viewpoints at which the same
    /// people lived here by the same compositions and moves.
    var kin: UInt32 = 0
  }

  struct Contexts {
    let rules: Unmanaged<EvaluationContext>
    let assessment: Unmanaged<EvaluationContext>
    let derivation: Unmanaged<EvaluationContext>
  }
}
