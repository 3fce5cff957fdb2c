internal import Policy

/// What a checked value is.
enum SlotKind: UInt8, BitwiseCopyable {
  case absent, bool, int, money, date, instant, person, text, list, object
}

/// One checked value of an event's data.
struct Slot: BitwiseCopyable {
  /// Texts: the UTF-8 bytes, borrowed from the event or the parser.
  var start: UnsafePointer<UInt8>?
  /// Bool 0 or 1, int, fen, day number, microseconds, citizen digits; lists: the first element's
  /// slot; objects: the slot of the first field.
  var number: Int64
  /// Texts: bytes. Lists: elements.
  var length: UInt32
  /// Words: position in the field's list of words; else -1. While an object is read: its node.
  var word: Int32
  var kind: SlotKind

  static var absent: Slot {
    Slot(start: nil, number: 0, length: 0, word: -1, kind: .absent)
  }

  @inline(__always)
  var text: PlanText {
    start.map { PlanText(start: $0, length: Int(length)) } ?? .empty
  }
}

/// How a value is checked.
struct FieldPlan: BitwiseCopyable {
  enum Check: UInt8, BitwiseCopyable {
    case bool, int, intOrText, money, date, month, timestamp, citizen, text, code, word, list,
      object
  }
  enum Future: UInt8, BitwiseCopyable { case never, always, conditional }
  enum Unique: UInt8, BitwiseCopyable { case none, elements, field }

  var name: PlanText
  var check: Check
  var isOptional: Bool
  var future: Future = .never
  var unique: Unique = .none
  /// Ints: value. Texts: code points. Lists: elements.
  var low: Int64 = 0
  var high: Int64 = 0
  /// Codes: bit n is set where n digits will do.
  var digits: UInt64 = 0
  /// Words: position among the word tables. Objects: the object. Lists: the element's plan among
  /// the loose fields.
  var detail: Int32 = -1
  /// Conditional future dates: the field that decides. Unique by field: that field.
  var other: Int32 = -1
  /// Conditional future dates: by position of the word, whether the date may lie ahead.
  var allowed: UnsafePointer<Bool>?
}

struct ObjectPlan: BitwiseCopyable {
  var fields: UnsafePointer<FieldPlan>
  var count: Int
  var names: NameTable
  /// Fields of which at least one must be present.
  var anyOf: UnsafePointer<Int32>
  var anyOfCount: Int
  var hasConditionalDates: Bool
}

/// The way to a slot.
struct PathPlan: BitwiseCopyable {
  var isRelative: Bool
  var steps: UnsafePointer<Int32>
  var count: Int
  /// The step before which a list is crossed, -1 where none is.
  var crossing: Int
}

struct ConditionPlan: BitwiseCopyable {
  enum Test: UInt8, BitwiseCopyable { case present, absent, isTrue, isFalse, oneOf }
  var path: PathPlan
  var test: Test
  /// By position of the word.
  var words: UnsafePointer<Bool>?
}

struct ConditionsPlan: BitwiseCopyable {
  var first: UnsafePointer<ConditionPlan>
  var count: Int
}

struct FactPlan: BitwiseCopyable {
  enum Operation: UInt8, BitwiseCopyable { case field, constant, mapped, others }
  var fact: UInt32
  var operation: Operation
  var path: PathPlan
  /// Of the operation `constant`; of `field`, where the field is absent.
  var constant: PlanText?
  /// By position of the word: -1 the word itself, -2 nothing, else a position in `outcomes`.
  var choices: UnsafePointer<Int32>?
  var outcomes: UnsafePointer<PlanText>?
  /// `others`: state a single person.
  var isSingle: Bool
  var conditions: ConditionsPlan
}

struct FactsPlan: BitwiseCopyable {
  var first: UnsafePointer<FactPlan>
  var count: Int
}

struct TargetPlan: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable { case person, household, referral, address }
  struct Choice: BitwiseCopyable {
    var kind: Kind
    var path: PathPlan
  }
  var each: PathPlan?
  var choices: UnsafePointer<Choice>
  var choiceCount: Int
  var conditions: ConditionsPlan
  var facts: FactsPlan
}

struct MembersPlan: BitwiseCopyable {
  var each: PathPlan
  var id: PathPlan
  var relation: PathPlan
  var name: PathPlan?
  var guardians: PathPlan?
  var hukou: PathPlan?
  var selfCare: PathPlan?
}

/// One event type, compiled.
///
/// An object, so that looking one up for an event copies nothing.
final class EventPlan {
  let name: String
  let type: UInt32
  /// Nil: any in-topic.
  let topic: String?
  /// Position of the object plan of `data`.
  let data: Int
  /// Nil: `time`.
  let effective: PathPlan?
  let facts: FactsPlan
  let targets: UnsafePointer<TargetPlan>
  let targetCount: Int
  let members: MembersPlan?
  let retracts: PathPlan?
  let keepsOriginal: Bool

  init(
    name: String, type: UInt32, topic: String?, data: Int, effective: PathPlan?, facts: FactsPlan,
    targets: UnsafePointer<TargetPlan>, targetCount: Int, members: MembersPlan?,
    retracts: PathPlan?, keepsOriginal: Bool
  ) {
    self.name = name
    self.type = type
    self.topic = topic
    self.data = data
    self.effective = effective
    self.facts = facts
    self.targets = targets
    self.targetCount = targetCount
    self.members = members
    self.retracts = retracts
    self.keepsOriginal = keepsOriginal
  }
}

/// All event types of a pack, compiled for one thread.
final class SourcePlan {
  let arena: PlanArena
  let events: [EventPlan]
  /// By short name.
  let names: NameTable
  let objects: UnsafePointer<ObjectPlan>
  /// Plans of list elements.
  let elements: UnsafePointer<FieldPlan>
  let words: UnsafePointer<NameTable>

  init(_ catalog: SourceCatalog) {
    var compiler = PlanCompiler()
    events = catalog.events.map { compiler.event($0) }
    arena = compiler.arena
    names = NameTable(catalog.events.map(\.name), arena: arena)
    objects = arena.copy(compiler.objects)
    elements = arena.copy(compiler.elements)
    words = arena.copy(compiler.words)
  }
}
