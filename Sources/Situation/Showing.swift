public import Expression
import Policy
import Records
import Vocabulary

/// Values as outputs show them, and where they come from.
extension Situation {
  /// The persons of a value: one person or a list of them.
  public func persons(_ value: Value) -> [Int] {
    switch value {
    case .object(let object) where object.type == ObjectKind.person.rawValue:
      return [Int(object.index)]
    case .hostList(let list):
      return (0..<count(list)).flatMap { persons(element(list, at: $0)) }
    case .list(let list): return list.elements.flatMap(persons)
    default: return []
    }
  }

  /// The persons of a value as the subjects of a rule about each of them.
  public func subjects(_ value: Value) -> [Int?] {
    guard case .hostList(let list) = value else { return persons(value).map(Optional.some) }
    var subjects: [Int?] = []
    let count = count(list)
    subjects.reserveCapacity(count)
    for at in 0..<count {
      if let object = object(list, at: at), object.type == ObjectKind.person.rawValue {
        subjects.append(Int(object.index))
      }
    }
    return subjects
  }

  /// The texts of a value: one text or a list of them.
  public func texts(_ value: Value) -> [String] {
    switch value {
    case .string(let text): return [text.string]
    case .list(let list): return list.elements.flatMap(texts)
    default: return []
    }
  }

  /// A value as evidence shows it; nil where it has none.
  public func shown(_ value: Value) -> String? {
    switch value {
    case .bool(let value): return value ? "是" : "否"
    case .int(let value): return String(value)
    case .uint(let value): return String(value)
    case .double(let value): return String(value)
    case .string(let text): return text.string
    case .date(let date): return date.description
    case .timestamp(let time): return time.instant.description
    case .list(let list):
      return list.elements.compactMap(shown).joined(separator: "、")
    case .hostList(let list): return String(count(list))
    default: return nil
    }
  }

  /// The event behind the last stored fact among those that a program read.
  public func origin(of trace: [FactRef]) -> EventPosition? {
    guard let file else { return nil }
    var latest: (position: EventPosition, effective: Instant)?
    for fact in trace {
      guard let position = origin(of: fact), let event = file.event(position) else { continue }
      if latest.map({ $0.effective <= event.effective }) ?? true {
        latest = (position, event.effective)
      }
    }
    return latest?.position
  }

  /// The short name of an event's type.
  public func typeName(of position: EventPosition) -> String? {
    file?.event(position).map { schema.typeName($0.type) }
  }

  private func origin(of fact: FactRef) -> EventPosition? {
    guard let file else { return nil }
    if fact.object.type == ObjectKind.event.rawValue {
      return EventPosition(packed: fact.object.index)
    }
    let isPerson = fact.object.type == ObjectKind.person.rawValue
    let owner = isPerson ? Int(fact.object.index) : EventPosition.household
    guard let log = file.log(of: owner),
      let id = isPerson ? schema.storedPerson(fact.field) : schema.storedHousehold(fact.field),
      let field = log.latest(id, at: view.instant)
    else { return nil }
    return EventPosition(owner: owner, index: field.eventIndex)
  }

  private static let personName = FactID("person.name")
  private static let personPhone = FactID("person.phone")
  private static let urgent = FactID("event.urgent")

  /// The person's name: the latest composition's, else the one an applicant gave.
  public func name(of index: Int) -> String? {
    guard let file, file.persons.indices.contains(index) else { return nil }
    let person = file.persons[index]
    let named = file.compositions.last { $0.member(person.id)?.name != nil }
    if let name = named?.member(person.id)?.name { return name }
    return text(person.view.log.latest(Situation.personName, at: .distantFuture))
  }

  public func phone(of index: Int) -> String? {
    guard let file, file.persons.indices.contains(index) else { return nil }
    return text(file.persons[index].view.log.latest(Situation.personPhone, at: .distantFuture))
  }

  /// Whether a report says that it is urgent.
  public func isUrgent(_ position: EventPosition) -> Bool {
    guard let log = file?.log(of: position.owner) else { return false }
    return log.field(Situation.urgent, of: position.index).map { $0.scalar != 0 } ?? false
  }

  private func text(_ field: FieldView?) -> String? {
    guard let field, field.tag == .string else { return nil }
    return String(decoding: field.stringBytes, as: UTF8.self)
  }
}
